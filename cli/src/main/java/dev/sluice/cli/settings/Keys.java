package dev.sluice.cli.settings;

import dev.sluice.control.ApiDoor;
import dev.sluice.control.diagnose.Secret;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.dns.DnsServer;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.link.LinkUrl;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Cidr;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Every key there is. */
public final class Keys {
    /** Of lists whose own owner has another bound. */
    private static final int MANY = 10_000;

    private static final List<Key<?>> TABLE = new ArrayList<>();

    // ---- network

    public static final Key<Ipv4Cidr> SUBNET = fixed(
            "network.subnet",
            Form.text("10.9.8.0/24", (text, _) -> subnet(Ipv4Cidr.parse(text)), Ipv4Cidr::toString),
            "--cidr",
            "192.168.65.0/24, or the next free one of a short list",
            "The guest network: gateway and DNS are its .1, the host .2, guests start at .3.");
    public static final Key<Boolean> IPV6 = fixed(
            "network.ipv6", Form.flag(), "--no-ipv6", "true, unless the host has none", "Whether guests have IPv6.");
    public static final Key<Ipv6Cidr> SUBNET6 = fixed(
            "network.subnet6",
            Form.text("fd12:3456::/64", (text, _) -> subnet(Ipv6Cidr.parse(text)), Ipv6Cidr::toString),
            "--cidr6",
            "fd00:5109:5ce::/64, or one beside it that is free",
            "The guest network of IPv6, a /64.");
    public static final Key<Long> MTU = fixed(
            "network.mtu",
            Form.number(AddressPlan.MIN_MTU, AddressPlan.MAX_MTU),
            "--mtu",
            "65520 for run and attach, 1500 for serve",
            "Largest IP packet of the guest network, bytes.");
    public static final Key<Boolean> HOST_LOOPBACK = fixed(
            "network.host-loopback",
            Form.flag(),
            "--host-loopback, --no-host-loopback",
            "true for serve, false for run and attach",
            "Whether guests reach the host's loopback, as the network's .2.");

    public static final Key<Boolean> SECCOMP = fixed(
            "network.seccomp",
            Form.flag(),
            "--seccomp",
            "false",
            "Whether the process, once it serves, refuses itself what it needs no more, as to start programs.");

    // ---- dns

    public static final Key<List<DnsServer>> DNS_SERVERS = live(
            "dns.servers",
            Form.list(DnsForms.SERVER, 16),
            "--dns",
            "those of the host",
            "Name servers that are asked instead of the host's, the next one where one fails.");
    public static final Key<List<DnsDirectory.Zone>> DNS_ZONES = live(
            "dns.zones",
            DnsForms.ZONES,
            "--dns-zone",
            "none",
            "Servers for names under a zone; without any, such names are here or nowhere.");
    public static final Key<List<DnsDirectory.Entry>> DNS_RECORDS = live(
            "dns.records",
            Form.list(DnsForms.RECORD, MANY),
            "--dns-record",
            "none",
            "Names with an address or another name, or records of any type.");
    public static final Key<Path> DNS_HOSTS = live(
            "dns.hosts", Form.path("my-hosts"), "--hosts", "/etc/hosts", "Names and addresses for guests; watched.");
    public static final Key<Boolean> DNS_CACHE = live(
            "dns.cache",
            Form.flag(),
            "--no-dns-cache",
            "true",
            "Whether answers of servers are kept as long as they say.");
    public static final Key<List<String>> HOST_NAMES =
            live("dns.host-names", names(), "--host-names", "none", "More names of the host.");
    public static final Key<List<String>> GATEWAY_NAMES =
            live("dns.gateway-names", names(), "--gateway-names", "none", "More names of the gateway.");
    public static final Key<List<String>> VM_NAMES =
            live("dns.vm-names", names(), "--vm-names", "none", "Names of the first guest address.");

    // ---- ports

