package dev.sluice.gateway.mux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.posix.Resources;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Published ports through an agent in the guest, with real sockets on both sides. {@code -Dsluice.stress=true} makes it 2,000 clients in
 * ten rounds, and all pairs of sizes.
 */
@Timeout(600)
class AgentTest {
    private static final boolean STRESS = Boolean.getBoolean("sluice.stress");
    private static final Ipv4Address LOOPBACK = Ipv4Address.LOOPBACK;

    @TempDir
    private Path folder;

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final List<AutoCloseable> open = new ArrayList<>();
    private Gateway gateway;
    private Agent agent;

    @BeforeEach
    void start() throws Exception {
        Resources.raiseDescriptorLimit();
        gateway = Gateway.builder().start();
        open.add(gateway);
        connect(Generation.PLAIN_HOST, Generation.PLAIN_AGENT, AgentLink.VSOCK_PREAMBLE);
    }

    private void connect(Generation host, Generation guest, String preamble) throws Exception {
        Path path = folder.resolve(guest.name());
        agent = new Agent(path, guest, preamble);
        open.add(agent);
        gateway.agent(path.toString(), host, preamble);
    }

    @AfterEach
    void stop() throws Exception {
        for (AutoCloseable one : open.reversed()) {
            one.close();
        }
        threads.shutdownNow();
    }

    /** A forward of a free port of the host to {@code port} as the agent sees it; the host's port. */
    private int publish(int port, boolean udp) throws IOException {
        ForwardInfo info = gateway.ports()
                .add(List.of(new ForwardSpec(
                        new ForwardSpec.Port(LOOPBACK, 0, udp), new ForwardSpec.Agent(LOOPBACK), port, false)))
                .getFirst();
        return info.port();
    }

    private interface Service {
        void serve(InputStream in, OutputStream out) throws IOException;
    }

