package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Sluice called as {@code gvproxy}, beside the real one that {@code $GVPROXY} names: the same questions to both, one after the other, and the
 * same answers; or, where Sluice differs on purpose, the answer that the table has. See docs/testing.md for how to get one.
 */
class GvproxyPeerTest {
    private static final String EXPOSE = "/services/forwarder/expose";
    private static final String UNEXPOSE = "/services/forwarder/unexpose";
    private static final String ALL = "/services/forwarder/all";
    private static final String GATEWAY = "192.168.127.1";
    private static final String HOST = "192.168.127.254";
    private static final Duration A_MOMENT = Duration.ofSeconds(2);

    private static Lab lab;
    private static GvproxyPeer real;
    private static GvproxyPeer ours;

    @FunctionalInterface
    private interface Question {
        String of(GvproxyPeer peer) throws Exception;
    }

    /**
     * One line of the table.
     *
     * @param ours what Sluice answers where it differs; null where both say the same
     * @param why it differs
     */
    private record Row(String name, @Nullable String ours, String why, Question question) {}

    private static Row same(String name, Question question) {
        return new Row(name, null, "", question);
    }

    private static Row differs(String name, String ours, String why, Question question) {
        return new Row(name, ours, why, question);
    }

    @BeforeAll
    static void open() throws IOException {
        String program = System.getenv("GVPROXY");
        Needs.check(program != null, "needs GVPROXY in the environment, which names a real gvproxy (docs/testing.md)");
        lab = Lab.open("socat", "dnsmasq");
        lab.server(TestServers.class);
        Dns.start(lab);
        Await.listening(
                lab.onHost("socat", "TCP-LISTEN:8090,bind=127.0.0.1,fork,reuseaddr", "SYSTEM:echo loopback"), 8090);
        Path bin = lab.folder().resolve("bin");
        lab.sluice("install-faces", bin.toString(), "gvproxy").output();
        real = new GvproxyPeer(lab, "real", Path.of(Objects.requireNonNull(program)), 21_000);
        ours = new GvproxyPeer(lab, "ours", bin.resolve("gvproxy"), 22_000);
        for (GvproxyPeer peer : List.of(real, ours)) {
            Files.createFile(peer.folder().resolve("file"));
            peer.start();
        }
    }

    @AfterAll
    static void close() {
        for (GvproxyPeer peer : real == null || ours == null ? List.<GvproxyPeer>of() : List.of(real, ours)) {
            peer.close();
        }
        if (lab != null) {
            lab.close();
        }
    }

    @TestFactory
    Stream<DynamicTest> bothAnswerAsTheTableHasIt() {
        return Stream.of(flags(), dhcpAndNeighbours(), names(), flows(), api(), inside(), ends())
                .flatMap(List::stream)
                .map(row -> DynamicTest.dynamicTest(row.name, () -> {
                    String expected = row.ours == null ? row.question.of(real) : row.ours;
                    assertThat(row.question.of(ours))
                            .as(row.ours == null ? "as the real one" : row.why)
                            .isEqualTo(expected);
                }));
    }

    private static List<Row> flags() {
        return List.of(
                same("an unknown flag", peer -> peer.mistake("-nothing")),
                same("a flag without its value", peer -> peer.mistake("-mtu")),
                same("no number", peer -> peer.mistake("-mtu", "x")),
                same("too large a number", peer -> peer.mistake("-mtu", "99999999999999999999")),
                same("an empty number", peer -> peer.mistake("-mtu=")),
                same("no truth", peer -> peer.mistake("-debug=maybe")),
                same("too many dashes", peer -> peer.mistake("---mtu")),
                same("no name", peer -> peer.mistake("-=x")),
                same("help", peer -> peer.exit("--help")),
                same(
                        "version",
                        peer -> peer.run("-mtu", "0x5dc", "-version").output().replaceFirst(" v[0-9.]+.*\n", " v…")),
                same("a privileged ssh port", peer -> peer.exit("-ssh-port", "80")),
                same("no ssh port", peer -> peer.exit("-ssh-port", "70000")),
                same("a file in the way", peer -> peer.exit("-ssh-port", "-1", "-listen-qemu", "unix://DIR/file")),
                same("no packets for BESS", peer -> peer.exit("-ssh-port", "-1", "-listen-bess", "unix://DIR/b")),
                same("no datagrams for vfkit", peer -> peer.exit("-ssh-port", "-1", "-listen-vfkit", "unix://DIR/b")),
                same("half a socket by ssh", peer -> peer.exit("-ssh-port", "-1", "-forward-sock", "DIR/f")),
                same(
                        "no key",
                        peer -> peer.exit(
                                "-ssh-port",
                                "-1",
                                "-forward-sock",
                                "DIR/f",
                                "-forward-dest",
                                "/x",
                                "-forward-user",
                                "u",
                                "-forward-identity",
                                "/none")),
                same("no place for the process id", peer -> peer.exit("-ssh-port", "-1", "-pid-file", "/none/x")),
                same("no place for messages", peer -> peer.exit("-ssh-port", "-1", "-log-file", "/none/x")),
                differs(
                        "no place for the API",
                        "exit 1",
                        "the real one ends with 0",
                        peer -> peer.exit("-ssh-port", "-1", "-listen", "unix:///none/x")),
                differs(
                        "no scheme",
                        "exit 1",
                        "the real one ends with 0",
                        peer -> peer.exit("-ssh-port", "-1", "-listen", "DIR/x")));
    }

