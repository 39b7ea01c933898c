package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import dev.sluice.link.Framing;
import dev.sluice.link.StreamLink;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Sluice called as {@code gvproxy}, with guests that are network stacks of our own at the end of its sockets. */
class GvproxyFaceTest {
    private static final MacAddress DEVICE = MacAddress.parse("5a:94:ef:e4:0c:ee");
    private static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.127.1");
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "socat");

    private static Path gvproxy;
    private static int tests;
    private Path folder = Path.of("");

    @BeforeAll
    static void installFace() {
        lab.server(TestServers.class);
        Path bin = lab.folder().resolve("bin");
        lab.sluice("install-faces", bin.toString(), "gvproxy").output();
        gvproxy = bin.resolve("gvproxy");
    }

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(lab.folder().resolve("gvproxy" + tests++));
    }

    /** Starts it; it is ready when this returns. */
    private Program start(String... flags) {
        Path pid = folder.resolve("pid");
        Program program =
                lab.onHost(Stream.concat(Stream.of(gvproxy.toString(), "-pid-file", pid.toString()), Stream.of(flags))
                        .toArray(String[]::new));
        Await.until("gvproxy is ready", program::toString, () -> Files.exists(pid) || !program.alive());
        assertThat(program.alive()).as(program.toString()).isTrue();
        return program;
    }

    private void end(Program program) {
        program.signal("TERM");
        assertEnds(program);
    }

    private void assertEnds(Program program) {
        assertThat(program.exitCode()).as(program.toString()).isZero();
        assertThat(program.err()).doesNotContain("internal error", "Exception");
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.filter(path -> !path.endsWith("notify") && !path.endsWith("log")))
                    .isEmpty();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private String api(String path, String... curl) {
        return lab.onHost(Stream.concat(
                                Stream.of(
                                        "curl",
                                        "-s",
                                        "--unix-socket",
                                        folder.resolve("api").toString(),
                                        "http://x" + path),
                                Stream.of(curl))
                        .toArray(String[]::new))
                .output();
    }

    private static NetStack guest(int fd, Framing framing, MacAddress mac) throws IOException {
        return NetStack.open(
                loop -> new StreamLink(loop, fd, fd, "guest", 1500, framing),
                NetConfig.dhcp().with(mac));
    }

    private String url(String name) {
        return "unix://" + folder.resolve(name);
    }

    private static String get(NetStack guest, Ipv4Address address, int port, String request) throws IOException {
        try (TcpConnection connection = guest.tcp().connect(address, port, PATIENCE)) {
            connection.readTimeout(PATIENCE);
            connection.write(request.getBytes(StandardCharsets.US_ASCII));
            connection.shutdownOutput();
            return new String(connection.inputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String post(NetStack guest, String path, String body) throws IOException {
        return get(
                guest,
                GATEWAY,
                80,
                "POST " + path + " HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n" + "Content-Length: "
                        + body.length() + "\r\n\r\n" + body);
    }

    @Test
    void oneThatFailsLeavesTheOthersPidFileAlone() throws IOException {
        Program program = start("-listen-qemu", url("qemu"));
        Path pid = folder.resolve("pid");
        Program second = lab.onHost(gvproxy.toString(), "-pid-file", pid.toString(), "-listen-qemu", url("qemu"));
        assertThat(second.exitCode()).as(second.toString()).isEqualTo(1);
        assertThat(pid).hasContent("" + program.pid());
        end(program);
    }

    @Test
    void aGuestGetsItsAddressTheWorldTheHostAndForwards() throws IOException {
        Program notified = lab.onHost("socat", "-u", "UNIX-LISTEN:" + folder.resolve("notify") + ",fork", "-");
        Await.listening(notified, folder.resolve("notify"));
        Program onLoopback = lab.onHost("socat", "TCP-LISTEN:8090,bind=127.0.0.1,fork", "SYSTEM:echo loopback");
        Program program = start(
                "-listen-qemu",
                url("qemu"),
                "-listen",
                url("api"),
                "-ssh-port",
                "2300",
                "-notification",
                url("notify"));
        assertThat(api("/services/forwarder/all")).contains("\"127.0.0.1:2300\"", "\"192.168.127.2:22\"");
        try (NetStack guest = guest(FramePort.qemu(folder.resolve("qemu")).fd(), Framing.BE32, DEVICE);
                TcpServer server = guest.tcp().serve(7000, 16, connection -> {
                    connection.write("served\n".getBytes(StandardCharsets.US_ASCII));
                })) {
            assertThat(server.port()).isEqualTo(7000);
            assertThat(guest.address()).as("the reserved one").hasToString("192.168.127.2/24");
            assertThat(guest.lease()).isNotNull();
            assertThat(get(guest, Ipv4Address.parse(Lab.SERVER), 7001, "x"))
                    .as("the world")
                    .isNotEmpty();
            Await.until("the host's loopback answers", program::toString, () -> {
                try {
                    return get(guest, Ipv4Address.parse("192.168.127.254"), 8090, "")
                            .equals("loopback\n");
                } catch (IOException e) {
                    return false;
                }
            });
            assertThat(api("/leases")).contains("\"192.168.127.2\":\"5a:94:ef:e4:0c:ee\"", "\"192.168.127.1\"");
            assertThat(api("/cam")).isEqualTo("{\"5a:94:ef:e4:0c:ee\":0}\n");
            assertThat(api("/stats")).contains("\"BytesSent\"", "\"BytesReceived\"");

            assertThat(api("/services/forwarder/expose", "-d", """
                    {"local":":18190","remote":"192.168.127.2:7000"}""")).isEmpty();
            assertThat(lab.onInternet("socat", "-u", "TCP:" + Lab.HOST + ":18190", "-")
                            .output())
                    .isEqualTo("served\n");
            assertThat(tunnelled()).isEqualTo("OKserved\n");

            assertThat(post(guest, "/services/forwarder/expose", """
                    {"local":":18191","remote":":7000"}""")).startsWith("HTTP/1.1 200 ");
            assertThat(lab.onInternet("socat", "-u", "TCP:" + Lab.HOST + ":18191", "-")
                            .output())
                    .isEqualTo("served\n");
            assertThat(post(guest, "/services/forwarder/expose", """
                    {"local":":18192","remote":"192.168.127.77:1"}""")).startsWith("HTTP/1.1 400 ");
            assertThat(post(guest, "/services/dns/add", "{}")).startsWith("HTTP/1.1 404 ");
            assertThat(post(guest, "/services/forwarder/unexpose", """
                    {"local":":18191","protocol":"tcp"}""")).startsWith("HTTP/1.1 200 ");
            assertThat(lab.onInternet("socat", "-u", "TCP:" + Lab.HOST + ":18191", "-")
                            .exitCode())
                    .isNotZero();
            Await.until(
                    "the guest was told of",
                    () -> program + "\n" + notified,
                    () -> notified.out()
                            .contains("\"connection_established\",\"mac_address\":\"5a:94:ef:e4:0c:ee\"}\n"));
        }
        Await.until(
                "its end was told of",
                () -> program + "\n" + notified,
                () -> notified.out().contains("\"connection_closed\",\"mac_address\":\"5a:94:ef:e4:0c:ee\"}\n"));
        assertThat(notified.out()).startsWith("{\"notification_type\":\"ready\"}\n");
        assertEnds(program); // with its guest
        onLoopback.close();
        notified.close();
    }

    private String tunnelled() throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(folder.resolve("api")));
            channel.write(ByteBuffer.wrap("POST /tunnel?ip=192.168.127.2&port=7000 HTTP/1.1\r\nHost: x\r\n\r\n"
                    .getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer all = ByteBuffer.allocate(1000);
            while (channel.read(all) >= 0) {
                // until the guest's service ends it
            }
            return new String(all.array(), 0, all.position(), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void aGuestMayConnectThroughTheApiAndNamesFollowTheFile() throws IOException {
        Path file = Files.writeString(lab.folder().resolve("gvproxy.yaml"), """
                listen: [%s]
                stack:
                  subnet: 10.7.0.0/24
                  dns:
                    - name: crc.testing.
                      records: [{name: api, ip: 10.7.0.2}]
                      defaultIP: 10.7.0.9
                """.formatted(url("api")));
        Program program = start("-config", file.toString(), "-ssh-port", "-1", "-log-file", folder + "/log");
        FramePort port = FramePort.vmnet(folder.resolve("api"));
        port.write("POST /connect HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        try (NetStack guest = guest(port.fd(), Framing.LE16, MacAddress.parse("02:00:00:00:00:09"))) {
            assertThat(guest.gateway()).hasToString("10.7.0.1");
            assertThat(get(guest, Ipv4Address.parse(Lab.SERVER), 7001, "x")).isNotEmpty();
            assertThat(api("/cam")).isEqualTo("{\"02:00:00:00:00:09\":0}\n");
            assertThat(api("/services/dns/all")).contains("crc.testing.", "10.7.0.9");
        }
        end(program);
        assertThat(folder.resolve("log")).exists();
    }

    /** As the original ends with its only guest: who starts one for a machine relies on that. */
    @Test
    void itEndsWithTheLastGuestOfItsSocketForQemu() throws IOException {
        Program program = start("-listen-qemu", url("qemu"), "-listen", url("api"), "-ssh-port", "-1");
        FramePort connected = FramePort.qemu(folder.resolve("api"));
        connected.write("POST /connect HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        try (NetStack other = guest(connected.fd(), Framing.BE32, MacAddress.parse("02:00:00:00:00:09"))) {
            NetStack first = guest(FramePort.qemu(folder.resolve("qemu")).fd(), Framing.BE32, DEVICE);
            try (NetStack second = guest(
                    FramePort.qemu(folder.resolve("qemu")).fd(), Framing.BE32, MacAddress.parse("02:00:00:00:00:0a"))) {
                assertThat(api("/cam")).contains("\"" + DEVICE + "\":1");
                first.close();
                Await.until(
                        "the first has left",
                        program::toString,
                        () -> !api("/cam").contains(DEVICE.toString()));
                assertThat(get(second, Ipv4Address.parse(Lab.SERVER), 7001, "x"))
                        .isNotEmpty();
                assertThat(api("/cam")).isEqualTo("{\"02:00:00:00:00:09\":0,\"02:00:00:00:00:0a\":2}\n");
                assertThat(other.gateway()).isEqualTo(GATEWAY);
            }
        }
        assertEnds(program);
    }

    /** HyperKit's guest, by the name it gives: its ssh port is where it is looked for. */
    @Test
    void theUsualVpnkitGuestIsTheDevice() throws IOException {
        Program program = start("-listen-vpnkit", url("vpnkit"), "-ssh-port", "-1");
        for (int times = 0; times < 2; times++) {
            FramePort port = FramePort.vmnet(folder.resolve("vpnkit"));
            long mac = new VmnetClient(port)
                    .hello()
                    .ask(VmnetClient.ETHERNET, "c3d68012-0208-11ea-9fd7-f2189899ab08", 0)
                    .vif(1500);
            assertThat(new MacAddress(mac)).isEqualTo(DEVICE);
            try (NetStack guest = guest(port.fd(), Framing.LE16, DEVICE)) {
                assertThat(guest.address()).hasToString("192.168.127.2/24");
            }
        }
        end(program); // guests of this kind come and go
    }

    /** A program and a guest that come by TCP; the guest's stream is brought into this process by socat. */
    @Test
    void guestsAndProgramsMayComeByTcpOfEitherFamily() throws IOException {
        Program program = start("-listen-qemu", "tcp://[::1]:18400", "-listen", "tcp://:18401", "-ssh-port", "-1");
        for (String address : new String[] {"127.0.0.1", "[::1]"}) {
            assertThat(lab.onHost("curl", "-sS", "http://" + address + ":18401/leases")
                            .output())
                    .isEqualTo("{\"192.168.127.1\":\"5a:94:ef:e4:0c:dd\",\"192.168.127.2\":\"5a:94:ef:e4:0c:ee\"}\n");
        }
        Program bridge = lab.onHost("socat", "UNIX-LISTEN:" + folder.resolve("bridge"), "TCP:[::1]:18400");
        Await.listening(bridge, folder.resolve("bridge"));
        try (NetStack guest = guest(FramePort.qemu(folder.resolve("bridge")).fd(), Framing.BE32, DEVICE)) {
            assertThat(guest.address()).hasToString("192.168.127.2/24");
            assertThat(get(guest, Ipv4Address.parse(Lab.SERVER), 7001, "x")).isNotEmpty();
        }
        assertThat(bridge.exitCode()).isZero();
        assertEnds(program);
    }

    /** How ssh is called, and that it is called again; with a server in the guest, it is {@link UserModeLinuxTest}'s. */
    @Test
    void socketsOfTheGuestComeThroughTheSystemsSsh() throws IOException {
        Path bin = Files.createDirectory(lab.folder().resolve("fake"));
        Path calls = lab.folder().resolve("calls");
        Path key = Files.createFile(lab.folder().resolve("key"));
        Files.writeString(bin.resolve("ssh"), "#!/bin/sh\necho \"$@\" >>" + calls + "; exec sleep 1000\n")
                .toFile()
                .setExecutable(true);
        Path pid = folder.resolve("pid");
        Program program = lab.onHost(
                "sh",
                "-c",
                "PATH=" + bin + ":$PATH exec " + gvproxy + " -pid-file " + pid + " -ssh-port 2300 -forward-sock "
                        + folder + "/podman -forward-dest /run/podman.sock -forward-user core -forward-identity "
                        + key);
        Await.until("ssh is called", program::toString, () -> lines(calls) == 1);
        assertThat(Files.readString(calls))
                .contains("-i " + key, "-p 2300", "-L " + folder + "/podman:/run/podman.sock", "core@127.0.0.1");
        Await.until(
                "that ssh, which says so before it becomes what it is, has ended",
                program::toString,
                () -> lab.onHost("pkill", "-P", "" + program.pid(), "sleep").exitCode() == 0);
        Await.until("ssh is called again", program::toString, () -> lines(calls) == 2);
        Await.until("it is ready", program::toString, () -> Files.exists(pid));
        end(program);
    }

    /** As CRC asks for podman's socket: the way in is made for it, and both end together. */
    @Test
    void aSocketOfTheGuestIsExposedThroughTheSystemsSsh() throws IOException {
        Path bin = Files.createDirectory(lab.folder().resolve("fake2"));
        Path calls = lab.folder().resolve("calls2");
        Path key = Files.createFile(lab.folder().resolve("key2"));
        Files.writeString(bin.resolve("ssh"), """
                #!/bin/sh
                echo "$@" >>%s
                for word; do case $word in /*:/*) here=${word%%%%:*};; esac; done
                exec socat UNIX-LISTEN:$here,fork 'SYSTEM:echo hello'
                """.formatted(calls)).toFile().setExecutable(true);
        Path pid = folder.resolve("pid");
        Program program = lab.onHost(
                "sh",
                "-c",
                "PATH=" + bin + ":$PATH exec " + gvproxy + " -pid-file " + pid + " -ssh-port -1 -listen " + url("api")
                        + " -forward-sock unix://" + folder + "/podman -forward-dest /run/podman.sock"
                        + " -forward-user core -forward-identity " + key);
        Await.until("it is ready", program::toString, () -> Files.exists(pid));
        Await.listening(program, folder.resolve("podman"));
        assertThat(Files.readString(calls)).doesNotContain("-p -1", "-p 22 ");

        String socket = folder + "/crc";
        assertThat(api(
                        "/services/forwarder/expose",
                        "-d",
                        "{\"protocol\":\"unix\",\"local\":\"" + socket
                                + "\",\"remote\":\"ssh-tunnel://core@192.168.127.2:2022/run/p.sock?key=" + key + "\"}"))
                .isEmpty();
        assertThat(Path.of(socket)).as("it is there when the answer is").exists();
        Await.listening(program, Path.of(socket));
        assertThat(lab.onHost("socat", "-u", "UNIX:" + socket, "-").output()).isEqualTo("hello\n");
        String call = Files.readString(calls).lines().toList().getLast();
        assertThat(call).contains("-i " + key, "-L " + socket + ":/run/p.sock", "core@127.0.0.1");
        String port = call.replaceAll(".* -p ([0-9]+) .*", "$1");
        assertThat(listens(port)).isTrue();
        assertThat(api("/services/forwarder/all")).contains("ssh-tunnel://core@192.168.127.2:2022");
        assertThat(api("/services/forwarder/unexpose", "-d", "{\"protocol\":\"unix\",\"local\":\"" + socket + "\"}"))
                .isEmpty();
        assertThat(listens(port)).isFalse();
        assertThat(Path.of(socket)).doesNotExist();
        end(program);
    }

    private static boolean listens(String port) {
        return !lab.onHost("ss", "-Hltn", "sport = :" + port).output().isBlank();
    }

    private static long lines(Path file) {
        try (Stream<String> lines = Files.lines(file)) {
            return lines.count();
        } catch (IOException e) {
            return 0;
        }
    }

    /** Only a hypervisor's guests can connect, so what is shown is that the place is taken. */
    @Test
    void anApiMayListenAtVsock() {
        Needs.check(Files.exists(Path.of("/dev/vsock")), "needs /dev/vsock (modprobe vsock)");
        String url = "vsock://:" + (100_000 + ProcessHandle.current().pid());
        Program program = start("-listen", url, "-ssh-port", "-1");
        Program second = lab.onHost(gvproxy.toString(), "-listen", url, "-ssh-port", "-1");
        assertThat(second.exitCode()).as("it is taken: " + second).isEqualTo(1);
        assertThat(second.err().lines())
                .singleElement()
                .asString()
                .contains("cannot listen on " + url, "Address already in use");
        Program elsewhere = lab.onHost(gvproxy.toString(), "-listen", "vsock://77:1024", "-ssh-port", "-1");
        assertThat(elsewhere.exitCode()).isEqualTo(1);
        assertThat(elsewhere.err().lines()).singleElement().asString().contains("cannot listen on vsock://77:1024");
        end(program);
    }

    @Test
    void whatIsWrongIsSaidAsGoSaysIt() {
        Program flag = lab.onHost(gvproxy.toString(), "-nothing");
        assertThat(flag.exitCode()).isEqualTo(2);
        assertThat(flag.err()).startsWith("flag provided but not defined: -nothing\nUsage of gvproxy:\n");
        Program place = lab.onHost(gvproxy.toString(), "-ssh-port", "-1", "-listen-qemu", "unix://" + lab.folder());
        assertThat(place.exitCode()).isEqualTo(1);
        assertThat(place.err().lines()).singleElement().asString().contains("-listen-qemu", "exists already");
        assertThat(lab.onHost(gvproxy.toString(), "-version").output()).startsWith("gvproxy version v");
        String[][] others = {
            {"-listen", "tcp://127.0.0.1:99999", "is no place to listen"},
            {"-listen", "unix:///none/x", "there is no folder /none; make it first"},
            {"-pid-file", "/none/x", "/none/x: no such file or folder; choose another"},
            {"-log-file", "/none/x", "/none/x: no such file or folder; choose another"},
            {"-config", "/none/x", "cannot read /none/x: there is no such file"},
        };
        for (String[] each : others) {
            Program one = lab.onHost(gvproxy.toString(), "-ssh-port", "-1", each[0], each[1]);
            assertThat(one.exitCode()).as(one.toString()).isEqualTo(1);
            assertThat(one.err().lines()).singleElement().asString().contains(each[2]);
        }
    }
}
