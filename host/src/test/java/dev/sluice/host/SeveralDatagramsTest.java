package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.posix.Namespaces;
import dev.sluice.posix.Processes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Datagrams that go through the kernel several at a time come out as they were sent: borders, order, bytes. */
class SeveralDatagramsTest {
    private static final long LOOPBACK = DatagramWorld.LOOPBACK;

    private DatagramWorld world;
    private MemorySegment memory;

    @BeforeEach
    void start() throws Exception {
        world = new DatagramWorld();
        memory = world.memory;
        MemorySegment.copy(bytes(1, 1 << 20), 0, memory, ValueLayout.JAVA_BYTE, 0, 1 << 20);
    }

    @AfterEach
    void stop() {
        world.close();
    }

    @Test
    void equalOnesOfATurnReachASocketThatKnowsNothingOfItOneByOne() throws Exception {
        try (var peer = new java.net.DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            peer.setSoTimeout(60_000);
            DatagramSocket sender = world.open(0, LOOPBACK, 0, new DatagramWorld.Recorder());
            world.on(() -> {
                for (int i = 0; i < 40; i++) {
                    sender.send(0, LOOPBACK, peer.getLocalPort(), 64, 0, memory, i * 100L, 100);
                }
                return sender.send(0, LOOPBACK, peer.getLocalPort(), 64, 0, memory, 4000, 60);
            });
            for (int i = 0; i <= 40; i++) {
                var packet = new DatagramPacket(new byte[65_536], 65_536);
                peer.receive(packet);
                assertThat(Arrays.copyOf(packet.getData(), packet.getLength()))
                        .isEqualTo(sent(i * 100L, i < 40 ? 100 : 60));
            }
        }
    }

    @Test
    void whatTheKernelKeptTogetherComesInOneEvent() throws Exception {
        var events = new DatagramWorld.Recorder();
        DatagramSocket receiver = world.open(0, LOOPBACK, 0, events);
        DatagramSocket sender = world.open(0, LOOPBACK, 0, new DatagramWorld.Recorder());
        int port = world.on(receiver::localPort);
        world.on(() -> sender.sendDatagrams(0, LOOPBACK, port, 64, 0x2e, memory, 0, 30 * 1400 + 7, 1400));
        for (int i = 0; i <= 30; i++) {
            assertThat(events.nextBytes()).isEqualTo(sent(i * 1400L, i < 30 ? 1400 : 7));
        }
        assertThat(events.several).containsExactly("42007 of 1400 tos 46");
    }

    @Test
    void equalOnesThatCameAloneAreHandedOnTogether() throws Exception {
        var events = new DatagramWorld.Recorder();
        DatagramSocket receiver = world.open(0, LOOPBACK, 0, events);
        int port = world.on(receiver::localPort);
        try (var peer = new java.net.DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            world.on(() -> {
                // The loop waits here, so that all of them are there when it looks.
                for (int i = 0; i < 20; i++) {
                    peer.send(new DatagramPacket(
                            sent(i * 64L, i < 19 ? 64 : 5), i < 19 ? 64 : 5, InetAddress.getLoopbackAddress(), port));
                }
                return true;
            });
            for (int i = 0; i < 20; i++) {
                assertThat(events.nextBytes()).isEqualTo(sent(i * 64L, i < 19 ? 64 : 5));
            }
            assertThat(events.several).containsExactly(19 * 64 + 5 + " of 64 tos 0");
        }
    }

    @Test
    void moreThanTheKernelTakesAtOnceIsCut() throws Exception {
        var events = new DatagramWorld.Recorder();
        DatagramSocket receiver = world.open(0, LOOPBACK, 0, events);
        DatagramSocket sender = world.open(0, LOOPBACK, 0, new DatagramWorld.Recorder());
        int port = world.on(receiver::localPort);
        world.on(() -> sender.sendDatagrams(0, LOOPBACK, port, 64, 0, memory, 0, 300, 1)
                & sender.sendDatagrams(0, LOOPBACK, port, 64, 0, memory, 300, 150_000, 9000));
        for (int i = 0; i < 300; i++) {
            assertThat(events.nextBytes()).isEqualTo(sent(i, 1));
        }
        for (int i = 0; i < 150_000; i += 9000) {
            assertThat(events.nextBytes()).isEqualTo(sent(300 + i, Math.min(9000, 150_000 - i)));
        }
    }