    private static List<Row> dhcpAndNeighbours() {
        byte[] usual = {55, 6, 1, 3, 6, 26, 51, 119};
        byte[] own = {
            55, 6, 1, 3, 6, 26, 51, 119, 50, 4, (byte) 192, (byte) 168, 127, 3, 54, 4, (byte) 192, (byte) 168, 127, 1
        };
        return List.of(
                same(
                        "the device's lease",
                        peer -> peer.guest().address() + " " + peer.guest().gateway()),
                same("an offer to another guest", peer -> peer.dhcp(1, usual)),
                same("what it asks for", peer -> peer.dhcp(3, own)),
                same("the gateway's hardware address", peer -> peer.arp(GATEWAY)),
                same("the host's hardware address", peer -> peer.arp(HOST)),
                same("an address that nobody has", peer -> peer.arp("192.168.127.99")),
                same("an address outside", peer -> peer.arp("8.8.8.8")));
    }

    private static List<Row> names() {
        return List.of(
                same("gateway.containers.internal", peer -> peer.dns("gateway.containers.internal", 1)),
                same("host.containers.internal", peer -> peer.dns("host.containers.internal", 1)),
                same("host.docker.internal", peer -> peer.dns("host.docker.internal", 1)),
                same("no such name in a zone", peer -> peer.dns("nothing.containers.internal", 1)),
                same("no IPv6 address in a zone", peer -> peer.dns("host.containers.internal", 28)),
                same("a name of the host's server", peer -> peer.dns("www.example.test", 1)),
                same("a name that server does not know", peer -> peer.dns("none.example.test", 1)),
                differs(
                        "letters of either case",
                        "NOERROR 192.168.127.254 ttl 0",
                        "the real one asks the host's server",
                        peer -> peer.dns("HOST.Containers.Internal", 1)),
                differs(
                        "an IPv6 address of the host's server",
                        "NOERROR type 28 ttl 0",
                        "the real one never tells one",
                        peer -> peer.dns("www.example.test", 28)));
    }

    private static List<Row> flows() {
        byte[] hello = "hello".getBytes(StandardCharsets.UTF_8);
        return List.of(
                same("the host's loopback", peer -> peer.tcp(HOST, 8090, "")),
                same("a closed port of it", peer -> peer.tcp(HOST, 8091, "")),
                same("a closed port of the gateway", peer -> peer.tcp(GATEWAY, 8091, "")),
                same("a closed port of the world", peer -> peer.tcp(Lab.SERVER, 8091, "")),
                same("UDP of the world", peer -> peer.udp(Lab.SERVER, 7, hello, Duration.ofSeconds(30))),
                same("a ping of the gateway", peer -> peer.ping(GATEWAY)),
                same("a ping of the world", peer -> peer.ping(Lab.SERVER)),
                differs(
                        "a ping of nobody",
                        "no answer",
                        "the real one answers for everybody",
                        peer -> peer.ping("192.0.2.77")),
                differs(
                        "a closed UDP port",
                        "Refused",
                        "the real one says nothing",
                        peer -> peer.udp(HOST, 8091, hello, A_MOMENT)),
                differs(
                        "169.254.0.0/16",
                        "Unreachable",
                        "the real one resets, which looks like a closed port",
                        peer -> peer.tcp("169.254.169.254", 80, "")));
    }

    private static Row post(String path, String body) {
        return same("POST " + path + " " + body, peer -> peer.api("POST", path, body));
    }

    /** What one says of a mistake is its own. */
    private static Row refused(String path, String body) {
        return same("POST " + path + " " + body, peer -> peer.status("POST", path, body));
    }

    private static Row get(String path) {
        return same("GET " + path, peer -> peer.api("GET", path, ""));
    }

