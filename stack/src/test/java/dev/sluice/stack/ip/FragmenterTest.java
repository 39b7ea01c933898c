package dev.sluice.stack.ip;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FragmenterTest {
    private final Arena arena = Arena.ofConfined();
    private final Fragmenter fragmenter = new Fragmenter(arena);
    private final MemorySegment packet = arena.allocate(66_000);

    @AfterEach
    void free() {
        arena.close();
    }

    private int write(int payload, int flags, String options) {
        byte[] bytes = HexFormat.of().parseHex(options);
        int header = 20 + bytes.length;
        Ipv4Header.write(packet, 0, 0xb8, header + payload, 0xabcd, flags, 63, 17, 0x0a000001, 0x0a000002);
        Bytes.put8(packet, 0, 0x40 | header / 4);
        MemorySegment.copy(bytes, 0, packet, ValueLayout.JAVA_BYTE, 20, bytes.length);
        Ipv4Header.updateChecksum(packet, 0);
        for (int i = 0; i < payload; i++) {
            Bytes.put8(packet, header + i, i * 13 + i / 256);
        }
        return header + payload;
    }

    private List<byte[]> cut(int length, int mtu) {
        List<byte[]> pieces = new ArrayList<>();
        int count = fragmenter.fragment(packet, 0, length, mtu, (s, at, n) -> {
            assertThat(at).isGreaterThanOrEqualTo(Fragmenter.HEADROOM);
            pieces.add(s.asSlice(at, n).toArray(ValueLayout.JAVA_BYTE));
        });
        assertThat(count).isEqualTo(pieces.size());
        return pieces;
    }

    private static void assertGood(List<byte[]> pieces, int mtu) {
        for (byte[] piece : pieces) {
            MemorySegment s = MemorySegment.ofArray(piece);
            assertThat(piece.length).isLessThanOrEqualTo(mtu);
            assertThat(Ipv4Header.check(s, 0, piece.length)).isEqualTo(Flaw.NONE);
            assertThat(Ipv4Header.totalLength(s, 0)).isEqualTo(piece.length);
            if (Ipv4Header.moreFragments(s, 0)) {
                assertThat((piece.length - Ipv4Header.headerLength(s, 0)) % 8).isZero();
            }
        }
    }

    private void assertReassembles(List<byte[]> pieces, int length, long seed) {
        Reassembler r = new Reassembler(arena, 4, Reassembler.MIN_BYTES, Reassembler.Expired.IGNORED);
        List<byte[]> shuffled = new ArrayList<>(pieces);
        Collections.shuffle(shuffled, new Random(seed));
        Reassembler.Outcome last = Reassembler.Outcome.INCOMPLETE;
        for (byte[] piece : shuffled) {
            assertThat(last).isEqualTo(Reassembler.Outcome.INCOMPLETE);
            last = r.add(MemorySegment.ofArray(piece), 0, 0);
        }
        assertThat(last).isEqualTo(Reassembler.Outcome.COMPLETE);
        assertThat(r.packetLength()).isEqualTo(length);
        assertThat(r.packet().asSlice(r.packetAt(), length).mismatch(packet.asSlice(0, length)))
                .as("first differing octet")
                .isEqualTo(-1);
    }

    @Test
    void piecesOfEverySizeFitTheMtuAndMakeThePacketAgain() {
        for (int seed = 0; seed < 150; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int mtu = random.nextInt(3) == 0 ? 68 : 68 + random.nextInt(9000);
            int length = write(1 + random.nextInt(random.nextBoolean() ? 65_515 : 3000), 0, "");
            List<byte[]> pieces = cut(length, mtu);
            assertGood(pieces, mtu);
            assertThat(pieces).hasSize(length <= mtu ? 1 : (length - 20 + (mtu - 20 & ~7) - 1) / (mtu - 20 & ~7));
            assertReassembles(pieces, length, seed);
        }
    }

    @Test
    void aPacketThatFitsGoesAsItIs() {
        int length = write(1480, Ipv4Header.DONT_FRAGMENT, "");
        List<byte[]> pieces = cut(length, 1500);
        assertThat(pieces).hasSize(1);
        assertThat(MemorySegment.ofArray(pieces.getFirst()).mismatch(packet.asSlice(0, length)))
                .isEqualTo(-1);
        assertThat(cut(write(0, 0, ""), 68)).hasSize(1);
    }

    @Test
    void partsOfHeadBodyAndWrapAreGathered() {
        for (int seed = 0; seed < 200; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            int length = write(1 + random.nextInt(6000), 0, random.nextBoolean() ? "94040000" : "");
            int header = Ipv4Header.headerLength(packet, 0);
            int head = header + random.nextInt(length - header + 1);
            int first = random.nextInt(length - head + 1);
            int second = length - head - first;
            MemorySegment ring = arena.allocate(8192);
            long bodyAt = 8192 - first;
            MemorySegment.copy(packet, head, ring, bodyAt, first);
            MemorySegment.copy(packet, head + first, ring, 0, second);
            MemorySegment headOnly = arena.allocate(head + 3);
            MemorySegment.copy(packet, 0, headOnly, 3, head);
            int mtu = 100 + random.nextInt(2000);
            List<byte[]> pieces = new ArrayList<>();
            fragmenter.fragment(
                    headOnly,
                    3,
                    head,
                    ring,
                    bodyAt,
                    first,
                    0,
                    second,
                    mtu,
                    (s, at, n) -> pieces.add(s.asSlice(at, n).toArray(ValueLayout.JAVA_BYTE)));
            assertGood(pieces, mtu);
            assertThat(pieces.stream().map(HexFormat.of()::formatHex))
                    .as("seed %d", seed)
                    .isEqualTo(cut(length, mtu).stream()
                            .map(HexFormat.of()::formatHex)
                            .toList());
        }
    }

    @Test
    void onlyOptionsWithTheCopyBitGoIntoLaterPieces() {
        // Record route (7, not copied), NOP, security (130, copied), router alert (148, copied), end.
        String options = "0707040a000009" + "01" + "82040102" + "94040000" + "00000000";
        int length = write(400, 0, options);
        List<byte[]> pieces = cut(length, 128);
        assertGood(pieces, 128);
        MemorySegment first = MemorySegment.ofArray(pieces.getFirst());
        assertThat(Ipv4Header.headerLength(first, 0)).isEqualTo(40);
        assertThat(HexFormat.of().formatHex(pieces.getFirst(), 20, 40)).isEqualTo(options);
        for (byte[] later : pieces.subList(1, pieces.size())) {
            assertThat(Ipv4Header.headerLength(MemorySegment.ofArray(later), 0)).isEqualTo(28);
            assertThat(HexFormat.of().formatHex(later, 20, 28)).isEqualTo("8204010294040000");
        }
        assertReassembles(pieces, length, 1);
    }

    @Test
    void malformedOptionsAreNotCopied() {
        for (String options : List.of("82000000", "82010000", "82ff0000", "01010182")) {
            List<byte[]> pieces = cut(write(200, 0, options), 100);
            assertGood(pieces, 100);
            assertThat(Ipv4Header.headerLength(MemorySegment.ofArray(pieces.getLast()), 0))
                    .isEqualTo(20);
        }
    }

    @Test
    void aFragmentCanBeCutAgain() {
        int length = write(800, Ipv4Header.MORE_FRAGMENTS | 100, "");
        List<byte[]> pieces = cut(length, 300);
        assertGood(pieces, 300);
        int at = 800;
        for (byte[] piece : pieces) {
            MemorySegment s = MemorySegment.ofArray(piece);
            assertThat(Ipv4Header.moreFragments(s, 0)).isTrue();
            assertThat(Ipv4Header.fragmentOffset(s, 0)).isEqualTo(at);
            at += piece.length - 20;
        }
        assertThat(at).isEqualTo(1600);
        assertThat(cut(write(800, 8191, ""), 300)).as("ends past 65,535").isEmpty();
    }

    @Test
    void nothingIsEmittedWhereNothingFits() {
        int length = write(100, 0, "01".repeat(40));
        assertThat(cut(length, 67)).isEmpty();
        assertThat(cut(length - 1, 1500))
                .as("parts shorter than the total length")
                .isEmpty();
        assertThat(cut(length, 68)).extracting(piece -> piece.length).containsExactly(68, 68, 64);
    }
}
