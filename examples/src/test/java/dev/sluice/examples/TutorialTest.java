package dev.sluice.examples;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.Datagram;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.TcpServer;
import dev.sluice.net.UdpSocket;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What docs/stack.md shows: every line of Java in it stands in a source that is compiled, and what stands only here runs here. */
@Timeout(120)
class TutorialTest {
    private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

    private byte[] answer = {};
    private byte[] answer6 = {};
    private byte[] echoed = {};
    private Duration roundTrip = Duration.ZERO;
    private int serverPort;

    @Test
    void theSnippetsDoWhatTheTextSays() throws Exception {
        Ipv4Address server = Ipv4Address.parse("10.0.0.2");
        try (EventLoop loop = EventLoop.start("tutorial")) {
            MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
            NetConfig here = NetConfig.of("10.0.0.1/24").with(ConflictDetection.none());
            NetConfig there = NetConfig.of("10.0.0.2/24").with(ConflictDetection.none());
            try (NetStack net = NetStack.open(loop, cable.left(), here);
                    NetStack peer = NetStack.open(loop, cable.right(), there);
                    TcpServer echo = Echo.serve(peer);
                    UdpSocket sevens = peer.udp().bind(7)) {
                Thread.startVirtualThread(() -> echoDatagram(sevens));
                tcp(net, server);
                udp(net, server);
                servers(net, peer);
                assertThat(echo.port()).isEqualTo(9000);
            }
        }
        assertThat(answer).asString(US_ASCII).isEqualTo("question");
        assertThat(echoed).asString(US_ASCII).isEqualTo("datagram");
        assertThat(roundTrip).isPositive();
        assertThat(serverPort).isEqualTo(80);
    }

    private static void echoDatagram(UdpSocket socket) {
        try {
            Datagram got = socket.receive();
            socket.send(got.address(), got.port(), got.payload());
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void tcp(NetStack net, Ipv4Address server) throws IOException {
        try (TcpConnection connection = net.tcp().connect(server, 9000, Duration.ofSeconds(30))) {
            connection.readTimeout(Duration.ofSeconds(30));
            connection.write("question".getBytes(US_ASCII));
            connection.shutdownOutput();
            answer = connection.inputStream().readAllBytes();
        }
    }

    @Test
    void theSameCallsWorkOverIpv6() throws Exception {
        try (EventLoop loop = EventLoop.start("tutorial")) {
            MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
            NetConfig both =
                    NetConfig.of("10.0.0.1/24").withIpv6("fd00:7::1/64").with(ConflictDetection.none());
            NetConfig there = NetConfig.of("fd00:7::2/64").with(ConflictDetection.none());
            try (NetStack net = NetStack.open(loop, cable.left(), both);
                    NetStack peer = NetStack.open(loop, cable.right(), there);
                    TcpServer echo = Echo.serve(peer)) {
                ask6(net);
                assertThat(echo.port()).isEqualTo(9000);
            }
        }
        assertThat(answer6).asString(US_ASCII).isEqualTo("over IPv6");
    }

    private void ask6(NetStack net) throws IOException {
        IpAddress six = IpAddress.parse("fd00:7::2");
        try (TcpConnection connection = net.tcp().connect(six, 9000, Duration.ofSeconds(30))) {
            connection.write("over IPv6".getBytes(US_ASCII));
            connection.shutdownOutput();
            answer6 = connection.inputStream().readAllBytes();
        }
    }

    private void udp(NetStack net, Ipv4Address server) throws IOException {
        try (UdpSocket socket = net.udp().bind(5353)) {
            socket.send(server, 7, "datagram".getBytes(US_ASCII));
            Datagram reply = socket.receive(Duration.ofSeconds(30));
            echoed = reply.payload();
        }
        roundTrip = net.icmp().ping(server, Duration.ofSeconds(30));
    }

    private static void greet(TcpConnection connection) throws IOException {
        connection.write("hello".getBytes(US_ASCII));
    }

    private void use(TcpServer server) {
        assertThat(server.connections()).isZero();
    }

    private void servers(NetStack net, NetStack peer) throws IOException {
        try (TcpServer server = net.tcp().serve(80, 128, connection -> greet(connection))) {
            serverPort = server.port();
            use(server);
        }
        Thread.startVirtualThread(() -> knock(peer));
        try (TcpListener listener = net.tcp().listen(9001, 16)) {
            TcpConnection first = listener.accept(Duration.ofSeconds(30));
            first.close();
        }
        CompletableFuture<String> told = new CompletableFuture<>();
        Thread.startVirtualThread(() -> ask(peer, told));
        try (TcpListener listener = net.tcp().listen(9002, 16)) {
            listener.deferAccept(Duration.ofSeconds(30));
            try (TcpConnection asker = listener.accept(Duration.ofSeconds(30))) {
                answerTogether(asker);
            }
        }
        assertThat(told.join()).isEqualTo("head and body");
    }

    private static void answerTogether(TcpConnection asker) throws IOException {
        asker.read(new byte[1]);
        asker.cork(true);
        asker.write("head and ".getBytes(US_ASCII));
        asker.write("body".getBytes(US_ASCII));
    }

    /** Connects as soon as somebody listens, asks, and tells the answer. */
    private static void ask(NetStack from, CompletableFuture<String> told) {
        while (!told.isDone()) {
            try (TcpConnection connection =
                    from.tcp().connect(Ipv4Address.parse("10.0.0.1"), 9002, Duration.ofSeconds(30))) {
                connection.write(new byte[] {'?'});
                told.complete(new String(connection.inputStream().readAllBytes(), US_ASCII));
            } catch (NetException.Refused e) {
                Thread.yield();
            } catch (IOException e) {
                told.completeExceptionally(e);
            }
        }
    }

    /** Connects as soon as somebody listens. */
    private static void knock(NetStack from) {
        while (true) {
            try (TcpConnection connection =
                    from.tcp().connect(Ipv4Address.parse("10.0.0.1"), 9001, Duration.ofSeconds(30))) {
                connection.read(new byte[1]);
                return;
            } catch (NetException.Refused e) {
                Thread.yield();
            } catch (NetException e) {
                return;
            }
        }
    }

    @Test
    void everySnippetIsInASourceThatIsCompiled() throws IOException {
        StringBuilder sources = new StringBuilder();
        try (Stream<Path> files = Files.walk(ROOT.resolve("examples/src"))) {
            for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
                sources.append(Files.readString(file).replaceAll("\\s+", ""));
            }
        }
        List<String> strangers = new ArrayList<>();
        Matcher snippet = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(ROOT.resolve("docs/stack.md")));
        int count = 0;
        while (snippet.find()) {
            count++;
            if (sources.indexOf(snippet.group(1).replaceAll("\\s+", "")) < 0) {
                strangers.add(snippet.group(1));
            }
        }
        assertThat(strangers).isEmpty();
        assertThat(count).isGreaterThan(6);
    }
}