    private static List<Row> api() {
        String strict = "the real one opens it, of whatever use that is";
        return List.of(
                get("/"),
                get("/nothing"),
                get(ALL),
                get("/leases"),
                get("/services/dhcp/leases"),
                get("/cam"),
                get("/services/dns/all"),
                same(
                        "/stats begins alike",
                        peer -> Stream.of("BytesSent", "BytesReceived", "NICs", "PassiveConnectionOpenings")
                                .map(peer.api("GET", "/stats", "")::contains)
                                .toList()
                                .toString()),
                same("GET where it must be POST", peer -> peer.api("GET", EXPOSE, "{}")),
                same("PUT where it must be POST", peer -> peer.api("PUT", UNEXPOSE, "{}")),
                same("DELETE of a list", peer -> peer.api("DELETE", "/cam", "")),
                refused(EXPOSE, ""),
                refused(EXPOSE, "nothing"),
                refused(EXPOSE, "[]"),
                refused(EXPOSE, "{}"),
                refused(EXPOSE, "{\"local\":5}"),
                refused(EXPOSE, "{\"local\":\"127.0.0.1:PORT1\",\"remote\":\"192.168.127.2\"}"),
                refused(EXPOSE, "{\"local\":\"127.0.0.1:PORT1\",\"remote\":\":80\"}"),
                post(EXPOSE, "{\"local\":\"127.0.0.1:PORT1\",\"remote\":\"192.168.127.2:80\",\"unknown\":1}"),
                refused(EXPOSE, "{\"local\":\"127.0.0.1:PORT1\",\"remote\":\"192.168.127.2:80\"}"),
                post(EXPOSE, "{\"Local\":\"127.0.0.1:PORT1\",\"REMOTE\":\"192.168.127.2:80\",\"protocol\":\"udp\"}"),
                post(EXPOSE, "{\"local\":\":PORT2\",\"remote\":\"192.168.127.2:81\",\"protocol\":\"tcp\"}"),
                post(EXPOSE, "{\"local\":\"[::1]:PORT3\",\"remote\":\"192.168.127.2:81\"}"),
                post(EXPOSE, "{\"local\":\"localhost:PORT4\",\"remote\":\"192.168.127.200:81\"}"),
                refused(EXPOSE, "{\"local\":\"203.0.113.9:PORT5\",\"remote\":\"192.168.127.2:81\"}"),
                post(EXPOSE, "{\"local\":\"DIR/u\",\"remote\":\"tcp://192.168.127.2:80\",\"protocol\":\"unix\"}"),
                refused(EXPOSE, "{\"local\":\"/none/u\",\"remote\":\"tcp://192.168.127.2:80\",\"protocol\":\"unix\"}"),
                differs(
                        "a remote without a port",
                        "400",
                        strict,
                        peer -> peer.status(
                                "POST", EXPOSE, "{\"local\":\"127.0.0.1:PORT6\",\"remote\":\"192.168.127.2:0\"}")),
                differs(
                        "an unknown protocol",
                        "400",
                        "the real one has 500 for what it does not understand",
                        peer -> peer.status(
                                "POST",
                                EXPOSE,
                                "{\"local\":\"127.0.0.1:PORT6\",\"remote\":\"192.168.127.2:1\",\"protocol\":\"sctp\"}")),
                same(
                        "what is exposed",
                        peer -> peer.api("GET", ALL, "")
                                .replace(
                                        ",{\"local\":\"127.0.0.1:PORT6\",\"remote\":\"192.168.127.2:0\",\"protocol\":\"tcp\"}",
                                        "")),
                post(UNEXPOSE, "{\"local\":\"127.0.0.1:PORT9\"}"),
                post(UNEXPOSE, "{\"local\":\"127.0.0.1:PORT1\"}"),
                post(UNEXPOSE, "{\"local\":\"127.0.0.1:PORT1\"}"),
                post(UNEXPOSE, "{\"local\":\"127.0.0.1:PORT1\",\"protocol\":\"udp\"}"),
                post(UNEXPOSE, "{\"local\":\"DIR/u\"}"),
                post(UNEXPOSE, "{\"local\":\"DIR/u\",\"protocol\":\"unix\"}"),
                same("its socket has gone", GvproxyPeer::files),
                refused("/services/dns/add", ""),
                refused("/services/dns/add", "{\"Name\":\"bad.\",\"Records\":[{\"Name\":\"x\",\"IP\":\"no\"}]}"),
                refused("/services/dns/add", "{\"Name\":\"bad.\",\"Records\":[{\"Regexp\":\"(\",\"IP\":\"1.2.3.4\"}]}"),
                post(
                        "/services/dns/add",
                        "{\"Name\":\"crc.testing.\",\"Records\":[{\"Name\":\"api\",\"IP\":\"192.168.127.5\"},"
                                + "{\"Regexp\":\"^a.*b$\",\"IP\":\"192.168.127.6\"}],\"DefaultIP\":\"192.168.127.7\"}"),
                same("a record", peer -> peer.dns("api.crc.testing", 1)),
                same("a pattern", peer -> peer.dns("axb.crc.testing", 1)),
                same("the zone's default", peer -> peer.dns("other.crc.testing", 1)),
                post(
                        "/services/dns/add",
                        "{\"Name\":\"crc.testing.\",\"Records\":[{\"Name\":\"api\",\"IP\":\"192.168.127.8\"}]}"),
                same("the newest record", peer -> peer.dns("api.crc.testing", 1)),
                same("no default any more", peer -> peer.dns("other.crc.testing", 1)),
                get("/services/dns/all"),
                same(
                        "a tunnel to nowhere",
                        peer -> answer(peer.talk("POST /tunnel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))),
                same("a tunnel without a port", peer -> peer.status("GET", "/tunnel?ip=192.168.127.2", "")),
                same(
                        "two requests on one connection",
                        peer -> ""
                                + peer.talk("GET /cam HTTP/1.1\r\nHost: x\r\n\r\n"
                                                + "GET /cam HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                                        .split("200 OK", -1)
                                        .length),
                same("HTTP/1.0", peer -> said(peer.talk("GET /services/dns/all HTTP/1.0\r\n\r\n"))),
                same(
                        "a URL for a path",
                        peer -> said(peer.talk("GET http://y/services/dns/all HTTP/1.1\r\nHost: x\r\n" + CLOSE))),
                same(
                        "a body in chunks",
                        peer -> said(peer.talk(CHUNKS + "7\r\n{\"local\r\n7;a=b\r\n\":\":1\"}\r\n0\r\nA: b\r\n\r\n"))),
                differs(
                        "chunks that are none",
                        "400",
                        "the real one answers 500 to what it does not understand",
                        peer -> said(peer.talk(CHUNKS + "zz\r\n")).substring(0, 3)));
    }

    private static final String CLOSE = "Connection: close\r\n\r\n";
    private static final String CHUNKS =
            "POST " + UNEXPOSE + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n" + CLOSE;

    /** Status and body, whatever the version. */
    private static String said(String response) {
        return response.substring("HTTP/1.x ".length(), response.indexOf("\r\n"))
                + response.substring(response.indexOf("\r\n\r\n"));
    }

    private static String answer(String response) {
        return response.lines().findFirst().orElse("") + " " + response.substring(response.lastIndexOf("\r\n"));
    }

    private static List<Row> inside() {
        return List.of(
                same("no leases for a guest", peer -> peer.inside("GET", "/leases", "")),
                same("no names for a guest", peer -> peer.inside("POST", "/services/dns/add", "{}")),
                same(
                        "a guest exposes a port of its own",
                        peer -> peer.inside("POST", EXPOSE, "{\"local\":\"127.0.0.1:PORT7\",\"remote\":\":80\"}")),
                same(
                        "a guest exposes it by its address",
                        peer -> peer.inside(
                                "POST", EXPOSE, "{\"local\":\"127.0.0.1:PORT8\",\"remote\":\"192.168.127.2:80\"}")),
                differs(
                        "a guest exposes another's",
                        "400",
                        "the real one lets any guest do so",
                        peer -> peer.inside(
                                        "POST",
                                        EXPOSE,
                                        "{\"local\":\"127.0.0.1:PORT10\",\"remote\":\"192.168.127.3:80\"}")
                                .substring(0, 3)),
                same(
                        "a guest closes its own",
                        peer -> peer.inside("POST", UNEXPOSE, "{\"local\":\"127.0.0.1:PORT7\"}")),
                same("a guest closes none", peer -> peer.inside("POST", UNEXPOSE, "{\"local\":\"127.0.0.1:PORT7\"}")));
    }

    private static List<Row> ends() {
        return List.of(
                same("the files that are there", GvproxyPeer::files),
                same(
                        "the process id",
                        peer -> ""
                                + Files.readString(peer.folder().resolve("pid"))
                                        .equals("" + peer.process().pid())),
                same("it ends with its guest", peer -> {
                    peer.guest().close();
                    return "exit " + peer.process().exitCode();
                }),
                same("what is left", GvproxyPeer::files));
    }
}