    @Test
    void anyMixtureOfSizesAndTurnsComesInOrder() throws Exception {
        long seed = System.nanoTime();
        mixture(seed);
    }

    @Test
    void aPathOfSmallMtuGetsThemAllTheSame() throws Exception {
        boolean able = Processes.effectiveUid() == 0;
        if (!able) {
            System.out.println("SKIPPED aPathOfSmallMtuGetsThemAllTheSame: needs root, to make a network namespace");
        }
        assumeTrue(able, "needs root, to make a network namespace");
        // The loop's thread moves to a namespace of its own, and so do all its sockets.
        world.on(() -> {
            Namespaces.unshare(Namespaces.CLONE_NEWNET);
            Process ip = new ProcessBuilder("ip", "link", "set", "lo", "mtu", "1280", "up")
                    .inheritIO()
                    .start();
            return ip.waitFor();
        });
        mixture(5);
    }

    /** Sends bursts of sizes that often repeat, mostly at once and now and then to a second port in between. */
    private void mixture(long seed) throws Exception {
        var random = new Random(seed);
        var events = new DatagramWorld.Recorder();
        DatagramSocket receiver = world.open(0, LOOPBACK, 0, events);
        DatagramSocket other = world.open(0, LOOPBACK, 0, new DatagramWorld.Recorder());
        DatagramSocket sender = world.open(0, LOOPBACK, 0, new DatagramWorld.Recorder());
        int port = world.on(receiver::localPort);
        int otherPort = world.on(other::localPort);
        int[] sizes = {0, 1, 64, 64, 100, 1200, 1200, 1400, 1472, 3000, 8192, 9000};
        for (int burst = 0; burst < 60; burst++) {
            List<byte[]> expected = new ArrayList<>();
            world.on(() -> {
                int size = 0;
                long at = 0;
                for (int i = 0; i < 60 && at < 200_000; i++) {
                    size = random.nextInt(4) == 0 ? sizes[random.nextInt(sizes.length)] : size;
                    if (random.nextInt(8) == 0 && size > 0) {
                        int length = 1 + random.nextInt(5 * size);
                        sender.sendDatagrams(0, LOOPBACK, port, 64, 0, memory, at, length, size);
                        for (int from = 0; from < length; from += size) {
                            expected.add(sent(at + from, Math.min(size, length - from)));
                        }
                        at += length;
                        continue;
                    }
                    if (random.nextInt(10) == 0) {
                        sender.send(0, LOOPBACK, otherPort, 64, 0, memory, at, size);
                    }
                    sender.send(0, LOOPBACK, port, 60 + random.nextInt(2), 0, memory, at, size);
                    expected.add(sent(at, size));
                    at += size;
                }
                return true;
            });
            for (byte[] datagram : expected) {
                assertThat(events.nextBytes())
                        .as("seed %d, burst %d", seed, burst)
                        .isEqualTo(datagram);
            }
        }
    }

    @Test
    void severalToAClosedPortAreReportedAndTheSocketGoesOn() throws Exception {
        var events = new DatagramWorld.Recorder();
        DatagramSocket sender = world.open(0, LOOPBACK, 0, events);
        var receiverEvents = new DatagramWorld.Recorder();
        DatagramSocket receiver = world.open(0, LOOPBACK, 0, receiverEvents);
        int port = world.on(receiver::localPort);
        int closed;
        try (var gone = new java.net.DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            closed = gone.getLocalPort();
        }
        for (int i = 0; i < 5; i++) {
            world.on(() -> sender.sendDatagrams(0, LOOPBACK, closed, 64, 0, memory, 0, 500, 100)
                    & sender.sendDatagrams(0, LOOPBACK, port, 64, 0, memory, 500, 500, 100));
            for (int j = 0; j < 5; j++) {
                assertThat(receiverEvents.nextBytes()).isEqualTo(sent(500 + j * 100L, 100));
            }
            assertThat(events.next()).startsWith("error 111 icmp 3/3 by 127.0.0.1 to 127.0.0.1 " + closed);
        }
        assertThat(events.dropped).isZero();
    }

    private byte[] sent(long at, int length) {
        return memory.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] bytes(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}
