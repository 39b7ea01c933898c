package dev.sluice.link.tap;

import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import org.jspecify.annotations.Nullable;

/**
 * The IPv6 side of an interface that is configured by hand. A namespace whose IPv6 is switched off stays without, quietly.
 *
 * @param address of the namespace, with its prefix length
 * @param gateway where the default route leads; null for none
 */
public record Ipv6Setup(Ipv6Cidr address, @Nullable Ipv6Address gateway) {}