    public static final Key<List<ForwardSpec>> PUBLISH = live(
            "ports.publish",
            Form.flatList(
                    Form.textOrNumber(
                            "8080:80",
                            (text, _) -> ForwardSyntax.parse(text),
                            all -> all.getFirst().toString()),
                    Forwards.LIMIT),
            "--publish",
            "none",
            "Ports of the host that lead to a guest's.");
    public static final Key<Boolean> PUBLISH_AUTO = fixed(
            "ports.publish-auto",
            Form.flag(),
            "--publish-auto",
            "false",
            "With run and attach: publish services on the host's loopback as they come.");
    public static final Key<List<GatewayForward>> GATEWAY_FORWARDS = live(
            "ports.gateway",
            Form.list(
                    Form.text("5432:127.0.0.1:5432", (text, _) -> GatewayForward.parse(text), GatewayForward::toString),
                    MANY),
            "--gateway-forward",
            "none",
            "Ports of the gateway that lead guests to one place of the host.");
    public static final Key<String> PORT_HELPER = live(
            "ports.helper",
            Form.text(
                    "/run/sluice-port-helper.sock",
                    (text, where) -> Form.resolved(text, where).toString(),
                    t -> t),
            "--port-helper",
            "none",
            "Where 'sluice port-helper' listens; it binds the published ports that this user may not.");

    public static final Key<Long> KEEP_ALIVE = fixed(
            "ports.keep-alive",
            Form.number(0, 86_400),
            "",
            "300",
            "Seconds of silence until a guest is asked whether a published connection is still there; 0 for never.");

    // ---- proxy

    static final String PROXY_NAME = "proxy.use";

    /** Perhaps with a password. */
    public static final Key<Secret> PROXY = live(
            PROXY_NAME,
            // a lambda, not a method reference: that would load the proxy module with this class
            Form.text("host", (text, where) -> ProxyFollower.parse(text, where), use -> ProxyFollower.shown(use)),
            "--http-proxy",
            "host",
            "Which proxy requests take: its URL, a PAC file's URL or path, host for the host's own settings, wpad, or none.");

    public static final Key<List<String>> NO_PROXY = live(
            "proxy.except",
            Form.list(Form.text(".corp.example", (text, _) -> excepted(text), text -> text), 1024),
            "--no-proxy",
            "none",
            "Hosts that are reached without it, as in curl's no_proxy.");

    public static final Key<List<Secret>> PROXY_LOGINS = live(
            "proxy.logins",
            Form.list(
                    Form.text(
                            "me:secret@proxy.corp.example:3128",
                            (text, _) -> login(text),
                            login -> ProxyFollower.shownLogin(login)),
                    64),
            "--proxy-login",
            "none",
            "What to say to proxies that a PAC file or the host's settings name without a password.");

    public static final Key<Long> PROXY_PORT = live(
            "proxy.port",
            Form.number(0, 65_535),
            "--proxy-port",
            "3128",
            "Where the gateway is a proxy for guests that want one; 0 for nowhere.");
    public static final Key<List<Long>> TRANSPARENT_PORTS = live(
            "proxy.transparent-ports",
            Form.list(Form.number(1, 65_535), 64),
            "--transparent-ports",
            "80 and 443",
            "Ports whose connections take the proxy though guests know nothing of it.");

    // ---- capture, api, serve

    public static final Key<Path> CAPTURE_FILE = fixed(
            "capture.file",
            Form.path("trace.pcapng"),
            "--pcap",
            "none",
            "Every frame of the guest network into this file, pcapng if it ends so.");
    public static final Key<Boolean> CAPTURE_RINGS =
            fixed("capture.rings", Form.flag(), "--capture-rings", "false", "Keep the last frames in memory, by kind.");
    public static final Key<List<ApiDoor>> API = fixed(
            "api.listen",
            Form.list(Form.text("tcp:127.0.0.1:8099", Keys::door, Keys::text), 16),
            "--api",
            "the process's own socket only",
            "Where the API is served besides.");
    public static final Key<Path> API_TOKEN = fixed(
            "api.token-file",
            Form.path("token"),
            "--api-token-file",
            "none",
            "Who knows the token in this file may use the API over TCP; it is made if it is not there.");
    public static final Key<List<LinkUrl>> LISTEN = fixed(
            "serve.listen",
            Form.list(Form.text("qemu:/tmp/vm.sock", (text, _) -> LinkUrl.parse(text), LinkUrl::toString), 64),
            "--listen",
            "none",
            "With serve: where guests connect.");