    /** A TCP service; its port. */
    private int service(Service service) throws IOException {
        ServerSocket server = new ServerSocket();
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 4096);
        open.add(server);
        threads.submit(() -> {
            while (true) {
                Socket client = server.accept();
                threads.submit(() -> {
                    try (client) {
                        service.serve(client.getInputStream(), client.getOutputStream());
                    }
                    return true;
                });
            }
        });
        return server.getLocalPort();
    }

    private static void echo(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[16_384];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            out.write(buffer, 0, n);
        }
    }

    private static Socket dial(int port) throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setSoTimeout(60_000);
        return socket;
    }

    private static byte[] bytes(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    /** Sends parts, ends the stream, and gets all of it back. */
    private void exchange(int port, long seed, int... parts) throws Exception {
        try (Socket socket = dial(port)) {
            MessageDigest sent = MessageDigest.getInstance("SHA-256");
            int total = Arrays.stream(parts).sum();
            Future<byte[]> back = threads.submit(() -> socket.getInputStream().readAllBytes());
            for (int part : parts) {
                byte[] bytes = bytes(part, seed++);
                sent.update(bytes);
                socket.getOutputStream().write(bytes);
            }
            socket.shutdownOutput();
            byte[] got = back.get();
            assertThat(got).hasSize(total);
            assertThat(MessageDigest.getInstance("SHA-256").digest(got)).isEqualTo(sent.digest());
        }
    }

    private void awaitNoChannels() throws Exception {
        for (long until = System.nanoTime() + 60_000_000_000L; agent.channels() > 0; Thread.sleep(10)) {
            assertThat(System.nanoTime() - until)
                    .as("channels left: " + agent.channels())
                    .isNegative();
        }
    }

    @Test
    void aPublishedPortReachesAServiceAndBothEndsMayEndFirst() throws Exception {
        int echo = publish(service(AgentTest::echo), false);
        exchange(echo, 1, 1, 100_000, 5);
        int talker = publish(service((in, out) -> out.write("hello".getBytes())), false);
        try (Socket socket = dial(talker)) {
            assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("hello");
        }
        awaitNoChannels();
    }

    @Test
    void aRefusedConnectionInsideIsAResetOutside() throws Exception {
        ServerSocket nobody = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        int port = publish(nobody.getLocalPort(), false);
        nobody.close();
        try (Socket socket = dial(port)) {
            assertThatThrownBy(() -> {
                        socket.getOutputStream().write(1);
                        while (socket.getInputStream().read() >= 0) {}
                        throw new AssertionError("ended in order");
                    })
                    .isInstanceOf(SocketException.class);
        }
        awaitNoChannels();
    }

    @Test
    void socketsInTheFileSystemOnBothSides() throws Exception {
        Path inside = folder.resolve("inside");
        Path outside = folder.resolve("outside");
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(inside));
        open.add(server);
        threads.submit(() -> {
            try (SocketChannel client = server.accept()) {
                echo(Channels.newInputStream(client), Channels.newOutputStream(client));
            }
            return true;
        });
        gateway.ports()
                .add(List.of(new ForwardSpec(
                        new ForwardSpec.UnixSocket(outside.toString()),
                        new ForwardSpec.AgentSocket(inside.toString()),
                        0,
                        false)));
        assertThat(gateway.ports().list().getFirst().forward()).isEqualTo("unix:" + outside + ":agent" + inside + ":0");
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(outside))) {
            client.write(ByteBuffer.wrap(bytes(1000, 3)));
            client.shutdownOutput();
            assertThat(Channels.newInputStream(client).readAllBytes()).isEqualTo(bytes(1000, 3));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void datagramsOfManySizesAndClientsComeBackToTheirSenders(boolean greeting) throws Exception {
        if (greeting) {
            connect(Generation.GREETING_CONNECTED, Generation.GREETING_LISTENED, "");
        }
        DatagramSocket echo = new DatagramSocket(0, InetAddress.getLoopbackAddress());
        open.add(echo);
        threads.submit(() -> {
            byte[] buffer = new byte[65_536];
            while (true) {
                DatagramPacket packet = new DatagramPacket(buffer, buffer.length);
                echo.receive(packet);
                echo.send(packet);
            }
        });
        int port = publish(echo.getLocalPort(), true);
        for (int client = 0; client < 3; client++) {
            try (DatagramSocket socket = new DatagramSocket()) {
                socket.setSoTimeout(60_000);
                for (int size : new int[] {1, 4, 511, 1023, 2034, 2035, 4095, 8191, 9215, 9216, 0, 60_000}) {
                    byte[] data = bytes(size, size + client);
                    socket.send(new DatagramPacket(data, size, InetAddress.getLoopbackAddress(), port));
                    DatagramPacket answer = new DatagramPacket(new byte[65_536], 65_536);
                    socket.receive(answer);
                    assertThat(Arrays.copyOf(answer.getData(), answer.getLength()))
                            .isEqualTo(data);
                }
            }
        }
        assertThat(agent.channels()).isEqualTo(greeting ? 3 : 1);
        gateway.ports().remove(List.of(new ForwardSpec.Port(LOOPBACK, port, true)), false);
        awaitNoChannels();
    }

    @Test
    void aClientIsAnsweredFromTheAddressThatItAsked() throws Exception {
        connect(Generation.GREETING_CONNECTED, Generation.GREETING_LISTENED, "");
        try (DatagramSocket service = new DatagramSocket(0, InetAddress.getLoopbackAddress());
                DatagramSocket client = new DatagramSocket()) {
            ForwardSpec.Port everywhere = new ForwardSpec.Port(null, 0, true);
            int port = gateway.ports()
                    .add(List.of(new ForwardSpec(
                            everywhere, new ForwardSpec.Agent(LOOPBACK), service.getLocalPort(), false)))
                    .getFirst()
                    .port();
            service.setSoTimeout(60_000);
            client.setSoTimeout(60_000);
            client.connect(InetAddress.getByName("127.0.0.77"), port); // hears nobody else
            client.send(new DatagramPacket(bytes(8, 1), 8));
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            service.receive(packet);
            service.send(packet);
            client.receive(packet);
            assertThat(packet.getLength()).isEqualTo(8);
        }
    }

    @Test
    void aServicesResetIsAResetForItsClientHoweverIdle() throws Exception {
        int port = publish(serviceThatResets(), false);
        try (Socket socket = dial(port)) {
            socket.getOutputStream().write(1);
            assertThat(socket.getInputStream().read()).isOne();
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(SocketException.class);
        }
        awaitNoChannels();
    }

    /** It has heard the service's end, and then says something that nobody wants. */
    @Test
    void whoeverWritesToAServiceThatHasClosedIsResetWithoutAnotherWord() throws Exception {
        int port = publish(service((in, out) -> out.write(in.read())), false);
        try (Socket socket = dial(port)) {
            socket.getOutputStream().write(1);
            assertThat(socket.getInputStream().readAllBytes()).containsExactly(1);
            socket.getOutputStream().write(2);
            awaitNoChannels();
            assertThatThrownBy(() -> {
                        while (true) {
                            socket.getOutputStream().write(3);
                            Thread.sleep(1);
                        }
                    })
                    .isInstanceOf(SocketException.class);
        }
    }

    /** A TCP service that gives back a byte and resets; its port. */
    private int serviceThatResets() throws IOException {
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        open.add(server);
        threads.submit(() -> {
            Socket client = server.accept();
            client.getOutputStream().write(client.getInputStream().read());
            client.setSoLinger(true, 0);
            client.close();
            return true;
        });
        return server.getLocalPort();
    }

    @Test
    void whenTheAgentComesAgainSoDoItsServices() throws Exception {
        int port = publish(service(AgentTest::echo), false);
        exchange(port, 1, 10);
        try (Socket cut = dial(port)) {
            cut.getOutputStream().write(1);
            assertThat(cut.getInputStream().read()).isOne();
            agent.cut();
            assertThatThrownBy(() -> {
                        while (cut.getInputStream().read() >= 0) {}
                        throw new AssertionError("ended in order");
                    })
                    .isInstanceOf(SocketException.class);
        }
        exchange(port, 2, 10);
        agent.close();
        open.remove(agent);
        try (Socket nobody = dial(port)) {
            assertThatThrownBy(() -> {
                        nobody.getOutputStream().write(1);
                        while (nobody.getInputStream().read() >= 0) {}
                        throw new AssertionError("ended in order");
                    })
                    .isInstanceOf(SocketException.class);
        }
        connect(Generation.PLAIN_HOST, Generation.PLAIN_AGENT, AgentLink.VSOCK_PREAMBLE);
        exchange(publish(service(AgentTest::echo), false), 3, 10);
    }

    @Test
    void allPairsOfSizesPassUnchanged() throws Exception {
        int[] sizes = STRESS
                ? new int[] {0, 1, 4, 4095, 4096, 4097, 4098, 4099, 5000, 5001, 5002, 1_048_575, 1_048_576, 1_048_577}
                : new int[] {0, 1, 4, 4095, 4096, 4099, 5001, 1_048_577};
        int port = publish(service(AgentTest::echo), false);
        for (int first : sizes) {
            for (int second : sizes) {
                exchange(port, first * 31L + second, first, second);
            }
        }
        awaitNoChannels();
    }

    @Test
    void manyClientsAtATimeInManyRounds() throws Exception {
        int clients = STRESS ? 2000 : 200;
        int rounds = STRESS ? 10 : 3;
        int port = publish(service(AgentTest::echo), false);
        long start = System.nanoTime();
        for (int round = 0; round < rounds; round++) {
            List<Future<?>> all = new ArrayList<>();
            for (int i = 0; i < clients; i++) {
                long seed = round * 10_000L + i;
                all.add(threads.submit(() -> {
                    exchange(port, seed, new Random(seed).nextInt(8192));
                    return true;
                }));
            }
            for (Future<?> one : all) {
                one.get();
            }
        }
        System.out.println(
                clients + " clients in " + rounds + " rounds took " + (System.nanoTime() - start) / 1_000_000 + " ms");
        awaitNoChannels();
    }
}
