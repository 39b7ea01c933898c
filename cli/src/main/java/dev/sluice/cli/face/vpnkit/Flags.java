package dev.sluice.cli.face.vpnkit;

import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/** VPNKit's flags. */
final class Flags {
    /** What is to be done. */
    enum Outcome {
        RUN,
        HELP,
        VERSION
    }

    private final Settings settings;
    private Outcome outcome = Outcome.RUN;

    private Flags(Settings settings) {
        this.settings = settings;
    }

    static Outcome parse(List<String> words, Settings into) throws Cmdliner.Mistake {
        Flags flags = new Flags(into);
        flags.syntax().parse(words);
        return flags.outcome;
    }

    private Cmdliner syntax() {
        Settings s = settings;
        Cmdliner line = new Cmdliner()
                .flag("help", () -> outcome = Outcome.HELP)
                .flag("version", () -> outcome = Outcome.VERSION)
                .flag("debug", () -> s.debug = true)
                .value("ethernet", value -> s.ethernet = value)
                .values("port", s.ports::add)
                .values("introspection", s.introspection::add)
                .values("diagnostics", s.diagnostics::add)
                .values("pcap", s.pcap::add)
                .value("pcap-snaplen", value -> s.pcapSnapLength = integer(value))
                .value("max-connections", value -> s.maxConnections = integer(value))
                .value("vsock-path", value -> s.vsockPath = path(value))
                .alias("port-forwards", "vsock-path")
                .value("data-connect", value -> s.dataConnect = value)
                .value("data-listen", value -> s.dataListen = value)
                .value("control-listen", value -> s.controlListen = value)
                .value("dns", value -> s.dnsFile = value)
                .value("http", value -> s.httpFile = value)
                .value("http-api-path", value -> s.httpApiPath = value)
                .value("hosts", value -> s.hostsFile = value)
                .value("host-names", value -> s.hostNames = names(value))
                .value("gateway-names", value -> s.gatewayNames = names(value))
                .value("vm-names", value -> s.vmNames = names(value))
                .value("domain", value -> s.domain = value)
                .value("server-macaddr", value -> s.serverMac = read(value, MacAddress::parse, "a MAC address"))
                .value("allowed-bind-addresses", value -> s.allowedBindAddresses = addresses(value))
                .value("gateway-ip", value -> s.gateway = address(value))
                .value("host-ip", value -> s.host = address(value))
                .value("lowest-ip", value -> s.lowest = address(value))
                .value("highest-ip", value -> s.highest = address(value))
                .value("dhcp-path", value -> s.dhcpFile = file(value))
                .value("mtu", value -> s.mtu = integer(value))
                .value("udpv4-forwards", value -> forwards(value, true))
                .value("tcpv4-forwards", value -> forwards(value, false))
                .value("gateway-forwards", value -> s.gatewayForwardsFile = value)
                .value("forwards", value -> s.forwardsFile = value);
        // without a meaning here; docs/vpnkit.md says why
        for (String ignored : List.of("listen-backlog", "port-max-idle-time", "gc-compact-interval")) {
            line.value(ignored, Flags::integer);
        }
        for (String historical : List.of("log-destination", "db", "branch", "http-intercept")) {
            line.value(historical, _ -> {});
        }
        return line;
    }

    private static int integer(String text) {
        return read(text, Integer::parseInt, "an integer");
    }

    private static Ipv4Address address(String text) {
        return read(text, Ipv4Address::parse, "an IPv4 address");
    }

