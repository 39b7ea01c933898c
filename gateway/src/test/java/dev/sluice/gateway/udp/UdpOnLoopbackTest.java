package dev.sluice.gateway.udp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.LinuxDatagramHost;
import dev.sluice.host.Opening;
import dev.sluice.loop.EventLoop;
import dev.sluice.testkit.Async;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.management.ManagementFactory;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The flows on a real loop with real sockets of the loopback, reached through the host's address. */
class UdpOnLoopbackTest {
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 65_520, true);
    private static final String HOST = "192.168.65.2";
    private final GuestSide side = new GuestSide();
    private final Counters counters = new Counters();
    private final Guest guest = GuestSide.guest("192.168.65.3");
    private EventLoop loop;
    private UdpFlows flows;

    @BeforeEach
    void start() throws Exception {
        loop = EventLoop.start("test");
        flows = on(() -> new UdpFlows(
                loop,
                new LinuxDatagramHost(loop),
                PLAN,
                new Shares(Limits.defaults()),
                FlowPolicy.of(PLAN),
                side,
                side,
                counters,
                new Events(counters, () -> 0)));
    }

    @AfterEach
    void stop() throws Exception {
        on(() -> {
            flows.close();
            return true;
        });
        assertThat(loop.failures()).isZero();
        loop.close();
    }

    private <T> T on(Callable<T> action) throws Exception {
        return Async.on(loop, action);
    }

    private void send(int port, int destinationPort, byte[] payload) throws Exception {
        on(() -> {
            int length = side.udp(guest.address, port, HOST, destinationPort, payload);
            flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
            return true;
        });
    }

    private void send(int port, int destinationPort, String text) throws Exception {
        send(port, destinationPort, text.getBytes(StandardCharsets.US_ASCII));
    }

    private static DatagramSocket server() throws Exception {
        var server = new DatagramSocket(0, InetAddress.getLoopbackAddress());
        server.setSoTimeout(60_000);
        return server;
    }

    private static DatagramPacket receive(DatagramSocket server) throws Exception {
        var packet = new DatagramPacket(new byte[65_536], 65_536);
        server.receive(packet);
        return packet;
    }

    private static String text(DatagramPacket packet) {
        return new String(packet.getData(), 0, packet.getLength(), StandardCharsets.US_ASCII);
    }

    @Test
    void twoServersSeeOnePortAndBothAnswer() throws Exception {
        try (var first = server();
                var second = server()) {
            send(5000, first.getLocalPort(), "one");
            send(5000, second.getLocalPort(), "two");
            DatagramPacket one = receive(first);
            DatagramPacket two = receive(second);
            assertThat(text(one)).isEqualTo("one");
            assertThat(text(two)).isEqualTo("two");
            assertThat(one.getPort()).as("endpoint-independent mapping").isEqualTo(two.getPort());
            second.send(new DatagramPacket("2".getBytes(), 1, one.getSocketAddress()));
            assertThat(side.nextPacket().udp())
                    .isEqualTo(HOST + ":" + second.getLocalPort() + " > 192.168.65.3:5000 2");
            try (var stranger = server()) {
                stranger.send(new DatagramPacket("3".getBytes(), 1, one.getSocketAddress()));
                assertThat(side.nextPacket().udp())
                        .as("endpoint-independent filtering")
                        .isEqualTo(HOST + ":" + stranger.getLocalPort() + " > 192.168.65.3:5000 3");
            }
        }
    }

    @Test
    void aClosedPortIsUnreachableAndHarmsNothingElse() throws Exception {
        int closed;
        try (var gone = server()) {
            closed = gone.getLocalPort();
        }
        try (var server = server()) {
            for (int i = 0; i < 5; i++) {
                send(5000, closed, "nobody");
                send(5000, server.getLocalPort(), "somebody");
                assertThat(text(receive(server))).isEqualTo("somebody");
                GuestSide.Failure failure = side.nextFailure();
                assertThat(failure.udp()).isEqualTo("3/3 by " + HOST + ": 192.168.65.3:5000 > " + HOST + ":" + closed);
                assertThat(failure.headerIsGood()).isTrue();
                assertThat(new String(failure.quoted(), 28, failure.quoted().length - 28, StandardCharsets.US_ASCII))
                        .isEqualTo("nobody");
            }
        }
        assertThat(on(flows::size)).isEqualTo(1);
    }

    @Test
    void theLargestDatagramGoesThereAndBackUnchanged() throws Exception {
        byte[] payload = new byte[65_507];
        new Random(1).nextBytes(payload);
        try (var server = server()) {
            send(5000, server.getLocalPort(), payload);
            server.send(receive(server));
            assertThat(side.nextPacket().payload()).isEqualTo(payload);
        }
    }

    @Test
    void aForwardServesClientsOfTheHost() throws Exception {
        UdpForward forward = on(() -> {
            Opening<UdpForward> opening =
                    flows.forward(0, DatagramHost.mapped(0x7f00_0001), 0, guest.ipAddress(), 53, () -> guest);
            return ((Opening.Open<UdpForward>) opening).socket();
        });
        try (var client = server()) {
            client.send(new DatagramPacket("q".getBytes(), 1, InetAddress.getLoopbackAddress(), on(forward::port)));
            assertThat(side.nextPacket().udp())
                    .isEqualTo("192.168.65.1:" + client.getLocalPort() + " > 192.168.65.3:53 q");
            on(() -> {
                int length = side.udp(
                        guest.address,
                        53,
                        "192.168.65.1",
                        client.getLocalPort(),
                        "a".getBytes(StandardCharsets.US_ASCII));
                flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
                return true;
            });
            DatagramPacket answer = receive(client);
            assertThat(text(answer)).isEqualTo("a");
            assertThat(answer.getPort()).isEqualTo(on(forward::port));
        }
    }

    @Test
    void onceCompiledADatagramCostsNoAllocationEitherWay() throws Exception {
        side.recording = false;
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        int perTurn = 40;
        int turns = 50;
        try (var server = server()) {
            int length = side.udp(guest.address, 5000, HOST, server.getLocalPort(), new byte[100]);
            long expected = 0;
            long before = on(threads::getCurrentThreadAllocatedBytes);
            long perDatagram = Long.MAX_VALUE;
            // Interpreted code allocates. How long compiling takes is the machine's business, so wait for it; 16 bytes
            // is the smallest
            // object, and the test's own tasks cost a little.
            for (long until = System.nanoTime() + 60_000_000_000L;
                    perDatagram >= 8 && System.nanoTime() - until < 0; ) {
                for (int turn = 0; turn < turns; turn++) {
                    expected += perTurn;
                    loop.execute(() -> {
                        for (int i = 0; i < perTurn; i++) {
                            flows.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
                        }
                    });
                    for (int i = 0; i < perTurn; i++) {
                        server.send(receive(server));
                    }
                    while (side.count < expected) {
                        Thread.onSpinWait();
                    }
                }
                long after = on(threads::getCurrentThreadAllocatedBytes);
                perDatagram = (after - before) / (2L * perTurn * turns);
                before = after;
            }
            assertThat(counters.udpDatagramsToGuest).isEqualTo(expected);
            assertThat(perDatagram).as("bytes per datagram").isLessThan(8);
        }
    }

    @Test
    void withoutDescriptorsNothingBreaksAndWithThemItWorksAgain() throws Exception {
        try (var server = server();
                Arena arena = Arena.ofConfined()) {
            send(4999, server.getLocalPort(), "load every class");
            assertThat(text(receive(server))).isEqualTo("load every class");
            // Classes and the time zone of log lines come from files too: fail once beforehand.
            java.time.ZoneId.systemDefault();
            assertThat(on(() -> flows.forward(
                            0,
                            DatagramHost.mapped(0x7f00_0001),
                            server.getLocalPort(),
                            guest.ipAddress(),
                            53,
                            () -> guest)))
                    .isInstanceOf(Opening.Failed.class);
            MemorySegment limit = arena.allocate(16, 8);
            call("getrlimit", limit);
            long soft = limit.get(ValueLayout.JAVA_LONG, 0);
            limit.set(ValueLayout.JAVA_LONG, 0, 3); // what is open stays open
            call("setrlimit", limit);
            try {
                send(5000, server.getLocalPort(), "lost");
                send(4999, server.getLocalPort(), "an open mapping works on");
            } finally {
                limit.set(ValueLayout.JAVA_LONG, 0, soft);
                call("setrlimit", limit);
            }
            assertThat(text(receive(server))).isEqualTo("an open mapping works on");
            assertThat(counters.dropped(Drop.NO_DESCRIPTORS)).isEqualTo(1);
            send(5000, server.getLocalPort(), "found");
            assertThat(text(receive(server))).isEqualTo("found");
            assertThat(side.failures).isEmpty();
        }
    }

    /** getrlimit or setrlimit of RLIMIT_NOFILE. */
    private static void call(String name, MemorySegment limit) {
        Linker linker = Linker.nativeLinker();
        MethodHandle handle = linker.downcallHandle(
                linker.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.ADDRESS));
        try {
            assertThat((int) handle.invokeExact(7, limit)).isZero();
        } catch (Throwable t) {
            throw new AssertionError(name, t);
        }
    }
}
