package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.HOST;
import static dev.sluice.gateway.GuestWorld.LONG;
import static dev.sluice.gateway.GuestWorld.echoServer;
import static dev.sluice.gateway.GuestWorld.server;
import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.Bulk.drink;
import static dev.sluice.testkit.Bulk.pour;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.Limits;
import dev.sluice.net.Datagram;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Ipv4Address;
import java.io.ByteArrayOutputStream;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a guest behind a gateway can do and sees, with a guest in this process and servers on loopback. */
@Timeout(180)
class GuestFlowsTest {
    private static final int MEGABYTE = 1 << 20;

    @Test
    void aGuestTalksToAServerOnTheHostsLoopback() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = echoServer();
                TcpConnection connection = world.connect(server)) {
            connection.write("hello".getBytes(US_ASCII));
            assertThat(connection.inputStream().readNBytes(5))
                    .asString(US_ASCII)
                    .isEqualTo("hello");
        }
    }

    @Test
    void aGuestGetsItsAddressByDhcpAndTheWorldWithIt() throws Exception {
        try (GuestWorld world = new GuestWorld(1500, true, Limits.defaults(), null, NetConfig.dhcp());
                ServerSocket server = echoServer();
                TcpConnection connection = world.connect(server)) {
            assertThat(String.valueOf(world.guest.address())).isEqualTo("192.168.65.3/24");
            assertThat(world.guest.gateway()).isEqualTo(GATEWAY);
            assertThat(world.guest.lease().dnsServers()).containsExactly(GATEWAY);
            connection.write(new byte[] {1});
            assertThat(connection.inputStream().read()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"1500,true", "1500,false", "65520,true", "1280,false"})
    void fiftyMegabytesPassUpAndDownUnchanged(int mtu, boolean offloads) throws Exception {
        try (GuestWorld world = new GuestWorld(mtu, offloads, Limits.defaults());
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            CompletableFuture<byte[]> up = async(() -> {
                byte[] sum = pour(connection.outputStream(), 50L * MEGABYTE, 1);
                connection.shutdownOutput();
                return sum;
            });
            CompletableFuture<byte[]> down = async(() -> {
                byte[] sum = pour(socket.getOutputStream(), 50L * MEGABYTE, 2);
                socket.shutdownOutput();
                return sum;
            });
            CompletableFuture<byte[]> gotUp = async(() -> drink(socket.getInputStream()));
            CompletableFuture<byte[]> gotDown = async(() -> drink(connection.inputStream()));
            assertThat(get(gotUp)).isEqualTo(get(up));
            assertThat(get(gotDown)).isEqualTo(get(down));
        }
    }

    @Test
    void whenTheGuestEndsItsSideTheHostCanStillAnswer() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            connection.write("question".getBytes(US_ASCII));
            connection.shutdownOutput();
            assertThat(socket.getInputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("question");
            socket.getOutputStream().write("answer".getBytes(US_ASCII));
            socket.shutdownOutput();
            assertThat(connection.inputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("answer");
        }
    }

    @Test
    void whenTheHostEndsItsSideTheGuestCanStillAnswer() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            socket.getOutputStream().write("question".getBytes(US_ASCII));
            socket.shutdownOutput();
            assertThat(connection.inputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("question");
            connection.write("answer".getBytes(US_ASCII));
            connection.shutdownOutput();
            assertThat(socket.getInputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("answer");
        }
    }

    /** A read stops at urgent data, with more behind it and no further event to come; the byte itself is part of the stream. */
    @Test
    void urgentDataOfTheHostHoldsNothingUp() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            socket.setTcpNoDelay(true);
            world.onLoop(() -> {
                // all of it is there before the loop looks
                socket.getOutputStream().write("abc".getBytes(US_ASCII));
                socket.sendUrgentData('X');
                socket.getOutputStream().write("def".getBytes(US_ASCII));
                return true;
            });
            assertThat(connection.inputStream().readNBytes(7))
                    .asString(US_ASCII)
                    .isEqualTo("abcXdef");
        }
    }

    @Test
    void aPortWhereNothingListensRefuses() throws Exception {
        int port;
        try (ServerSocket server = server()) {
            port = server.getLocalPort();
        }
        try (GuestWorld world = new GuestWorld()) {
            assertThatThrownBy(() -> world.guest.tcp().connect(HOST, port, LONG))
                    .isInstanceOf(NetException.Refused.class);
        }
    }

    @Test
    void aGuestsAbortIsAResetForTheHost() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            connection.write(new byte[] {1});
            assertThat(socket.getInputStream().read()).isEqualTo(1);
            connection.abort();
            assertThatThrownBy(() -> socket.getInputStream().read())
                    .isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
        }
    }

    @Test
    void aHostsResetIsAResetForTheGuest() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server)) {
            Socket socket = server.accept();
            connection.write(new byte[] {1});
            assertThat(socket.getInputStream().read()).isEqualTo(1);
            socket.setSoLinger(true, 0);
            socket.close();
            assertThatThrownBy(() -> connection.read(new byte[1])).isInstanceOf(NetException.Reset.class);
        }
    }

    @Test
    void twoThousandIdleConnectionsStayOpenAndOwnNoBuffers() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server()) {
            List<TcpConnection> guests = new ArrayList<>();
            List<Socket> hosts = new ArrayList<>();
            try {
                for (int i = 0; i < 2000; i++) {
                    guests.add(world.connect(server));
                    hosts.add(server.accept());
                }
                assertThat(world.gateway.status().tcp().open()).isEqualTo(2000);
                assertThat(world.gateway.status().memory().buffers()).isZero();
                for (int i = 0; i < 2000; i += 97) {
                    guests.get(i).write(new byte[] {(byte) i});
                    Socket socket = hosts.get(i);
                    int read = socket.getInputStream().read();
                    assertThat(read).isEqualTo(i & 0xff);
                    socket.getOutputStream().write(read);
                    assertThat(guests.get(i).inputStream().read()).isEqualTo(read);
                }
            } finally {
                guests.forEach(TcpConnection::abort);
                for (Socket socket : hosts) {
                    socket.close();
                }
            }
        }
    }

    @Test
    void aHostServerThatDoesNotReadStopsTheGuestWithinBoundedMemoryAndResumes() throws Exception {
        Limits limits = withFlowBuffer(1 << 18);
        try (GuestWorld world = new GuestWorld(1500, true, limits);
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            CompletableFuture<byte[]> sent = async(() -> {
                byte[] sum = pour(connection.outputStream(), 40L * MEGABYTE, 7);
                connection.shutdownOutput();
                return sum;
            });
            awaitStandstill(world);
            assertThat(sent).isNotDone();
            assertThat(world.gateway.status().memory().buffers()).isBetween(1L, 2L << 18);
            assertThat(drink(socket.getInputStream())).isEqualTo(get(sent));
        }
    }

    @Test
    void aGuestThatDoesNotReadStopsTheHostServerWithinBoundedMemoryAndResumes() throws Exception {
        Limits limits = withFlowBuffer(1 << 18);
        try (GuestWorld world = new GuestWorld(1500, true, limits);
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            CompletableFuture<byte[]> sent = async(() -> {
                byte[] sum = pour(socket.getOutputStream(), 40L * MEGABYTE, 8);
                socket.shutdownOutput();
                return sum;
            });
            awaitStandstill(world);
            assertThat(sent).isNotDone();
            assertThat(world.gateway.status().memory().buffers()).isBetween(1L, 2L << 18);
            assertThat(drink(connection.inputStream())).isEqualTo(get(sent));
        }
    }

    /** More flows have an answer at the same moment than there are buffers: the last of them has to wait, not to starve. */
    @Test
    void flowsThatGetNoMemoryReadOnWhenOthersHaveGivenTheirsBack() throws Exception {
        try (GuestWorld world = new GuestWorld(1500, true, withBuffers(1 << 17, 1 << 16));
                ServerSocket server = server()) {
            List<TcpConnection> connections = new ArrayList<>();
            List<Socket> sockets = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                connections.add(world.connect(server));
                sockets.add(server.accept());
            }
            // on the loop, so that it sees all of them readable at once
            world.onLoop(() -> {
                for (int i = 0; i < sockets.size(); i++) {
                    sockets.get(i).getOutputStream().write(i);
                }
                return true;
            });
            for (int i = 0; i < connections.size(); i++) {
                assertThat(connections.get(i).inputStream().read()).isEqualTo(i);
                connections.get(i).close();
                sockets.get(i).close();
            }
        }
    }

    /** Connections that stand still hold as much as they may for as long as they like, and the others still go on. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void connectionsThatStandStillDoNotTakeAllMemory(boolean up) throws Exception {
        int stalled = 10;
        try (GuestWorld world = new GuestWorld(1500, true, withBuffers(4 * MEGABYTE, MEGABYTE));
                ServerSocket server = server();
                ServerSocket echo = echoServer()) {
            List<AutoCloseable> ends = new ArrayList<>();
            for (int i = 0; i < stalled; i++) {
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept();
                ends.add(connection);
                ends.add(socket);
                async(() -> pour(up ? connection.outputStream() : socket.getOutputStream(), 40L * MEGABYTE, 9));
            }
            awaitStandstill(world);
            try (TcpConnection fresh = world.connect(echo)) {
                fresh.readTimeout(LONG);
                fresh.write("hello".getBytes(US_ASCII));
                assertThat(fresh.inputStream().readNBytes(5)).asString(US_ASCII).isEqualTo("hello");
            }
            for (AutoCloseable end : ends) {
                end.close();
            }
        }
    }

    private static Limits withFlowBuffer(int bytes) {
        return withBuffers(Limits.defaults().bufferBytes(), bytes);
    }

    private static Limits withBuffers(long all, int bytes) {
        return Limits.defaults()
                .change()
                .bufferBytes(all)
                .flowBufferBytes(bytes)
                .build();
    }

    /** Waits until data has moved and then none has for a quarter of a second. */
    private static void awaitStandstill(GuestWorld world) throws Exception {
        long before = -1;
        int still = 0;
        while (still < 5) {
            Thread.sleep(50);
            GatewayStatus.TcpStatus tcp = world.gateway.status().tcp();
            long moved = tcp.bytesToHost() + tcp.bytesToGuest();
            boolean full = world.gateway.status().memory().buffers() > 0; // else a sender is only late
            still = full && moved > 0 && moved == before ? still + 1 : 0;
            before = moved;
        }
    }

    @Test
    void theNameOfTheHostResolvesToTheHostsAddress() throws Exception {
        try (GuestWorld world = new GuestWorld();
                UdpSocket socket = world.guest.udp().connect(GATEWAY, 53)) {
            socket.send(query("host.sluice.internal"));
            Datagram answer = socket.receive(LONG);
            String hex = HexFormat.of().formatHex(answer.payload());
            assertThat(hex).startsWith("1234").endsWith("0004" + "c0a84102");
        }
    }

    /** A query for an A record with id 0x1234. */
    private static byte[] query(String name) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(HexFormat.of().parseHex("123401000001000000000000"));
        for (String label : name.split("\\.")) {
            out.write(label.length());
            out.writeBytes(label.getBytes(US_ASCII));
        }
        out.writeBytes(HexFormat.of().parseHex("0000010001"));
        return out.toByteArray();
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "1472", "1473", "9000", "65507"})
    void datagramsOfAnySizeGoToTheHostAndBack(int size) throws Exception {
        try (GuestWorld world = new GuestWorld();
                DatagramSocket echo = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                UdpSocket socket = world.guest.udp().connect(HOST, echo.getLocalPort())) {
            byte[] payload = new byte[size];
            new java.util.Random(size).nextBytes(payload);
            socket.send(payload);
            DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
            echo.setSoTimeout((int) LONG.toMillis());
            echo.receive(packet);
            assertThat(packet.getLength()).isEqualTo(size);
            echo.send(packet);
            assertThat(socket.receive(LONG).payload()).isEqualTo(payload);
        }
    }

    @ParameterizedTest
    @CsvSource({"true, 64", "true, 1472", "true, 1473", "false, 64", "false, 1472", "false, 1473"})
    void aBurstOfTheHostReachesTheGuestWholeAndInOrder(boolean offloads, int size) throws Exception {
        try (GuestWorld world = new GuestWorld(1500, offloads, Limits.defaults());
                DatagramSocket server = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                UdpSocket socket = world.guest.udp().connect(HOST, server.getLocalPort())) {
            socket.send(new byte[1]);
            DatagramPacket packet = new DatagramPacket(new byte[65_536], 65_536);
            server.setSoTimeout((int) LONG.toMillis());
            server.receive(packet);
            int count = 20;
            world.onLoop(() -> {
                // While the loop is here it can't look, so it finds all of them at once.
                for (int i = 0; i < count; i++) {
                    packet.setData(datagram(i, i < count - 1 ? size : 5));
                    server.send(packet);
                }
                return true;
            });
            for (int i = 0; i < count; i++) {
                assertThat(socket.receive(LONG).payload()).isEqualTo(datagram(i, i < count - 1 ? size : 5));
            }
        }
    }

    private static byte[] datagram(int seed, int size) {
        byte[] payload = new byte[size];
        new java.util.Random(seed).nextBytes(payload);
        return payload;
    }

    @Test
    void aUdpForwardFindsAGuestThatHasNotSaidAWord() throws Exception {
        try (GuestWorld world = new GuestWorld();
                UdpSocket service = world.guest.udp().bind(7000);
                DatagramSocket client = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                Gateway.Forward forward =
                        world.gateway.publishUdp(Ipv4Address.parse("127.0.0.1"), 0, GuestWorld.GUEST, 7000)) {
            byte[] question = {1, 2, 3};
            client.setSoTimeout(150);
            DatagramPacket answer = new DatagramPacket(new byte[100], 100);
            // The first goes nowhere but has the guest asked for.
            for (int attempt = 1; ; attempt++) {
                client.send(new DatagramPacket(
                        question, question.length, InetAddress.getByName("127.0.0.1"), forward.port()));
                Datagram seen = receiveWithin(service, Duration.ofMillis(150));
                if (seen != null) {
                    assertThat(seen.payload()).isEqualTo(question);
                    break;
                }
                assertThat(attempt).as("tries").isLessThan(400);
            }
        }
    }

    private static @Nullable Datagram receiveWithin(UdpSocket socket, Duration time) {
        try {
            return socket.receive(time);
        } catch (NetException e) {
            return null;
        }
    }

    @Test
    void aUdpPortWhereNobodyReceivesIsReportedToTheGuest() throws Exception {
        int port;
        try (DatagramSocket closed = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
            port = closed.getLocalPort();
        }
        try (GuestWorld world = new GuestWorld();
                UdpSocket socket = world.guest.udp().connect(HOST, port)) {
            socket.send(new byte[] {1});
            assertThatThrownBy(() -> socket.receive(LONG)).isInstanceOf(NetException.Refused.class);
        }
    }

    @Test
    void theGatewayAnswersPings() throws Exception {
        try (GuestWorld world = new GuestWorld()) {
            assertThat(world.guest.icmp().ping(GATEWAY, LONG)).isPositive();
        }
    }

    @Test
    void aPublishedPortLeadsToTheGuest() throws Exception {
        try (GuestWorld world = new GuestWorld();
                TcpListener listener = world.guest.tcp().listen(80, 8);
                Gateway.Forward forward = world.gateway.publishTcp(Ipv4Address.LOOPBACK, 0, GuestWorld.GUEST, 80)) {
            world.guest.icmp().ping(GATEWAY, LONG); // so that the gateway knows the guest
            try (Socket client = new Socket("127.0.0.1", forward.port());
                    TcpConnection served = listener.accept(LONG)) {
                client.getOutputStream().write("in".getBytes(US_ASCII));
                assertThat(served.inputStream().readNBytes(2))
                        .asString(US_ASCII)
                        .isEqualTo("in");
                served.write("out".getBytes(US_ASCII));
                assertThat(client.getInputStream().readNBytes(3))
                        .asString(US_ASCII)
                        .isEqualTo("out");
            }
        }
    }

    @Test
    void aPublishedPortOfAGuestThatDoesNotListenResetsTheClient() throws Exception {
        try (GuestWorld world = new GuestWorld();
                Gateway.Forward forward = world.gateway.publishTcp(Ipv4Address.LOOPBACK, 0, GuestWorld.GUEST, 81)) {
            world.guest.icmp().ping(GATEWAY, LONG);
            try (Socket client = new Socket("127.0.0.1", forward.port())) {
                client.setSoTimeout((int) LONG.toMillis());
                assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
            }
        }
    }

    @Test
    void whenTheGuestLeavesItsHostSocketsEnd() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            connection.write(new byte[] {1});
            assertThat(socket.getInputStream().read()).isEqualTo(1);
            socket.setSoTimeout((int) LONG.toMillis());
            CompletableFuture<Integer> reading =
                    async(() -> socket.getInputStream().read());
            world.guest.close();
            assertThatThrownBy(() -> get(reading)).isInstanceOf(SocketException.class);
        }
    }

    @Test
    void aConnectNobodyAnswersTimesOutForTheGuestToo() throws Exception {
        try (GuestWorld world = new GuestWorld();
                FullServer full = new FullServer()) {
            assertThatThrownBy(() -> world.guest.tcp().connect(HOST, full.port(), Duration.ofMillis(200)))
                    .isInstanceOf(NetException.TimedOut.class);
        }
    }
}
