package dev.sluice.cli.face.vpnkit;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a command line has set; VPNKit's defaults where it has not. */
final class Settings {
    /** Where guests connect; empty for nowhere, which is the end. */
    String ethernet = "";

    final List<String> ports = new ArrayList<>();
    final List<String> introspection = new ArrayList<>();
    final List<String> diagnostics = new ArrayList<>();
    final List<String> pcap = new ArrayList<>();
    int pcapSnapLength = 128;

    @Nullable
    Integer maxConnections;

    /** Where the HTTP API of VPNKit's Go programs is; empty for nowhere. */
    String controlListen = "";

    /** The socket that leads to the agent in the guest; empty for none. */
    String vsockPath = "";

    /** Where the Go forwarder in the guest is; empty for nowhere. */
    String dataConnect = "";

    /** Where the Go forwarder in the guest connects; empty for nowhere. */
    String dataListen = "";

    String dnsFile = "";
    String httpFile = "";
    String httpApiPath = "";
    String hostsFile = "/etc/hosts";
    List<String> hostNames = List.of("host.internal");
    List<String> gatewayNames = List.of("gateway.internal");
    List<String> vmNames = List.of("vm.internal");
    boolean debug;
    MacAddress serverMac = AddressPlan.DEFAULT_MAC;
    /** Null leaves it to the DHCP file. */
    @Nullable
    String domain;

    List<Ipv4Address> allowedBindAddresses = List.of(Ipv4Address.ANY);
    Ipv4Address gateway = Ipv4Address.parse("192.168.65.1");
    Ipv4Address host = Ipv4Address.parse("192.168.65.2");
    Ipv4Address lowest = Ipv4Address.parse("192.168.65.3");
    Ipv4Address highest = Ipv4Address.parse("192.168.65.254");
    String dhcpFile = "";
    int mtu = 1500;
    final List<GatewayForward> forwards = new ArrayList<>();
    String gatewayForwardsFile = "";
    String forwardsFile = "";

    /**
     * The network's addresses.
     *
     * @param search the guests' search list
     * @throws IllegalArgumentException if they make no network
     */
    AddressPlan plan(String domain, List<String> search) {
        if (lowest.compareTo(highest) > 0) {
            throw new IllegalArgumentException("--lowest-ip " + lowest + " is above --highest-ip " + highest);
        }
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw new IllegalArgumentException(
                    "--mtu " + mtu + " is not within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU);
        }
        boolean hostOpen = !host.equals(Ipv4Address.ANY);
        Ipv4Address shown = hostOpen ? host : closedHost();
        Ipv4Cidr subnet = subnet(shown);
        if (subnet.prefix() < 8) {
            throw new IllegalArgumentException("--gateway-ip " + gateway + ", --lowest-ip " + lowest
                    + " and --highest-ip " + highest + " are too far apart for one network");
        }
        return new AddressPlan(subnet, gateway, shown, lowest, highest, serverMac, mtu, hostOpen, domain, search);
    }

    /** An address that is nobody's, where the host's loopback is to stay closed. */
    private Ipv4Address closedHost() {
        Ipv4Address next = gateway.plus(1);
        boolean guests = next.compareTo(lowest) >= 0 && next.compareTo(highest) <= 0;
        return guests ? gateway : next;
    }

    /** The smallest network in which all addresses are those of hosts. */
    private Ipv4Cidr subnet(Ipv4Address shown) {
        List<Ipv4Address> all = List.of(gateway, shown, lowest, highest);
        for (int prefix = 29; prefix > 0; prefix--) {
            int mask = -1 << 32 - prefix;
            Ipv4Cidr candidate = new Ipv4Cidr(new Ipv4Address(gateway.bits() & mask), prefix);
            if (all.stream()
                    .allMatch(address -> candidate.contains(address)
                            && !address.equals(candidate.network())
                            && !address.equals(candidate.broadcast()))) {
                return candidate;
            }
        }
        return new Ipv4Cidr(Ipv4Address.ANY, 0);
    }
}