    // ---- limits

    public static final Key<Long> TCP_FLOWS =
            limit("limits.tcp-flows", 16, 1 << 20, "16384", "TCP connections at a time.");
    public static final Key<Long> TCP_HALF_OPEN =
            limit("limits.tcp-half-open", 1, 1 << 20, "1024", "TCP connections that are being made, at a time.");
    public static final Key<Long> UDP_FLOWS = limit("limits.udp-flows", 16, 1 << 16, "2048", "UDP mappings at a time.");
    public static final Key<Long> BUFFER_BYTES = limit(
            "limits.buffer-bytes", 1 << 20, 1L << 36, "268435456", "Memory of all connections' buffers together.");
    public static final Key<Long> DNS_QUERIES =
            limit("limits.dns-queries", 2, 1 << 16, "512", "Name lookups under way at a time.");
    public static final Key<Long> DNS_QUERIES_PER_SECOND = limit(
            "limits.dns-queries-per-second", 1, 1 << 20, "20000", "Name lookups that one guest may start in a second.");

    /** In the order in which they are shown. */
    public static final List<Key<?>> ALL = List.copyOf(TABLE);

    private Keys() {}

    private static <T extends Object> Key<T> live(String name, Form<T> form, String option, String usual, String text) {
        return add(new Key<>(name, form, true, option, usual, text));
    }

    private static <T extends Object> Key<T> fixed(
            String name, Form<T> form, String option, String usual, String text) {
        return add(new Key<>(name, form, false, option, usual, text));
    }

    private static Key<Long> limit(String name, long least, long most, String usual, String text) {
        return fixed(name, Form.number(least, most), "", usual, text);
    }

    private static <T extends Object> Key<T> add(Key<T> key) {
        TABLE.add(key);
        return key;
    }

    private static Form<List<String>> names() {
        return Form.list(DnsForms.NAME, 64);
    }

    /**
     * One of the hosts that a proxy is not for.
     *
     * @throws IllegalArgumentException if it is none
     */
    public static String excepted(String text) {
        String host = text.strip();
        if (host.indexOf('/') >= 0) {
            try {
                return host.indexOf(':') >= 0
                        ? Ipv6Cidr.parse(host).toString()
                        : Ipv4Cidr.parse(host).toString();
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("'" + host + "': " + e.getMessage(), e);
            }
        }
        if (!host.matches("[\\p{Alnum}*._:\\[\\]<>-]+")) {
            throw new IllegalArgumentException(
                    "'" + host + "' is no host, domain, address or network, as .corp.example and 10.0.0.0/8 are");
        }
        return host;
    }

    /**
     * One of what is said to proxies.
     *
     * @throws IllegalArgumentException if it is none, without the password
     */
    public static Secret login(String text) {
        return ProxyFollower.login(text);
    }

    private static Ipv4Cidr subnet(Ipv4Cidr subnet) {
        AddressPlan.of(subnet, AddressPlan.MAX_MTU, false); // throws where it makes no network
        return subnet;
    }

    private static Ipv6Cidr subnet(Ipv6Cidr subnet) {
        Ipv6Plan.of(subnet, AddressPlan.DEFAULT_MAC, false);
        return subnet;
    }

    private static ApiDoor door(String text, Where where) {
        return switch (ApiDoor.parse(text)) {
            case ApiDoor.Socket(Path path) -> new ApiDoor.Socket(Form.resolved(path.toString(), where));
            case ApiDoor.Port port -> port;
        };
    }

    private static Object text(ApiDoor door) {
        return switch (door) {
            case ApiDoor.Socket(Path path) -> "unix:" + path;
            case ApiDoor.Port(var address) -> "tcp:" + address.getHostString() + ":" + address.getPort();
        };
    }
}
