package dev.sluice.link.vmnet;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.UUID;

/**
 * Who a vmnet guest is: the same for every link with the same UUID, for as long as the table lives.
 *
 * @param mac the hardware address the guest was told to use
 * @param address the IPv4 address that DHCP must offer it
 */
public record VmnetIdentity(UUID uuid, MacAddress mac, Ipv4Address address) {}
