package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Walkers over what others wrote: they end, and stay inside. */
class HostileLengthsTest {
    private static final int ROUNDS = 20_000;

    @Test
    void controlMessagesOfAnyBytesEndTheWalk() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment control = arena.allocate(128, 8);
            for (int round = 0; round < ROUNDS; round++) {
                fill(random, control);
                for (long at = 0; at < 128; at += 8) {
                    control.set(
                            ValueLayout.JAVA_LONG,
                            at,
                            random.nextInt(4) == 0 ? random.nextLong() : random.nextInt(-8, 80));
                }
                long length = random.nextInt(4) == 0 ? random.nextLong(0, 1L << 40) : random.nextInt(129);
                int steps = 0;
                for (long m = Message.firstControl(control, 0, length);
                        m >= 0;
                        m = Message.nextControl(control, 0, length, m)) {
                    assertThat(m + Message.CONTROL_HEADER + Message.controlDataLength(control, m))
                            .as("seed %d round %d", seed, round)
                            .isBetween(m + Message.CONTROL_HEADER, Math.min(length, 128));
                    assertThat(++steps).as("seed %d round %d", seed, round).isLessThan(10);
                }
                assertThat(Message.rights(control, 0, length).length).isLessThan(32);
            }
        }
    }

    @Test
    void netlinkAnswersOfAnyBytesEndTheWalk() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(256, 8);
            List<Netlink.InterfaceAddress> addresses = new ArrayList<>();
            List<Netlink.Route> routes = new ArrayList<>();
            for (int round = 0; round < ROUNDS; round++) {
                fill(random, buffer);
                for (int at = 0; at < 256; at += 4) {
                    if (random.nextBoolean()) {
                        buffer.set(ValueLayout.JAVA_INT, at, random.nextInt(0, 64));
                    }
                }
                // a main table unicast route often enough to get at its attributes
                buffer.set(ValueLayout.JAVA_BYTE, 20, (byte) 254);
                buffer.set(ValueLayout.JAVA_BYTE, 23, (byte) 1);
                int end = random.nextInt(257);
                int at = 0;
                int steps = 0;
                int length;
                while ((length = NetlinkMessage.length(buffer, at, end)) > 0) {
                    assertThat(at + length).as("seed %d round %d", seed, round).isLessThanOrEqualTo(end);
                    Netlink.readAddress(buffer, at, at + length, addresses);
                    Netlink.readRoute(buffer, at, at + length, routes);
                    at = NetlinkMessage.next(buffer, at);
                    assertThat(++steps).as("seed %d round %d", seed, round).isLessThan(20);
                }
                addresses.clear();
                routes.clear();
            }
        }
    }

    private static void fill(Random random, MemorySegment segment) {
        byte[] bytes = new byte[(int) segment.byteSize()];
        random.nextBytes(bytes);
        segment.copyFrom(MemorySegment.ofArray(bytes));
    }
}
