package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.PortFiles;
import dev.sluice.it.lab.Program;
import dev.sluice.link.Framing;
import dev.sluice.link.StreamLink;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice as vpnkit}: the tunnels of {@code --forwards} and the ports of {@code --port}, with a guest that speaks TCP. */
class VpnkitForwardsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String UUID = "01234567-89ab-cdef-0123-456789abcdef";

    @RegisterExtension
    static final Lab lab = Lab.needing("python3", "nc", "socat", "curl");

    private static int tests;
    private Path folder;
    private Program vpnkit;

    @BeforeAll
    static void routeTunnels() {
        // where the tunnels lead nobody listens else, which is known at once
        lab.onHost("ip", "route", "add", "local", "203.0.112.0/20", "dev", "lo").output();
    }

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(lab.folder().resolve("vpnkit" + tests++));
    }

    @AfterEach
    void itEndsInOrder() {
        vpnkit.signal("TERM");
        assertThat(vpnkit.exitCode()).as(vpnkit.toString()).isZero();
        assertThat(vpnkit.err()).doesNotContain("internal error", "Exception");
    }

    private void start(String... flags) {
        String[] all = new String[flags.length + 4];
        System.arraycopy(
                new String[] {
                    "as", "vpnkit", "--ethernet", folder.resolve("ethernet").toString()
                },
                0,
                all,
                0,
                4);
        System.arraycopy(flags, 0, all, 4, flags.length);
        vpnkit = lab.sluice(all);
        Await.listening(vpnkit, folder.resolve("ethernet"));
    }

    private NetStack guest() throws IOException {
        VmnetClient client =
                VmnetClient.connect(folder.resolve("ethernet")).hello().ask(VmnetClient.ETHERNET, UUID, 0);
        MacAddress mac = new MacAddress(client.vif(1500));
        int fd = client.port().fd();
        return NetStack.open(
                loop -> new StreamLink(loop, fd, fd, "guest", 1500, Framing.LE16),
                NetConfig.dhcp().with(mac));
    }

    /** What is behind a tunnel's socket: takes port 80 and digests it, takes 81 and says goodbye at once, refuses others. */
    private static final class TunnelOwner implements AutoCloseable {
        final List<String> asked = new CopyOnWriteArrayList<>();
        private final ServerSocketChannel listener;

        TunnelOwner(Path path) throws IOException {
            listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
            Thread.ofPlatform().daemon().start(() -> {
                try {
                    while (true) {
                        SocketChannel client = listener.accept();
                        Thread.ofPlatform().daemon().start(() -> serve(client));
                    }
                } catch (IOException e) {
                    // closed
                }
            });
        }

        private void serve(SocketChannel client) {
            try (client) {
                InputStream in = Channels.newInputStream(client);
                byte[] length = in.readNBytes(2);
                String question = new String(
                        in.readNBytes(length[0] & 0xff | (length[1] & 0xff) << 8), StandardCharsets.US_ASCII);
                asked.add(question);
                boolean taken = question.contains("\"dst_port\":80}") || question.contains("\"dst_port\":81}");
                byte[] answer = ("{\"accepted\":" + taken + "}").getBytes(StandardCharsets.US_ASCII);
                ByteBuffer out = ByteBuffer.allocate(2 + answer.length + 8).order(ByteOrder.LITTLE_ENDIAN);
                out.putShort((short) answer.length).put(answer);
                if (question.contains(":81}")) {
                    out.put("goodbye\n".getBytes(StandardCharsets.US_ASCII)); // in one piece with the answer
                }
                out.flip();
                client.write(out);
                if (question.contains(":80}")) {
                    long sum = 0;
                    byte[] chunk = new byte[65_536];
                    for (int n; (n = in.read(chunk)) >= 0; ) {
                        for (int i = 0; i < n; i++) {
                            sum = sum * 31 + chunk[i];
                        }
                    }
                    client.write(ByteBuffer.wrap(("sum " + sum + "\n").getBytes(StandardCharsets.US_ASCII)));
                }
            } catch (IOException e) {
                asked.add("failed: " + e);
            }
        }

        @Override
        public void close() throws IOException {
            listener.close();
        }
    }

    private static String exchange(NetStack guest, String address, int port, byte[] what) throws IOException {
        try (TcpConnection connection = guest.tcp().connect(Ipv4Address.parse(address), port, PATIENCE)) {
            connection.readTimeout(PATIENCE);
            connection.write(what);
            connection.shutdownOutput();
            return new String(connection.inputStream().readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    @Test
    void destinationsGoThroughTheirTunnelWithVpnkitsHandshake() throws IOException {
        Path socket = folder.resolve("tunnel");
        Path file = Files.writeString(
                folder.resolve("forwards.json"),
                "[{\"protocol\":\"tcp\",\"dst_prefix\":\"203.0.113.0/24\",\"path\":\"" + socket + "\"},"
                        + "{\"protocol\":\"tcp\",\"dst_prefix\":\"203.0.114.0/24\",\"dst_port\":80,\"path\":\""
                        + folder.resolve("nobody") + "\"}]");
        start("--forwards", file.toString());
        byte[] sent = new byte[3_000_000];
        new Random(7).nextBytes(sent);
        long sum = 0;
        for (byte b : sent) {
            sum = sum * 31 + b;
        }
        try (TunnelOwner owner = new TunnelOwner(socket);
                NetStack guest = guest()) {
            assertThat(exchange(guest, "203.0.113.7", 80, sent)).isEqualTo("sum " + sum + "\n");
            assertThat(owner.asked)
                    .containsExactly("{\"protocol\":\"tcp\",\"src_ip\":\"0.0.0.0\",\"src_port\":0,"
                            + "\"dst_ip\":\"203.0.113.7\",\"dst_port\":80}");
            assertThat(exchange(guest, "203.0.113.255", 81, new byte[0])).isEqualTo("goodbye\n");
            assertThatThrownBy(() -> exchange(guest, "203.0.113.7", 82, new byte[1]))
                    .as("the tunnel's owner refuses")
                    .isInstanceOf(IOException.class);
            assertThat(owner.asked).hasSize(3);
            assertThatThrownBy(() -> exchange(guest, "203.0.114.7", 80, new byte[1]))
                    .as("nobody is behind the socket")
                    .isInstanceOf(IOException.class);
            assertThatThrownBy(() -> exchange(guest, "203.0.114.7", 81, new byte[1]))
                    .as("another port goes the usual way, where nothing is")
                    .isInstanceOf(IOException.class);
            assertThat(owner.asked).hasSize(3);

            Files.writeString(file, "[]");
            Await.until("the file's change is seen", vpnkit::toString, () -> {
                try {
                    exchange(guest, "203.0.113.7", 81, new byte[0]);
                    return false;
                } catch (IOException e) {
                    return true;
                }
            });
        }
    }

    @Test
    void portFilesLeadToTheGuestAndEndWithWhoHoldsThem() throws IOException {
        Path ports = folder.resolve("ports");
        start("--port", ports.toString());
        Program taken = lab.onHost("python3", "-m", "http.server", "18470");
        Await.until("the server listens", taken::toString, () -> answers("127.0.0.1", 18470));
        try (NetStack guest = guest();
                TcpServer server = guest.tcp().serve(80, 16, connection -> {
                    connection.write("served\n".getBytes(StandardCharsets.US_ASCII));
                });
                PortFiles files = new PortFiles(ports)) {
            assertThat(server.port()).isEqualTo(80);
            String spec = "tcp:127.0.0.1:18471:tcp:172.17.0.2:80";
            PortFiles.Forward forward = files.open(spec);
            assertThat(forward.answer()).isEqualTo("OK " + spec + "\n");
            assertThat(get("127.0.0.1", 18471)).isEqualTo("served\n");
            assertThat(get("::1", 18471)).as("localhost may be ::1").isEqualTo("served\n");
            PortFiles.Forward chosen = files.open("tcp:127.0.0.1:0:tcp:172.17.0.2:80");
            assertThat(chosen.answer()).matches("OK tcp:127\\.0\\.0\\.1:[1-9][0-9]{2,4}:tcp:172\\.17\\.0\\.2:80\n");

            assertThat(files.open("tcp:127.0.0.1:18471:tcp:172.17.0.3:80").answer())
                    .isEqualTo("ERROR Bind for 127.0.0.1:18471 failed: port is already allocated\n");
            assertThat(files.open("tcp:0.0.0.0:18470:tcp:172.17.0.2:80").answer())
                    .isEqualTo("ERROR Bind for 0.0.0.0:18470 failed: port is already allocated\n");
            assertThat(files.open("tcp:192.0.2.77:18472:tcp:172.17.0.2:80").answer())
                    .isEqualTo("ERROR listen tcp 192.0.2.77:18472: bind: cannot assign requested address\n");

            files.close(forward);
            assertThat(answers("127.0.0.1", 18471)).isFalse();
            assertThat(answers("::1", 18471)).isFalse();
        }
        Await.until(
                "nothing listens any more",
                vpnkit::toString,
                () -> lab.sluice("ports", "--pid", "" + vpnkit.pid()).output().isBlank());
        taken.close();
    }

    /** Line and answer of each row of the page's table. */
    @Test
    void theErrorTextsOfThePageAreTrue() throws IOException {
        Path ports = folder.resolve("ports");
        lab.onHost("chown", "65534", folder.toString()).output();
        vpnkit = lab.sluiceAsOrdinaryUser(
                "as",
                "vpnkit",
                "--ethernet",
                folder.resolve("ethernet").toString(),
                "--port",
                ports.toString(),
                "--allowed-bind-addresses",
                "127.0.0.1,192.0.2.77");
        Await.listening(vpnkit, ports);
        Pattern row = Pattern.compile("\\| `([a-z]+[^`]*)` \\| `(ERROR [^`]*)`( and .*)? \\|");
        int rows = 0;
        try (Program taken = lab.onHost("socat", "TCP-LISTEN:18502,bind=127.0.0.1", "-");
                PortFiles files = new PortFiles(ports)) {
            Await.listening(taken, 18502);
            for (String line : Files.readAllLines(Path.of("../docs/vpnkit.md"))) {
                Matcher each = row.matcher(line);
                if (each.matches()) {
                    rows++;
                    PortFiles.Forward asked = files.open(each.group(1));
                    assertThat(asked.answer().lines().findFirst())
                            .as(each.group(1))
                            .contains(each.group(2));
                    files.close(asked);
                }
            }
            assertThat(rows).isEqualTo(12);
        }
    }

    /** What another published at ::1 is not taken away with a port file's forward. */
    @Test
    void aPortOfAnotherBesideItStays() throws IOException {
        Path ports = folder.resolve("ports");
        start("--port", ports.toString());
        try (NetStack guest = guest();
                TcpServer server = guest.tcp().serve(80, 16, connection -> {
                    connection.write("served\n".getBytes(StandardCharsets.US_ASCII));
                });
                PortFiles files = new PortFiles(ports)) {
            assertThat(server.port()).isEqualTo(80);
            Await.until(
                    "the control socket answers",
                    vpnkit::toString,
                    () -> lab.sluice("ports", "add", "--pid", "" + vpnkit.pid(), "[::1]:18480:80")
                                    .exitCode()
                            == 0);
            PortFiles.Forward forward = files.open("tcp:127.0.0.1:18480:tcp:172.17.0.2:80");
            assertThat(forward.answer()).startsWith("OK ");
            files.close(forward);
            assertThat(answers("127.0.0.1", 18480)).isFalse();
            assertThat(get("::1", 18480)).isEqualTo("served\n");
        }
    }

    /**
     * What vpnkit-forwarder does where it listens: the greeting, both ways at once; then for each channel a connection to what it asks
     * for, here always to the port given.
     */
    private static final String FORWARDER = """
            import socket, struct, sys, threading
            MAGIC = b'https://github.com/moby/vpnkit multiplexer protocol\\n'
            path, port = sys.argv[1], int(sys.argv[2])
            def whole(s, n):
                d = b''
                while len(d) < n:
                    p = s.recv(n - len(d))
                    if not p: raise EOFError
                    d += p
                return d
            def serve(s):
                s.sendall(MAGIC + struct.pack('<H', 0))
                assert whole(s, len(MAGIC)) == MAGIC
                whole(s, struct.unpack('<H', whole(s, 2))[0])
                lock = threading.Lock()
                def send(command, id, extra=b'', payload=b''):
                    with lock: s.sendall(struct.pack('<HBI', 7 + len(extra), command, id) + extra + payload)
                open_ = {}
                def back(id, c):
                    try:
                        while d := c.recv(4096): send(4, id, struct.pack('<I', len(d)), d)
                        send(3, id)
                    except OSError: pass
                while True:
                    length, command, id = struct.unpack('<HBI', whole(s, 7))
                    extra = whole(s, length - 7)
                    if command == 1:
                        print('open', extra.hex(), flush=True)
                        try: c = socket.create_connection(('127.0.0.1', port))
                        except OSError:
                            send(2, id); continue
                        open_[id] = [c, 0]
                        send(5, id, struct.pack('<Q', 65536))
                        threading.Thread(target=back, args=(id, c), daemon=True).start()
                    elif command == 4:
                        d = whole(s, struct.unpack('<I', extra)[0])
                        if id in open_:
                            open_[id][0].sendall(d)
                            open_[id][1] += len(d)
                            send(5, id, struct.pack('<Q', open_[id][1] + 65536))
                    elif command == 3: open_[id][0].shutdown(socket.SHUT_WR)
                    elif command == 2 and id in open_:
                        open_.pop(id)[0].close()
                        send(2, id)
            if len(sys.argv) > 3:
                s = socket.socket(socket.AF_UNIX); s.connect(path)
                print('ready', flush=True)
                serve(s)
            l = socket.socket(socket.AF_UNIX); l.bind(path); l.listen(5)
            print('ready', flush=True)
            while True: threading.Thread(target=serve, args=(l.accept()[0],), daemon=True).start()
            """;

    @Test
    void portsLeadThroughAGoForwarderThatListensInTheGuest() {
        Path data = folder.resolve("data");
        Path control = folder.resolve("control");
        Program service = lab.onHost("socat", "TCP-LISTEN:18490,bind=127.0.0.1,fork", "SYSTEM:sha256sum");
        Await.listening(service, 18490);
        Program forwarder = lab.onHost("python3", "-c", FORWARDER, data.toString(), "18490");
        Await.until(
                "the forwarder listens",
                forwarder::toString,
                () -> forwarder.out().contains("ready"));
        start("--data-connect", data.toString(), "--control-listen", control.toString());
        Await.listening(vpnkit, control);
        assertThat(lab.onHost(
                                "curl",
                                "-s",
                                "--unix-socket",
                                control.toString(),
                                "-X",
                                "PUT",
                                "http://unix/forwards/expose/port",
                                "-d",
                                "{\"proto\":\"tcp\",\"out_ip\":\"127.0.0.1\",\"out_port\":18491,"
                                        + "\"in_ip\":\"172.17.0.2\",\"in_port\":80}")
                        .output())
                .isEmpty();
        String sent =
                lab.onHost("sh", "-c", "yes | head -c 3000000 | sha256sum").output();
        assertThat(lab.onHost("sh", "-c", "yes | head -c 3000000 | nc -N 127.0.0.1 18491")
                        .output())
                .isEqualTo(sent);
        assertThat(forwarder.out())
                .as("multiplexed, TCP, 172.17.0.2:80")
                .contains("open 02" + "01" + "0400" + "ac110002" + "5000");
        service.close();
        assertThat(lab.onHost("nc", "-N", "127.0.0.1", "18491").outputAtEnd())
                .as("refused inside, ended outside")
                .isEmpty();
        forwarder.close();
    }

    /** A forwarder that connects, is gone, and comes again. */
    @Test
    void portsLeadThroughAGoForwarderThatConnects() {
        Path data = folder.resolve("data");
        Path control = folder.resolve("control");
        Program service = lab.onHost("socat", "TCP-LISTEN:18496,bind=127.0.0.1,fork", "SYSTEM:echo served");
        start("--data-listen", data.toString(), "--control-listen", control.toString());
        Await.listening(vpnkit, control);
        assertThat(expose(control, "expose/port", port("tcp", "127.0.0.1", 18497), "PUT"))
                .isEqualTo("200");
        assertThat(get("127.0.0.1", 18497)).as("nobody has connected").isEmpty();
        for (int i = 0; i < 2; i++) {
            Program forwarder = lab.onHost("python3", "-c", FORWARDER, data.toString(), "18496", "connect");
            Await.until(
                    "the forwarder has connected",
                    forwarder::toString,
                    () -> forwarder.out().contains("ready"));
            Await.until(
                    "the port leads to it",
                    () -> vpnkit + "\n" + forwarder,
                    () -> get("127.0.0.1", 18497).equals("served\n"));
            assertThat(forwarder.out()).contains("open 02" + "01" + "0400" + "ac110002" + "5000");
            forwarder.close();
        }
        Await.until(
                "it is gone", vpnkit::toString, () -> get("127.0.0.1", 18497).isEmpty());
        service.close();
    }

    private static String expose(Path control, String what, String body, String method) {
        return lab.onHost(
                        "curl",
                        "-s",
                        "-w",
                        "%{http_code}",
                        "--unix-socket",
                        control.toString(),
                        "-X",
                        method,
                        "http://unix/forwards/" + what,
                        "-d",
                        body)
                .output();
    }

    private static String port(String protocol, String address, int port) {
        return "{\"proto\":\"" + protocol + "\",\"out_ip\":\"" + address + "\",\"out_port\":" + port
                + ",\"in_ip\":\"172.17.0.2\",\"in_port\":80}";
    }

    /** Docker asks for 0.0.0.0, then for ::, and takes back each on its own. */
    @Test
    void portsOfBothFamiliesAndSocketsInNewFoldersAreExposed() throws IOException {
        Path data = folder.resolve("data");
        Path control = folder.resolve("control");
        Program service = lab.onHost("socat", "TCP-LISTEN:18493,bind=127.0.0.1,fork", "SYSTEM:echo served");
        Await.listening(service, 18493);
        Program forwarder = lab.onHost("python3", "-c", FORWARDER, data.toString(), "18493");
        Await.until(
                "the forwarder listens",
                forwarder::toString,
                () -> forwarder.out().contains("ready"));
        start("--data-connect", data.toString(), "--control-listen", control.toString());
        Await.listening(vpnkit, control);
        assertThat(expose(control, "expose/port", port("tcp", "0.0.0.0", 18494), "PUT"))
                .isEqualTo("200");
        assertThat(get("127.0.0.1", 18494)).isEqualTo("served\n");
        assertThat(get("::1", 18494)).isEqualTo("served\n");
        assertThat(expose(control, "expose/port", port("tcp", "::", 18494), "PUT"))
                .isEqualTo("200");
        assertThat(get("::1", 18494)).isEqualTo("served\n");
        assertThat(lab.onHost("ss", "-Hltn", "sport = :18494").output()).contains("0.0.0.0:18494", "[::]:18494");
        assertThat(expose(control, "expose/port", port("tcp", "::", 18494), "POST"))
                .as("once more is no mistake")
                .isEqualTo("200");
        assertThat(expose(control, "unexpose/port", port("tcp", "::", 18494), "DELETE"))
                .isEqualTo("200");
        assertThat(get("::1", 18494)).as("the other one's again").isEqualTo("served\n");
        assertThat(expose(control, "unexpose/port", port("tcp", "0.0.0.0", 18494), "DELETE"))
                .isEqualTo("200");
        assertThat(lab.onHost("ss", "-Hltn", "sport = :18494").output()).isBlank();
        for (String address : List.of("0.0.0.0", "::")) {
            assertThat(expose(control, "expose/port", port("udp", address, 18495), "PUT"))
                    .isEqualTo("200");
        }
        assertThat(lab.onHost("ss", "-Hlun", "sport = :18495").output()).contains("0.0.0.0:18495", "[::]:18495");

        Path socket = folder.resolve("not/there/yet.sock");
        String pipe = "{\"proto\":\"unix\",\"out_path\":\"" + socket + "\",\"in_path\":\"/run/b.sock\"}";
        assertThat(expose(control, "expose/pipe", pipe, "PUT")).isEqualTo("200");
        assertThat(lab.onHost("nc", "-N", "-U", socket.toString()).outputAtEnd())
                .isEqualTo("served\n");
        assertThat(forwarder.out()).contains("open 0203" + "0b00" + "2f72756e2f622e736f636b");
        assertThat(expose(control, "unexpose/pipe", pipe, "DELETE")).isEqualTo("200");
        assertThat(socket).doesNotExist();
        Path file = Files.writeString(folder.resolve("file"), "precious");
        assertThat(expose(control, "expose/pipe", pipe.replace(socket.toString(), file.toString()), "PUT"))
                .contains("refusing to remove path " + file)
                .endsWith("400");
        assertThat(file).hasContent("precious");
        service.close();
        forwarder.close();
    }

    private static String get(String host, int port) {
        return lab.onHost("nc", "-w", "20", host, "" + port).outputAtEnd();
    }

    private static boolean answers(String host, int port) {
        return lab.onHost("nc", "-z", host, "" + port).exitCode() == 0;
    }
}
