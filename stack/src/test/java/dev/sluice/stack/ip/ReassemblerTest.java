package dev.sluice.stack.ip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.stack.ip.Reassembler.Outcome;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ReassemblerTest {
    private static final int SOURCE = 0xc0a84103;
    private static final int UDP = Ipv4Header.PROTOCOL_UDP;
    private static final int TCP = Ipv4Header.PROTOCOL_TCP;

    private final Arena arena = Arena.ofConfined();
    private final Reassembler reassembler = new Reassembler(arena, 256, 4 << 20, Reassembler.Expired.IGNORED);
    private final MemorySegment s = arena.allocate(65_600);

    @AfterEach
    void free() {
        arena.close();
    }

    /** One fragment: payload bytes from {@code from} to before {@code to}; {@code salt} makes them differ. */
    private record Piece(int from, int to, boolean more, int salt) {
        Piece(int from, int to, boolean more) {
            this(from, to, more, 0);
        }
    }

    private static int octet(int id, int position) {
        return (position * 31 + position / 251 + id * 7) & 0xff;
    }

    private Outcome add(int source, int protocol, int id, Piece piece, long now) {
        int length = piece.to - piece.from;
        int flags = piece.from / 8 | (piece.more ? Ipv4Header.MORE_FRAGMENTS : 0);
        Ipv4Header.write(s, 2, 0, 20 + length, id, flags, 64, protocol, source, 0x01020304);
        for (int i = 0; i < length; i++) {
            Bytes.put8(s, 22 + i, octet(id, piece.from + i) ^ piece.salt);
        }
        assertThat(Ipv4Header.check(s, 2, 20 + length)).isEqualTo(Flaw.NONE);
        return reassembler.add(s, 2, now);
    }

    private Outcome add(int id, Piece piece) {
        return add(SOURCE, UDP, id, piece, 0);
    }

    private void assertWhole(int id, int payload) {
        MemorySegment packet = reassembler.packet();
        long at = reassembler.packetAt();
        assertThat(reassembler.packetLength()).isEqualTo(20 + payload);
        assertThat(Ipv4Header.check(packet, at, 20 + payload)).isEqualTo(Flaw.NONE);
        assertThat(Ipv4Header.totalLength(packet, at)).isEqualTo(20 + payload);
        assertThat(Ipv4Header.isFragment(packet, at)).isFalse();
        assertThat(Ipv4Header.identification(packet, at)).isEqualTo(id);
        for (int i = 0; i < payload; i++) {
            assertThat(Bytes.u8(packet, at + 20 + i)).as("octet %d", i).isEqualTo(octet(id, i));
        }
    }

    private static <T> List<List<T>> permutations(List<T> of) {
        if (of.isEmpty()) {
            return List.of(List.of());
        }
        List<List<T>> all = new ArrayList<>();
        for (int i = 0; i < of.size(); i++) {
            List<T> rest = new ArrayList<>(of);
            T first = rest.remove(i);
            for (List<T> tail : permutations(rest)) {
                List<T> one = new ArrayList<>();
                one.add(first);
                one.addAll(tail);
                all.add(one);
            }
        }
        return all;
    }

    @Test
    void fragmentsInEveryOrderMakeTheDatagram() {
        List<Piece> pieces = List.of(
                new Piece(0, 1480, true),
                new Piece(1480, 2960, true),
                new Piece(2960, 2968, true),
                new Piece(2968, 4096, true),
                new Piece(4096, 5003, false));
        int id = 0;
        for (List<Piece> order : permutations(pieces)) {
            id++;
            for (int i = 0; i < 4; i++) {
                assertThat(add(id, order.get(i))).isEqualTo(Outcome.INCOMPLETE);
            }
            assertThat(add(id, order.get(4))).isEqualTo(Outcome.COMPLETE);
            assertWhole(id, 5003);
            assertThat(reassembler.bytes()).isZero();
            assertThat(reassembler.datagrams()).isZero();
        }
    }

    @Test
    void randomCutsInRandomOrderAndInterleavedMakeTheDatagrams() {
        for (int seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            record Tagged(int id, Piece piece) {}
            List<Tagged> all = new ArrayList<>();
            int[] length = new int[5];
            for (int id = 0; id < 5; id++) {
                length[id] = 9 + random.nextInt(random.nextBoolean() ? 65_507 : 4000);
                for (int at = 0; at < length[id]; ) {
                    int size = 8 * (1 + random.nextInt(length[id] / 32 + 2));
                    int end = Math.min(length[id], at + size);
                    all.add(new Tagged(id, new Piece(at, end, end < length[id])));
                    at = end;
                }
            }
            for (int i = all.size() - 1; i > 0; i--) {
                java.util.Collections.swap(all, i, random.nextInt(i + 1));
            }
            int complete = 0;
            for (Tagged t : all) {
                Outcome outcome = add(t.id, t.piece);
                assertThat(outcome.dropped()).as("seed %d", seed).isFalse();
                if (outcome == Outcome.COMPLETE) {
                    complete++;
                    assertWhole(t.id, length[t.id]);
                }
            }
            assertThat(complete).as("seed %d", seed).isEqualTo(5);
            assertThat(reassembler.datagrams()).isZero();
            assertThat(reassembler.bytes()).isZero();
        }
    }

    @Test
    void overlapOfEveryShapeInEveryOrderDeliversNothing() {
        List<Piece> good = List.of(new Piece(0, 64, true), new Piece(64, 128, true), new Piece(128, 192, false));
        List<Piece> bad = List.of(
                new Piece(64, 128, true), // equal
                new Piece(64, 128, true, 0x55), // equal, other bytes
                new Piece(72, 120, true), // subset
                new Piece(56, 136, true), // superset
                new Piece(64, 72, true), // head
                new Piece(120, 128, true), // tail
                new Piece(56, 72, true), // over the front edge
                new Piece(120, 136, true), // over the back edge
                new Piece(0, 192, true), // everything
                new Piece(0, 8, true), // of the first
                new Piece(184, 192, true), // of the last
                new Piece(184, 200, true), // past the end
                new Piece(192, 200, true), // after the end
                new Piece(128, 192, false), // the last again
                new Piece(128, 184, false), // a second end before
                new Piece(128, 200, false), // a second end behind
                new Piece(64, 128, false), // an end in the middle
                new Piece(0, 192, false)); // whole, and yet the same datagram
        int id = 0;
        for (Piece overlap : bad) {
            List<Piece> all = new ArrayList<>(good);
            all.add(overlap);
            for (List<Piece> order : permutations(all)) {
                if (isDatagram(order.subList(0, 3))
                        || isDatagram(order.subList(0, 2))
                        || isDatagram(order.subList(0, 1))) {
                    continue; // complete before any overlap is seen
                }
                id++;
                Outcome[] outcomes = new Outcome[4];
                for (int i = 0; i < 4; i++) {
                    outcomes[i] = add(id & 0xffff, order.get(i));
                }
                assertThat(outcomes).as("%s", order).doesNotContain(Outcome.COMPLETE);
                assertThat(outcomes).as("%s", order).anyMatch(Outcome::dropped);
                assertThat(reassembler.bytes()).as("%s", order).isZero();
            }
        }
    }

    private static boolean isDatagram(List<Piece> pieces) {
        int at = 0;
        boolean more = true;
        for (Piece piece : pieces.stream()
                .sorted(java.util.Comparator.comparingInt(Piece::from))
                .toList()) {
            if (piece.from != at || !more) {
                return false;
            }
            at = piece.to;
            more = piece.more;
        }
        return !more;
    }

    @Test
    void teardrop() {
        assertThat(add(242, new Piece(0, 40, true))).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(242, new Piece(24, 28, false))).isEqualTo(Outcome.INCONSISTENT);
        assertThat(reassembler.bytes()).isZero();
    }

    @Test
    void fragmentsAfterThePoisonAreNotDeliveredUntilItExpires() {
        add(1, new Piece(0, 64, true));
        assertThat(add(1, new Piece(0, 64, true))).isEqualTo(Outcome.OVERLAP);
        assertThat(add(1, new Piece(0, 64, true))).isEqualTo(Outcome.OVERLAP);
        assertThat(add(1, new Piece(64, 100, false))).isEqualTo(Outcome.OVERLAP);
        assertThat(add(SOURCE, UDP, 1, new Piece(0, 64, true), Reassembler.TIMEOUT))
                .isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE, UDP, 1, new Piece(64, 100, false), Reassembler.TIMEOUT))
                .isEqualTo(Outcome.COMPLETE);
        assertWhole(1, 100);
    }

    @Test
    void pingOfDeath() {
        for (int length = 1; length < 1500; length += 7) {
            assertThat(add(length, new Piece(65_528, 65_528 + length, false)).dropped())
                    .isTrue();
        }
        assertThat(add(2000, new Piece(65_512, 65_516, false))).isEqualTo(Outcome.TOO_LONG);
        assertThat(add(2001, new Piece(65_512, 65_515, false))).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(2002, new Piece(65_504, 65_520, true))).isEqualTo(Outcome.TOO_LONG);
        assertThat(add(2003, new Piece(65_504, 65_512, true))).isEqualTo(Outcome.INCOMPLETE);
    }

    @Test
    void theLongestDatagramIsDelivered() {
        for (int at = 0; at < 65_515; at += 1480) {
            Outcome outcome = add(9, new Piece(at, Math.min(at + 1480, 65_515), at + 1480 < 65_515));
            assertThat(outcome).isEqualTo(at + 1480 < 65_515 ? Outcome.INCOMPLETE : Outcome.COMPLETE);
        }
        assertWhole(9, 65_515);
    }

    @Test
    void aLongHeaderThatArrivesLastCanStillMakeItTooLong() {
        assertThat(add(9, new Piece(8, 65_512, true))).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(9, new Piece(65_512, 65_515, false))).isEqualTo(Outcome.INCOMPLETE);
        Ipv4Header.write(s, 2, 0, 28 + 8, 9, Ipv4Header.MORE_FRAGMENTS, 64, UDP, SOURCE, 0x01020304);
        Bytes.put8(s, 2, 0x47);
        Bytes.put64(s, 22, 0x0101_0101_0101_0101L);
        Ipv4Header.updateChecksum(s, 2);
        assertThat(reassembler.add(s, 2, 0)).isEqualTo(Outcome.TOO_LONG);
        assertThat(reassembler.bytes()).isZero();
    }

    @Test
    void fragmentsThatSplitTheTcpHeaderAreDropped() {
        assertThat(add(SOURCE, TCP, 1, new Piece(0, 8, true), 0)).isEqualTo(Outcome.TINY);
        assertThat(add(SOURCE, TCP, 2, new Piece(0, 16, true), 0)).isEqualTo(Outcome.TINY);
        assertThat(add(SOURCE, TCP, 3, new Piece(8, 64, false), 0)).isEqualTo(Outcome.TINY);
        assertThat(add(SOURCE, TCP, 1, new Piece(8, 64, false), 0)).isEqualTo(Outcome.OVERLAP);
        assertThat(add(SOURCE, TCP, 4, new Piece(0, 24, true), 0)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE, TCP, 4, new Piece(24, 64, false), 0)).isEqualTo(Outcome.COMPLETE);
        assertThat(add(SOURCE, UDP, 5, new Piece(0, 8, true), 0)).isEqualTo(Outcome.INCOMPLETE);
    }

    @Test
    void emptyAndUnevenFragmentsAreDroppedAlone() {
        assertThat(add(1, new Piece(0, 64, true))).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(1, new Piece(64, 64, false))).isEqualTo(Outcome.BAD_LENGTH);
        assertThat(add(1, new Piece(64, 71, true))).isEqualTo(Outcome.BAD_LENGTH);
        assertThat(add(1, new Piece(64, 65, false))).isEqualTo(Outcome.COMPLETE);
        assertThat(add(2, new Piece(0, 0, true))).isEqualTo(Outcome.BAD_LENGTH);
        assertThat(reassembler.datagrams()).isZero();
    }

    @Test
    void sourcesProtocolsAndIdentificationsDoNotMix() {
        add(SOURCE, UDP, 1, new Piece(0, 64, true), 0);
        assertThat(add(SOURCE + 1, UDP, 1, new Piece(64, 80, false), 0)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE, 1, 1, new Piece(64, 80, false), 0)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE, UDP, 2, new Piece(64, 80, false), 0)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE, UDP, 1, new Piece(64, 80, false), 0)).isEqualTo(Outcome.COMPLETE);
    }

    @Test
    void timeIsCountedFromTheFirstFragmentAndTheFirstIsShown() {
        List<String> told = new ArrayList<>();
        Reassembler r = new Reassembler(arena, 4, Reassembler.MIN_BYTES, (packet, at, length) -> {
            assertThat(Ipv4Header.totalLength(packet, at)).isEqualTo(20 + 64);
            told.add(Ipv4Header.identification(packet, at) + ":" + length + ":" + Bytes.u8(packet, at + 20));
        });
        long start = Long.MAX_VALUE - 5; // the clock wraps during the test
        for (int id = 1; id <= 3; id++) {
            int from = id == 2 ? 64 : 0;
            Ipv4Header.write(
                    s, 0, 0, 84, id, from / 8 | Ipv4Header.MORE_FRAGMENTS, 64, UDP, SOURCE + id / 3, 0x01020304);
            Bytes.put8(s, 20, id);
            r.add(s, 0, start + (id == 3 ? 1_000_000_000L : 0));
        }
        assertThat(r.expire(start + Reassembler.TIMEOUT - 1)).isZero();
        assertThat(r.expire(start + Reassembler.TIMEOUT)).isEqualTo(2);
        assertThat(told).containsExactly("1:84:1");
        assertThat(r.datagrams()).isEqualTo(1);
        assertThat(r.expire(start + Reassembler.TIMEOUT + 1_000_000_000L)).isEqualTo(1);
        assertThat(r.bytes()).isZero();
    }

    @Test
    void aFloodOf100000IncompleteDatagramsStaysWithinTheBudgetAndOthersStillPass() {
        assertThat(add(SOURCE + 1, UDP, 7, new Piece(0, 1480, true), 0)).isEqualTo(Outcome.INCOMPLETE);
        SplittableRandom random = new SplittableRandom(5391);
        for (int i = 0; i < 100_000; i++) {
            int from = 8 * random.nextInt(8000);
            add(SOURCE, UDP, random.nextInt(65_536), new Piece(from, from + 8 * (1 + random.nextInt(8)), true), i);
            assertThat(reassembler.datagrams()).isLessThanOrEqualTo(256);
            assertThat(reassembler.bytes()).isLessThanOrEqualTo(4 << 20);
            if (i % 1000 == 0) {
                assertThat(add(SOURCE + 2, UDP, 8, new Piece(0, 1480, true), i)).isEqualTo(Outcome.INCOMPLETE);
                assertThat(add(SOURCE + 2, UDP, 8, new Piece(1480, 1500, false), i))
                        .isEqualTo(Outcome.COMPLETE);
            }
        }
        assertThat(reassembler.allocated()).isLessThanOrEqualTo(4 << 20);
        assertThat(reassembler.evictions()).isPositive();
        assertThat(add(SOURCE + 1, UDP, 7, new Piece(1480, 1500, false), 100_000))
                .as("another source's datagram outlives the flood")
                .isEqualTo(Outcome.COMPLETE);
    }

    @Test
    void aFloodOfTinyFragmentsOfOneDatagramEndsInItsDelivery() {
        for (int at = 65_504; at >= 8; at -= 8) {
            assertThat(add(3, new Piece(at, at + 8, at != 65_504))).isEqualTo(Outcome.INCOMPLETE);
        }
        assertThat(add(3, new Piece(0, 8, true))).isEqualTo(Outcome.COMPLETE);
        assertWhole(3, 65_512);
    }

    @Test
    void manySourcesShareTheBudgetOldestGoesFirst() {
        for (int i = 0; i < 300; i++) {
            add(SOURCE + i, UDP, 1, new Piece(0, 64, true), i);
        }
        assertThat(reassembler.datagrams()).isEqualTo(256);
        assertThat(add(SOURCE, UDP, 1, new Piece(64, 80, false), 300)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(SOURCE + 299, UDP, 1, new Piece(64, 80, false), 300)).isEqualTo(Outcome.COMPLETE);
    }

    @Test
    void theSmallestBudgetStillFitsTheLongestDatagram() {
        Reassembler small = new Reassembler(arena, 2, Reassembler.MIN_BYTES, Reassembler.Expired.IGNORED);
        Ipv4Header.write(s, 0, 0, 20 + 1024, 1, 1000 | Ipv4Header.MORE_FRAGMENTS, 64, UDP, SOURCE, 1);
        assertThat(small.add(s, 0, 0)).isEqualTo(Outcome.INCOMPLETE);
        for (int from = 0; from < 65_515; from += 32_768) {
            int to = Math.min(65_515, from + 32_768);
            int flags = from / 8 | (to < 65_515 ? Ipv4Header.MORE_FRAGMENTS : 0);
            Ipv4Header.write(s, 0, 0, 20 + to - from, 2, flags, 64, UDP, SOURCE, 1);
            Outcome outcome = small.add(s, 0, 0);
            assertThat(outcome).isEqualTo(to < 65_515 ? Outcome.INCOMPLETE : Outcome.COMPLETE);
        }
        assertThatThrownBy(() -> new Reassembler(arena, 1, Reassembler.MIN_BYTES, Reassembler.Expired.IGNORED))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Reassembler(arena, 2, Reassembler.MIN_BYTES - 1, Reassembler.Expired.IGNORED))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theFirstFragmentsHeaderAndOptionsAndAnyCongestionMarkSurvive() {
        Ipv4Header.write(s, 0, 0x02, 28, 5, 1, 9, UDP, SOURCE, 0x01020304);
        assertThat(reassembler.add(s, 0, 0)).isEqualTo(Outcome.INCOMPLETE);
        Ipv4Header.write(s, 0, 0xbb, 24 + 8, 5, 0x6000, 33, UDP, SOURCE, 0x01020304);
        Bytes.put8(s, 0, 0x46);
        Bytes.put32(s, 20, 0x94040000);
        Ipv4Header.updateChecksum(s, 0);
        assertThat(reassembler.add(s, 0, 0)).isEqualTo(Outcome.COMPLETE);
        MemorySegment p = reassembler.packet();
        long at = reassembler.packetAt();
        assertThat(Ipv4Header.check(p, at, reassembler.packetLength())).isEqualTo(Flaw.NONE);
        assertThat(reassembler.packetLength()).isEqualTo(24 + 16);
        assertThat(Ipv4Header.headerLength(p, at)).isEqualTo(24);
        assertThat(Bytes.i32(p, at + 20)).isEqualTo(0x94040000);
        assertThat(Ipv4Header.timeToLive(p, at)).isEqualTo(33);
        assertThat(Ipv4Header.typeOfService(p, at)).isEqualTo(0xbb);
        assertThat(Ipv4Header.flagsAndOffset(p, at)).isEqualTo(Ipv4Header.DONT_FRAGMENT);

        Ipv4Header.write(s, 0, 3, 28, 6, 1, 9, UDP, SOURCE, 0x01020304);
        reassembler.add(s, 0, 0);
        Ipv4Header.write(s, 0, 0, 28, 6, 0x2000, 9, UDP, SOURCE, 0x01020304);
        assertThat(reassembler.add(s, 0, 0)).as("marked, and not capable").isEqualTo(Outcome.INCONSISTENT);
    }

    @Test
    void randomFragmentsNeverThrowAndNeverDeliverBytesThatWereNotSent() {
        int complete = 0;
        for (int seed = 0; seed < 40; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            Reassembler r = new Reassembler(
                    arena,
                    2 + random.nextInt(20),
                    Reassembler.MIN_BYTES,
                    (packet, at, length) -> assertThat(length).isLessThanOrEqualTo(60 + 576));
            long now = 0;
            for (int i = 0; i < 5000; i++) {
                now += random.nextInt(20) == 0 ? random.nextLong(Reassembler.TIMEOUT) : 1;
                int id = random.nextInt(12);
                int from = random.nextInt(30) == 0 ? random.nextInt(8192) : random.nextInt(6);
                int length = random.nextInt(4) == 0 ? random.nextInt(2000) : 8 * random.nextInt(4);
                int header = random.nextInt(8) == 0 ? 20 + 4 * random.nextInt(11) : 20;
                Ipv4Header.write(
                        s,
                        0,
                        0,
                        header + length,
                        id,
                        from | random.nextInt(8) << 13,
                        1,
                        random.nextBoolean() ? 6 : 17,
                        id,
                        2);
                Bytes.put8(s, 0, 0x40 | header / 4);
                for (int k = 0; k < length; k++) {
                    Bytes.put8(s, header + k, octet(id, from * 8 + k));
                }
                if (r.add(s, 0, now) == Outcome.COMPLETE) {
                    complete++;
                    MemorySegment p = r.packet();
                    assertThat(Ipv4Header.check(p, r.packetAt(), r.packetLength()))
                            .isEqualTo(Flaw.NONE);
                    int h = Ipv4Header.headerLength(p, r.packetAt());
                    for (int k = 0; k < r.packetLength() - h; k++) {
                        if (Bytes.u8(p, r.packetAt() + h + k) != octet(id, k)) {
                            throw new AssertionError("seed " + seed + " round " + i + " octet " + k);
                        }
                    }
                }
                assertThat(r.bytes()).isLessThanOrEqualTo(Reassembler.MIN_BYTES);
            }
        }
        assertThat(complete).isPositive();
    }

    @Test
    void nothingIsAllocatedPerFragment() throws Exception {
        long least = Long.MAX_VALUE;
        // what compiling takes is the machine's business
        for (long until = System.nanoTime() + 60_000_000_000L; least >= 4096 && System.nanoTime() - until < 0; ) {
            long before = allocatedBytes();
            for (int i = 0; i < 2000; i++) {
                Ipv4Header.write(s, 0, 0, 1500, i, Ipv4Header.MORE_FRAGMENTS, 64, UDP, SOURCE + i % 300, 1);
                reassembler.add(s, 0, i);
                Ipv4Header.write(s, 0, 0, 1500, i, 185, 64, UDP, SOURCE + i % 300, 1);
                reassembler.add(s, 0, i);
            }
            least = Math.min(least, allocatedBytes() - before);
        }
        assertThat(least).isLessThan(4096);
    }

    /** By reflection, as this module does not read the management modules. */
    private static long allocatedBytes() throws Exception {
        Object threads = Class.forName("java.lang.management.ManagementFactory")
                .getMethod("getThreadMXBean")
                .invoke(null);
        return (long) Class.forName("com.sun.management.ThreadMXBean")
                .getMethod("getCurrentThreadAllocatedBytes")
                .invoke(threads);
    }
}
