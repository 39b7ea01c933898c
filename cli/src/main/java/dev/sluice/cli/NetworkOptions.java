package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.wire.Ipv4Cidr;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The options that every network has. */
final class NetworkOptions {
    /** How a port to publish is written, for the help. */
    static final String PORT = "[ADDRESS:]HOST:[GUEST:]PORT[/udp][,proxy]";

    private @Nullable Ipv4Cidr cidr;

    @Nullable
    Path pcap;

    /** Ports of the gateway that lead guests to places of the host. */
    final List<GatewayForward> gatewayForwards = new ArrayList<>();

    private boolean verbose;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        return syntax.option(
                        "--cidr",
                        "NETWORK",
                        "The guest network; gateway and DNS are its .1, the host .2, guests start at .3"
                                + " (default: 192.168.65.0/24, or the next free one of a short list).",
                        text -> cidr = Ipv4Cidr.parse(text))
                .option(
                        "--pcap",
                        "FILE",
                        "Write every frame of the guest network to FILE, for tcpdump and Wireshark.",
                        text -> pcap = Path.of(text))
                .repeatable(
                        "--gateway-forward",
                        "PORT:ADDRESS:PORT[/udp]",
                        "Lead a port of the gateway's address to one place of this machine (PORT:unix:PATH for a socket);"
                                + " may be repeated.",
                        text -> gatewayForwards.add(GatewayForward.parse(text)))
                .flag("-v, --verbose", "Say more on standard error.", () -> verbose = true);
    }

    /**
     * The addresses, checked and free on this host.
     *
     * @param mtu of the guest network
     */
    AddressPlan plan(int mtu, boolean hostLoopback) {
        if (verbose) {
            Console.beVerbose();
        }
        checkMtu(mtu);
        Ipv4Cidr subnet = SubnetChoice.choose(cidr, HostRoutes.read(), Console::say);
        try {
            return AddressPlan.of(subnet, mtu, hostLoopback);
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr " + subnet + ": " + e.getMessage());
        }
    }

    private static void checkMtu(int mtu) {
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw Failure.usage("--mtu " + mtu + ": an MTU is within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU
                    + " bytes");
        }
    }
}
