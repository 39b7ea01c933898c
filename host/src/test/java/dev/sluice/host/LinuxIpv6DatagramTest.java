package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.posix.Errno;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.DatagramPacket;
import java.net.Inet6Address;
import java.net.InetAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LinuxIpv6DatagramTest {
    private DatagramWorld world;
    private MemorySegment memory;
    private InetAddress loopback;
    private final DatagramWorld.Recorder events = new DatagramWorld.Recorder();

    @BeforeEach
    void start() throws Exception {
        loopback = Inet6Address.getByName("::1");
        world = new DatagramWorld();
        memory = world.memory;
        try (var probe = peer()) {
            assertThat(probe.getLocalPort()).isPositive();
        } catch (IOException e) {
            assumeTrue(false, "SKIPPED: this machine has no IPv6 loopback: " + e.getMessage());
        }
    }

    @AfterEach
    void stop() {
        world.close();
    }

    @Test
    void datagramsOfBothFamiliesLeaveInOneTurnAndTheAnswersNameTheirSenders() throws Exception {
        try (var six = peer();
                var four = new java.net.DatagramSocket(0, InetAddress.getByName("127.0.0.1"))) {
            DatagramSocket sixth = world.open(0, 0, 0, events);
            DatagramSocket fourth = world.open(0, DatagramHost.mapped(0), 0, events);
            world.on(() -> {
                memory.setString(0, "ping");
                assertThat(sixth.send(0, 1, six.getLocalPort(), 64, 0xb8, memory, 0, 4))
                        .isTrue();
                return fourth.send(0, DatagramHost.mapped(0x7f00_0001), four.getLocalPort(), 64, 0, memory, 0, 4);
            });
            answer(six);
            answer(four);
            assertThat(new String[] {events.next(), events.next()})
                    .containsExactlyInAnyOrder(
                            "datagram ::1 " + six.getLocalPort() + " tos 0 pong",
                            "datagram 127.0.0.1 " + four.getLocalPort() + " tos 0 pong");
        }
    }

    @Test
    void theTrafficClassGoesWithTheDatagram() throws Exception {
        DatagramSocket receiver = world.open(0, 1, 0, events);
        DatagramSocket sender = world.open(0, 1, 0, events);
        int port = world.on(receiver::localPort);
        int from = world.on(sender::localPort);
        world.on(() -> {
            memory.setString(0, "x");
            sender.send(0, 1, port, 64, 0xb8, memory, 0, 1);
            return sender.send(0, 1, port, 64, 0, memory, 0, 1);
        });
        assertThat(events.next()).isEqualTo("datagram ::1 " + from + " tos 184 x");
        assertThat(events.next()).isEqualTo("datagram ::1 " + from + " tos 0 x");
    }

    @Test
    void theLargestDatagramPasses() throws Exception {
        DatagramSocket receiver = world.open(0, 1, 0, events);
        DatagramSocket sender = world.open(0, 0, 0, events);
        int port = world.on(receiver::localPort);
        assertThat(world.on(() -> sender.send(0, 1, port, 64, 0, memory, 0, DatagramHost.MAX_PAYLOAD_IPV6)))
                .isTrue();
        assertThat(events.next()).startsWith("datagram ::1 ");
        assertThat(world.on(() -> sender.send(0, 1, port, 64, 0, memory, 0, DatagramHost.MAX_PAYLOAD_IPV6 + 1)))
                .isFalse();
    }

    @Test
    void aRefusedDatagramIsReportedAsTheIcmpv4ErrorItCorrespondsTo() throws Exception {
        int closedPort;
        try (var gone = peer()) {
            closedPort = gone.getLocalPort();
        }
        DatagramSocket socket = world.open(0, 0, 0, events);
        world.on(() -> {
            memory.setString(0, "nobody");
            return socket.send(0, 1, closedPort, 64, 0, memory, 0, 6);
        });
        assertThat(events.next())
                .isEqualTo("error " + Errno.ECONNREFUSED + " icmp 3/3 by ::1 to ::1 " + closedPort + " nobody");
    }

    @Test
    void aSocketOfOneFamilyDoesNotReachTheOther() throws Exception {
        DatagramSocket six = world.open(0, 0, 0, events);
        DatagramSocket four = world.open(0, DatagramHost.mapped(0), 0, events);
        assertThat(world.on(() -> six.send(0, DatagramHost.mapped(0x7f00_0001), 9, 64, 0, memory, 0, 1)))
                .isFalse();
        assertThat(world.on(() -> four.send(0, 1, 9, 64, 0, memory, 0, 1))).isFalse();
    }

    @Test
    void aPortInUseIsNamedWithBrackets() throws Exception {
        try (var taken = peer()) {
            Opening<DatagramSocket> opening =
                    world.on(() -> world.host.openDatagram(0, 1, taken.getLocalPort(), events));
            assertThat(opening).isInstanceOfSatisfying(Opening.Failed.class, failed -> {
                assertThat(failed.error()).isEqualTo(HostError.ADDRESS_IN_USE);
                assertThat(failed.reason()).startsWith("cannot listen on UDP [::1]:" + taken.getLocalPort());
            });
        }
    }

    @Test
    void aPingOfTheLoopbackIsAnswered() throws Exception {
        var pings = new DatagramWorld.PingRecorder();
        Opening<PingSocket> opening = world.on(() -> world.host.openPing(true, pings));
        if (opening instanceof Opening.Failed<PingSocket>(HostError error, String reason)) {
            assertThat(error).isEqualTo(HostError.PROHIBITED);
            System.out.println("SKIPPED ping of the IPv6 loopback: " + reason);
            return;
        }
        PingSocket socket = ((Opening.Open<PingSocket>) opening).socket();
        world.on(() -> {
            IcmpHeader.write(memory, 0, Icmpv6Header.ECHO_REQUEST, 0, 0x1234 << 16 | 77);
            assertThat(socket.send(0, 1, 64, 0, memory, 0, 8)).isZero();
            assertThat(socket.send(0, 1, 64, 0, memory, 0, 60_000)).isZero();
            assertThat(socket.send(0, DatagramHost.mapped(0x7f00_0001), 64, 0, memory, 0, 8))
                    .isEqualTo(Errno.EAFNOSUPPORT);
            return null;
        });
        assertThat(pings.next()).isEqualTo("reply ::1 type 129 sequence 77 length 8");
        assertThat(pings.next()).isEqualTo("reply ::1 type 129 sequence 77 length 60000");
        world.on(() -> {
            socket.close();
            return null;
        });
    }

    private java.net.DatagramSocket peer() throws IOException {
        return new java.net.DatagramSocket(0, loopback);
    }

    private static void answer(java.net.DatagramSocket peer) throws IOException {
        var packet = new DatagramPacket(new byte[100], 100);
        peer.setSoTimeout(60_000);
        peer.receive(packet);
        peer.send(new DatagramPacket("pong".getBytes(), 4, packet.getSocketAddress()));
    }
}
