package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.HOST;
import static dev.sluice.gateway.GuestWorld.LONG;
import static dev.sluice.gateway.GuestWorld.echoServer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The live table of flows, and what is told of them as it happens. */
@Timeout(180)
class EventsTest {
    private static Subscription listen(GuestWorld world, Event.Kind... kinds) {
        return Objects.requireNonNull(world.gateway.events().subscribe(EnumSet.of(kinds[0], kinds)));
    }

    private static Event next(Subscription subscription) throws InterruptedException {
        return Objects.requireNonNull(subscription.next(LONG), "no event came");
    }

    @Test
    void aFlowIsInTheTableWithBothItsEndsAndItsBytes() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = echoServer();
                TcpConnection connection = world.connect(server)) {
            connection.write(new byte[5000]);
            assertThat(connection.inputStream().readNBytes(5000)).hasSize(5000);
            assertThat(world.gateway.flows().list()).singleElement().satisfies(flow -> {
                assertThat(flow.protocol()).isEqualTo(FlowPolicy.Protocol.TCP);
                assertThat(flow.direction()).isEqualTo(FlowInfo.Direction.OUT);
                assertThat(flow.guest()).hasToString("192.168.65.3");
                assertThat(flow.remote()).isEqualTo(HOST);
                assertThat(flow.remotePort()).isEqualTo(server.getLocalPort());
                assertThat(flow.host()).hasToString("127.0.0.1");
                assertThat(flow.hostPort()).isEqualTo(server.getLocalPort());
                assertThat(flow.localPort()).isPositive();
                assertThat(flow.state()).isEqualTo("ESTABLISHED");
                assertThat(flow.bytesToHost()).isEqualTo(5000);
                assertThat(flow.bytesToGuest()).isEqualTo(5000);
                assertThat(flow.bytesPerSecondToHost()).isPositive();
                assertThat(world.gateway.flows().find(flow.id())).isPresent();
            });
            assertThat(world.gateway.flows().find(999)).isEmpty();
        }
    }

    @Test
    void theFlightRecorderIsToldOfFlowsOnceItRecords() throws Exception {
        Path file = Files.createTempFile("sluice", ".jfr");
        try (Recording recording = new Recording();
                GuestWorld world = new GuestWorld();
                ServerSocket server = echoServer()) {
            recording.enable("dev.sluice.FlowOpen");
            recording.enable("dev.sluice.FlowClose");
            recording.start();
            try (TcpConnection connection = world.connect(server)) {
                connection.write(new byte[700]);
                assertThat(connection.inputStream().readNBytes(700)).hasSize(700);
            }
            while (!world.gateway.flows().list().isEmpty()) {
                Thread.sleep(1);
            }
            recording.stop();
            recording.dump(file);
            assertThat(RecordingFile.readAllEvents(file))
                    .filteredOn(event -> event.getEventType().getName().startsWith("dev.sluice.Flow")
                            && event.getString("remote").endsWith(":" + server.getLocalPort()))
                    .extracting(event -> event.getEventType().getName())
                    .containsExactly("dev.sluice.FlowOpen", "dev.sluice.FlowClose");
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void datagramsAreCountedForTheirFlow() throws Exception {
        try (GuestWorld world = new GuestWorld();
                DatagramSocket echo = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                UdpSocket socket = world.guest.udp().connect(HOST, echo.getLocalPort())) {
            socket.send(new byte[100]);
            DatagramPacket packet = new DatagramPacket(new byte[200], 200);
            echo.receive(packet);
            packet.setLength(150);
            echo.send(packet);
            assertThat(socket.receive(LONG).payload()).hasSize(150);
            assertThat(world.gateway.flows().list()).singleElement().satisfies(flow -> {
                assertThat(flow.protocol()).isEqualTo(FlowPolicy.Protocol.UDP);
                assertThat(flow.remotePort()).isEqualTo(echo.getLocalPort());
                assertThat(flow.bytesToHost()).isEqualTo(100);
                assertThat(flow.bytesToGuest()).isEqualTo(150);
                assertThat(flow.state()).isEqualTo("open");
            });
        }
    }

    /** Its socket gets a port when the first datagram leaves. */
    @Test
    void aFlowOfDatagramsIsToldAsOpen() throws Exception {
        try (GuestWorld world = new GuestWorld();
                Subscription events = listen(world, Event.Kind.FLOW_OPEN);
                UdpSocket socket = world.guest.udp().connect(HOST, 9)) {
            socket.send(new byte[100]);
            assertThat(((FlowInfo) next(events).data()).state()).isEqualTo("open");
        }
    }

    @Test
    void aClientOfAUdpForwardThatClosesIsToldWithTheForwardsPort() throws Exception {
        try (GuestWorld world = new GuestWorld();
                UdpSocket service = world.guest.udp().bind(53);
                Subscription events = listen(world, Event.Kind.FLOW_CLOSE);
                DatagramSocket client = new DatagramSocket()) {
            world.guest.icmp().ping(GuestWorld.GATEWAY, LONG);
            int port = world.gateway
                    .ports()
                    .add(ForwardSyntax.parse("127.0.0.1:0:53/udp"))
                    .getFirst()
                    .port();
            client.send(new DatagramPacket(new byte[1], 1, InetAddress.getByName("127.0.0.1"), port));
            service.receive(LONG);
            world.gateway.ports().remove(ForwardSyntax.listens("127.0.0.1:" + port + "/udp"), false);
            Events.FlowEnd end = (Events.FlowEnd) next(events).data();
            while (end.flow().direction() != FlowInfo.Direction.IN) {
                end = (Events.FlowEnd) next(events).data(); // of the ping
            }
            assertThat(end.flow().localPort()).isEqualTo(port);
            assertThat(end.reason()).isEqualTo("forward-closed");
        }
    }

    @Test
    void aFlowThatIsCutIsResetOnBothSides() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = GuestWorld.server();
                TcpConnection connection = world.connect(server);
                Socket socket = server.accept()) {
            long id = world.gateway.flows().list().getFirst().id();
            assertThat(world.gateway.flows().cut(id)).isPresent();
            assertThatThrownBy(() -> connection.inputStream().read()).isInstanceOf(NetException.class);
            assertThatThrownBy(() -> socket.getInputStream().read()).isInstanceOf(IOException.class);
            assertThat(world.gateway.flows().cut(id)).isEmpty();
            assertThat(world.gateway.flows().list()).isEmpty();
        }
    }

    @Test
    void aFlowIsToldWhenItOpensAndWhenItCloses() throws Exception {
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = echoServer();
                Subscription events = listen(world, Event.Kind.FLOW_OPEN, Event.Kind.FLOW_CLOSE)) {
            try (TcpConnection connection = world.connect(server)) {
                connection.write(new byte[3]);
                assertThat(connection.inputStream().readNBytes(3)).hasSize(3);
            }
            Event open = next(events);
            assertThat(open.kind()).isEqualTo(Event.Kind.FLOW_OPEN);
            Event close = next(events);
            assertThat(close.kind()).isEqualTo(Event.Kind.FLOW_CLOSE);
            assertThat(close.data()).isInstanceOfSatisfying(Events.FlowEnd.class, end -> {
                assertThat(end.flow().id()).isEqualTo(((FlowInfo) open.data()).id());
                assertThat(end.flow().bytesToHost()).isEqualTo(3);
                assertThat(end.reason()).isEqualTo("end");
            });
        }
    }

    @Test
    void aConnectionThatIsRefusedIsToldWithTheReason() throws Exception {
        int port;
        try (ServerSocket server = GuestWorld.server()) {
            port = server.getLocalPort();
        }
        try (GuestWorld world = new GuestWorld();
                Subscription events = listen(world, Event.Kind.FLOW_OPEN, Event.Kind.FLOW_CLOSE)) {
            assertThatThrownBy(() -> world.guest.tcp().connect(HOST, port, LONG))
                    .isInstanceOf(NetException.Refused.class);
            Event event = next(events);
            assertThat(event.kind()).isEqualTo(Event.Kind.FLOW_CLOSE);
            assertThat(((Events.FlowEnd) event.data()).reason()).isEqualTo("refused");
        }
    }

    @Test
    void guestsLeasesAndForwardsAreTold() throws Exception {
        try (GuestWorld world = new GuestWorld(1500, true, Limits.defaults(), null, NetConfig.dhcp());
                Subscription events = listen(
                        world,
                        Event.Kind.GUEST_JOIN,
                        Event.Kind.GUEST_LEAVE,
                        Event.Kind.FORWARD_OPEN,
                        Event.Kind.FORWARD_CLOSE)) {
            world.gateway.ports().add(ForwardSyntax.parse("127.0.0.1:0:80"));
            Event opened = next(events);
            assertThat(opened.kind()).isEqualTo(Event.Kind.FORWARD_OPEN);
            var forward = ((Ports.Changed) opened.data()).forwards().getFirst();
            world.gateway.ports().remove(ForwardSyntax.listens("127.0.0.1:" + forward.port()), false);
            Event closed = next(events);
            assertThat(closed.kind()).isEqualTo(Event.Kind.FORWARD_CLOSE);
            assertThat(((Ports.Changed) closed.data()).forwards()).containsExactly(forward);
        }
    }

    @Test
    void whoDoesNotListenCostsNothingAndWhoListensNothingPerPacket() throws Exception {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        try (GuestWorld world = new GuestWorld();
                ServerSocket server = echoServer();
                TcpConnection connection = world.connect(server);
                Subscription events = listen(world, Event.Kind.values())) {
            long allocated = Long.MAX_VALUE;
            byte[] block = new byte[1000];
            // the first rounds compile; how long that takes is the machine's business
            for (long until = System.nanoTime() + 60_000_000_000L;
                    allocated > 10_000 && System.nanoTime() - until < 0; ) {
                long before = world.onLoop(threads::getCurrentThreadAllocatedBytes);
                for (int i = 0; i < 2000; i++) {
                    connection.write(block);
                    assertThat(connection.inputStream().readNBytes(block.length))
                            .hasSize(block.length);
                }
                allocated = world.onLoop(threads::getCurrentThreadAllocatedBytes) - before;
            }
            assertThat(allocated).as("bytes for 4,000 packets and more").isLessThanOrEqualTo(10_000);
            assertThat(List.of(events.isCut())).containsExactly(false);
        }
    }
}
