package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LinuxIpv6DatagramTest {
    private EventLoop loop;
    private LinuxDatagramHost host;
    private InetAddress loopback;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory = arena.allocate(1 << 17);
    private final LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();

    @BeforeEach
    void start() throws Exception {
        loopback = Inet6Address.getByName("::1");
        loop = EventLoop.start("test");
        host = new LinuxDatagramHost(loop);
        try (var probe = peer()) {
            assertThat(probe.getLocalPort()).isPositive();
        } catch (IOException e) {
            assumeTrue(false, "SKIPPED: this machine has no IPv6 loopback: " + e.getMessage());
        }
    }

    @AfterEach
    void stop() {
        loop.close();
        arena.close();
    }

    @Test
    void datagramsOfBothFamiliesLeaveInOneTurnAndTheAnswersNameTheirSenders() throws Exception {
        try (var six = peer();
                var four = new java.net.DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
            DatagramSocket sixth = open(0, 0, 0);
            DatagramSocket fourth = open(0, DatagramHost.mapped(0), 0);
            on(() -> {
                memory.setString(0, "ping");
                assertThat(sixth.send(0, 1, six.getLocalPort(), 64, 0xb8, memory, 0, 4))
                        .isTrue();
                return fourth.send(0, DatagramHost.mapped(0x7f00_0001), four.getLocalPort(), 64, 0, memory, 0, 4);
            });
            answer(six);
            answer(four);
            assertThat(new String[] {next(), next()})
                    .containsExactlyInAnyOrder(
                            "datagram ::1 " + six.getLocalPort() + " tos 0 pong",
                            "datagram ::ffff:127.0.0.1 " + four.getLocalPort() + " tos 0 pong");
        }
    }

    @Test
    void theTrafficClassGoesWithTheDatagram() throws Exception {
        DatagramSocket receiver = open(0, 1, 0);
        DatagramSocket sender = open(0, 1, 0);
        int port = on(receiver::localPort);
        int from = on(sender::localPort);
        on(() -> {
            memory.setString(0, "x");
            sender.send(0, 1, port, 64, 0xb8, memory, 0, 1);
            return sender.send(0, 1, port, 64, 0, memory, 0, 1);
        });
        assertThat(next()).isEqualTo("datagram ::1 " + from + " tos 184 x");
        assertThat(next()).isEqualTo("datagram ::1 " + from + " tos 0 x");
    }

    @Test
    void theLargestDatagramPasses() throws Exception {
        DatagramSocket receiver = open(0, 1, 0);
        DatagramSocket sender = open(0, 0, 0);
        int port = on(receiver::localPort);
        assertThat(on(() -> sender.send(0, 1, port, 64, 0, memory, 0, DatagramHost.MAX_PAYLOAD_IPV6)))
                .isTrue();
        assertThat(next()).startsWith("datagram ::1 ");
        assertThat(on(() -> sender.send(0, 1, port, 64, 0, memory, 0, DatagramHost.MAX_PAYLOAD_IPV6 + 1)))
                .isFalse();
    }

    @Test
    void aRefusedDatagramIsReportedAsTheIcmpv4ErrorItCorrespondsTo() throws Exception {
        int closedPort;
        try (var gone = peer()) {
            closedPort = gone.getLocalPort();
        }
        DatagramSocket socket = open(0, 0, 0);
        on(() -> {
            memory.setString(0, "nobody");
            return socket.send(0, 1, closedPort, 64, 0, memory, 0, 6);
        });
        assertThat(next())
                .isEqualTo("error " + Errno.ECONNREFUSED + " icmp 3/3 by ::1 to ::1 " + closedPort + " nobody");
    }

    @Test
    void aSocketOfOneFamilyDoesNotReachTheOther() throws Exception {
        DatagramSocket six = open(0, 0, 0);
        DatagramSocket four = open(0, DatagramHost.mapped(0), 0);
        assertThat(on(() -> six.send(0, DatagramHost.mapped(0x7f00_0001), 9, 64, 0, memory, 0, 1)))
                .isFalse();
        assertThat(on(() -> four.send(0, 1, 9, 64, 0, memory, 0, 1))).isFalse();
    }

    @Test
    void aPortInUseIsNamedWithBrackets() throws Exception {
        try (var taken = peer()) {
            Opening<DatagramSocket> opening = on(() -> host.openDatagram(0, 1, taken.getLocalPort(), new Recorder()));
            assertThat(opening).isInstanceOfSatisfying(Opening.Failed.class, failed -> {
                assertThat(failed.error()).isEqualTo(HostError.ADDRESS_IN_USE);
                assertThat(failed.reason()).startsWith("cannot listen on UDP [::1]:" + taken.getLocalPort());
            });
        }
    }

    @Test
    void aPingOfTheLoopbackIsAnswered() throws Exception {
        Opening<PingSocket> opening = on(() -> host.openPing(true, new PingRecorder()));
        if (opening instanceof Opening.Failed<PingSocket>(HostError error, String reason)) {
            assertThat(error).isEqualTo(HostError.PROHIBITED);
            System.out.println("SKIPPED ping of the IPv6 loopback: " + reason);
            return;
        }
        PingSocket socket = ((Opening.Open<PingSocket>) opening).socket();
        on(() -> {
            IcmpHeader.write(memory, 0, Icmpv6Header.ECHO_REQUEST, 0, 0x1234 << 16 | 77);
            assertThat(socket.send(0, 1, 64, 0, memory, 0, 8)).isZero();
            assertThat(socket.send(0, 1, 64, 0, memory, 0, 60_000)).isZero();
            assertThat(socket.send(0, DatagramHost.mapped(0x7f00_0001), 64, 0, memory, 0, 8))
                    .isEqualTo(Errno.EAFNOSUPPORT);
            return null;
        });
        assertThat(next()).isEqualTo("reply ::1 type 129 sequence 77 length 8");
        assertThat(next()).isEqualTo("reply ::1 type 129 sequence 77 length 60000");
        on(() -> {
            socket.close();
            return null;
        });
    }

    private java.net.DatagramSocket peer() throws IOException {
        return new java.net.DatagramSocket(0, loopback);
    }

    private static void answer(java.net.DatagramSocket peer) throws IOException {
        var packet = new DatagramPacket(new byte[100], 100);
        peer.setSoTimeout(10_000);
        peer.receive(packet);
        peer.send(new DatagramPacket("pong".getBytes(), 4, packet.getSocketAddress()));
    }

    private DatagramSocket open(long high, long low, int port) throws Exception {
        return switch (on(() -> host.openDatagram(high, low, port, new Recorder()))) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> socket;
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> throw new AssertionError(reason);
        };
    }

    private String next() throws InterruptedException {
        return String.valueOf(seen.poll(10, TimeUnit.SECONDS));
    }

    private <T> T on(Callable<T> action) throws Exception {
        var result = new CompletableFuture<T>();
        loop.execute(() -> {
            try {
                result.complete(action.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return result.get(10, TimeUnit.SECONDS);
    }

    private static String text(MemorySegment memory, long at, int length) {
        return new String(memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
    }

    private final class Recorder implements DatagramSocket.Events {
        @Override
        public void onDatagram(
                long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length) {
            seen.add("datagram " + new Ipv6Address(high, low) + " " + port + " tos " + typeOfService + " "
                    + text(memory, at, Math.min(length, 100)));
        }

        @Override
        public void onError(
                int errno,
                int icmpType,
                int icmpCode,
                int mtu,
                long offenderHigh,
                long offenderLow,
                long high,
                long low,
                int port,
                MemorySegment memory,
                long at,
                int length) {
            seen.add("error " + errno + " icmp " + icmpType + "/" + icmpCode + " by "
                    + new Ipv6Address(offenderHigh, offenderLow) + " to " + new Ipv6Address(high, low) + " " + port
                    + " " + text(memory, at, length));
        }

        @Override
        public void onDropped(int datagrams) {
            seen.add("dropped " + datagrams);
        }
    }

    private final class PingRecorder implements PingSocket.Events {
        @Override
        public void onReply(long high, long low, int typeOfService, MemorySegment memory, long at, int length) {
            seen.add("reply " + new Ipv6Address(high, low) + " type " + IcmpHeader.type(memory, at) + " sequence "
                    + IcmpHeader.sequence(memory, at) + " length " + length);
        }

        @Override
        public void onError(
                int errno,
                int icmpType,
                int icmpCode,
                int mtu,
                long offenderHigh,
                long offenderLow,
                long high,
                long low,
                MemorySegment memory,
                long at,
                int length) {
            seen.add("error " + errno);
        }
    }
}
