package dev.sluice.cli;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.options.Syntax;
import dev.sluice.control.ApiDoor;
import dev.sluice.control.ApiToken;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.host.porthelper.PortHelper;
import dev.sluice.link.tap.Ipv6Setup;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Cidr;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The options that every network has. */
final class NetworkOptions {
    /** How a port to publish is written, for the help. */
    static final String PORT = "[ADDRESS:]HOST:[GUEST:]PORT[/udp][,proxy]";

    private @Nullable Ipv4Cidr cidr;

    private @Nullable Path pcap;

    private boolean captureRings;
    private @Nullable Syntax syntax;

    /** Ports of the gateway that lead guests to places of the host. */
    private final List<GatewayForward> gatewayForwards = new ArrayList<>();

    private final DnsOptions dns = new DnsOptions();
    private @Nullable Ipv6Cidr cidr6;
    private @Nullable String portHelper;
    private boolean noIpv6;
    private boolean verbose;
    private final List<ApiDoor> doors = new ArrayList<>();
    private @Nullable Path tokenFile;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        this.syntax = syntax;
        syntax.option(
                        "--cidr",
                        "NETWORK",
                        "The guest network; gateway and DNS are its .1, the host .2, guests start at .3"
                                + " (default: 192.168.65.0/24, or the next free one of a short list).",
                        text -> cidr = Ipv4Cidr.parse(text))
                .option(
                        "--cidr6",
                        "NETWORK",
                        "The same of IPv6, a /64: gateway ::1, host ::2, guests from ::3 or as they choose (default:"
                                + " fd00:5109:5ce::/64, or one beside it that is free).",
                        text -> cidr6 = Ipv6Cidr.parse(text))
                .flag("--no-ipv6", "No IPv6 for guests.", () -> noIpv6 = true)
                .option(
                        "--pcap",
                        "FILE",
                        "Write every frame of the guest network to FILE, for tcpdump and Wireshark; pcapng if FILE ends"
                                + " so.",
                        text -> pcap = Path.of(text))
                .option(
                        "--port-helper",
                        "SOCKET",
                        "Where 'sluice port-helper' listens; it binds the published ports that this user may not.",
                        text -> portHelper = text)
                .flag(
                        "--capture-rings",
                        "Keep the last frames in memory, by kind, for 'sluice capture --ring' and 'sluice diagnose'.",
                        () -> captureRings = true)
                .repeatable(
                        "--gateway-forward",
                        "PORT:ADDRESS:PORT[/udp]",
                        "Lead a port of the gateway's address to one place of this machine (PORT:unix:PATH for a socket);"
                                + " may be repeated.",
                        text -> gatewayForwards.add(GatewayForward.parse(text)))
                .repeatable(
                        "--api",
                        "PLACE",
                        "Serve the control API at tcp:127.0.0.1:PORT, too, with --api-token-file, or at unix:PATH; may be"
                                + " repeated.",
                        text -> doors.add(ApiDoor.parse(text)))
                .option(
                        "--api-token-file",
                        "FILE",
                        "Who knows the token in FILE may use the API over TCP; a FILE that is not there is made.",
                        text -> tokenFile = Path.of(text));
        return dns.addTo(syntax).flag("-v, --verbose", "Say more on standard error.", () -> verbose = true);
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
        checkApi();
        Ipv4Cidr subnet = SubnetChoice.choose(cidr, HostRoutes.read(), Console::say);
        try {
            return withIpv6(AddressPlan.of(subnet, mtu, hostLoopback));
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr " + subnet + ": " + e.getMessage());
        }
    }

    /** Starts the network. */
    GuestNetwork start(AddressPlan plan) throws IOException {
        GuestNetwork network =
                GuestNetwork.start(Gateway.builder().plan(plan).dns(dns.settings(plan)), pcap, gatewayForwards);
        if (portHelper != null) {
            network.gateway().ports().helper(new PortHelper(portHelper));
        }
        if (captureRings) {
            network.gateway().captures().keepRings();
        }
        if (syntax != null) {
            network.settings(syntax.given());
        }
        return network;
    }

    /** Has the network answer the commands that ask it, and serve its API wherever that was asked for. */
    void openControl(GuestNetwork guests) throws IOException {
        guests.openControlSocket();
        ApiToken token = doors.isEmpty() || tokenFile == null ? null : ApiToken.fromFile(tokenFile);
        for (ApiDoor door : doors) {
            guests.openApi(door, token);
        }
    }

    private void checkApi() {
        if (tokenFile == null && doors.stream().anyMatch(ApiDoor.Port.class::isInstance)) {
            throw Failure.usage(
                    "--api tcp:… serves whoever knows a token: say --api-token-file FILE, too; it is made if it"
                            + " is not there");
        }
    }

    private AddressPlan withIpv6(AddressPlan plan) {
        Ipv6Cidr asked = cidr6;
        if (noIpv6) {
            return plan;
        }
        if (plan.mtu() < Ipv6Plan.MIN_MTU) {
            if (asked != null) {
                throw Failure.usage("--cidr6 " + asked + ": IPv6 needs an MTU of " + Ipv6Plan.MIN_MTU
                        + ", and --mtu is " + plan.mtu());
            }
            return plan;
        }
        Ipv6Support host = Ipv6Support.read();
        if (!host.enabled() && asked == null) {
            Console.detail("no IPv6 for guests: it is switched off on this host");
            return plan;
        }
        try {
            Ipv6Cidr prefix = SubnetChoice.choose6(asked, host.networks(), Console::say);
            return plan.withIpv6(Ipv6Plan.of(prefix, plan.mac(), host.hasDefaultRoute()));
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--cidr6 " + asked + ": " + e.getMessage());
        }
    }

    /** How a namespace with the plan's first addresses is configured; null without IPv6. */
    static @Nullable Ipv6Setup ipv6Setup(AddressPlan plan) {
        Ipv6Plan six = plan.ipv6();
        return six == null
                ? null
                : new Ipv6Setup(
                        new Ipv6Cidr(six.firstGuest(), six.prefix().prefix()),
                        six.defaultRoute() ? six.gateway() : null);
    }

    private static void checkMtu(int mtu) {
        if (mtu < AddressPlan.MIN_MTU || mtu > AddressPlan.MAX_MTU) {
            throw Failure.usage("--mtu " + mtu + ": an MTU is within " + AddressPlan.MIN_MTU + "…" + AddressPlan.MAX_MTU
                    + " bytes");
        }
    }
}