    private static <T> T read(String text, Function<String, T> reader, String expected) {
        try {
            return reader.apply(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("expected " + expected, e);
        }
    }

    private static List<String> names(String text) {
        return Arrays.stream(text.split(","))
                .map(String::strip)
                .filter(name -> !name.isEmpty())
                .toList();
    }

    private static List<Ipv4Address> addresses(String text) {
        return names(text).stream().map(Flags::address).toList();
    }

    private static String file(String text) {
        if (!Files.isRegularFile(Path.of(text))) {
            throw new IllegalArgumentException("no such file");
        }
        return text;
    }

    /** A plain path, or one as a URL. */
    private static String path(String text) {
        return text.startsWith("unix:") ? text.substring("unix:".length()) : text;
    }

    private void forwards(String text, boolean udp) {
        List<GatewayForward> found = new ArrayList<>();
        for (String one : names(text)) {
            String[] parts = one.split(":", -1);
            if (parts.length != 3) {
                throw new IllegalArgumentException("expected port:ip:port, and more with commas between");
            }
            found.add(new GatewayForward(
                    port(parts[0]), udp, new GatewayForward.Address(address(parts[1]), port(parts[2]))));
        }
        settings.forwards.addAll(found);
    }

    private static int port(String text) {
        int port = integer(text);
        if (port < 1 || port > 65_535) {
            throw new IllegalArgumentException("expected ports within 1…65535");
        }
        return port;
    }

    /** For {@code --help}. */
    static final String HELP = """
            NAME
                   vpnkit - proxy TCP/IP connections from an ethernet link via sockets

            SYNOPSIS
                   vpnkit [OPTION]...

            This is sluice in the place of VPNKit; docs/vpnkit.md tells what differs.

            OPTIONS
                   --ethernet=URL             where guests connect: PATH, fd:N, hyperkit://:PORT/PATH
                   --mtu=BYTES                largest IP packet of the guest network (1500)
                   --gateway-ip=IP            gateway, DNS and time server (192.168.65.1)
                   --host-ip=IP               leads to this machine's loopback; 0.0.0.0 for none (192.168.65.2)
                   --lowest-ip=IP             first guest's address (192.168.65.3)
                   --highest-ip=IP            last guest's address (192.168.65.254)
                   --server-macaddr=MAC       of gateway and host (f6:16:36:bc:f9:c6)
                   --host-names=NAMES         names of --host-ip (host.internal)
                   --gateway-names=NAMES      names of --gateway-ip (gateway.internal)
                   --vm-names=NAMES           names of --lowest-ip (vm.internal)
                   --domain=NAME              the guests' domain; overrides --dhcp-path
                   --dhcp-path=FILE           JSON: searchDomains, domainName
                   --dns=FILE                 upstream servers by zone, search domains
                   --hosts=FILE               names of this machine (/etc/hosts); empty for none
                   --http=FILE                HTTP proxy settings, JSON
                   --http-api-path=PATH       socket where those settings are read and replaced
                   --port=URL                 9P server by which ports are forwarded; may be repeated
                   --control-listen=PATH      HTTP API by which vpnkit-expose-port forwards ports
                   --vsock-path=PATH          socket that leads to the agent in the guest (also --port-forwards)
                   --data-connect=URL         vpnkit-forwarder in the guest: PATH, hyperkit://:PORT/PATH
                   --data-listen=URL          where a vpnkit-forwarder in the guest connects instead
                   --allowed-bind-addresses=IPS  where forwarded ports may listen (0.0.0.0: anywhere)
                   --tcpv4-forwards=LIST      PORT:IP:PORT,…: ports of the gateway that lead to this machine
                   --udpv4-forwards=LIST      the same of UDP
                   --gateway-forwards=FILE    the same as JSON, watched
                   --forwards=FILE            JSON: destinations that go through a Unix socket, watched
                   --introspection=URL        9P server of the state; may be repeated
                   --diagnostics=URL          sends the state as a tar stream to whoever connects; may be repeated
                   --pcap=URL                 sends what passes as a capture to whoever connects; may be repeated
                   --pcap-snaplen=BYTES       of each packet (128)
                   --max-connections=N        TCP connections at a time
                   --debug                    say more on standard error
                   --help, --version

            Taken and without a meaning here: --listen-backlog, --port-max-idle-time, --gc-compact-interval,
            --log-destination, --db, --branch, --http-intercept.
            """;
}
