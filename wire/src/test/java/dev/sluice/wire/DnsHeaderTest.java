package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class DnsHeaderTest {
    private static final String QUERY = "beef01000001000000000000" + "03777777076578616d706c6503636f6d00" + "001c0001";

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }

    private static MemorySegment segment(String hex) {
        return MemorySegment.ofArray(bytes(hex));
    }

    @Test
    void readsHeaderAndQuestion() {
        MemorySegment s = segment(QUERY);
        assertThat(DnsHeader.check(s, 0, s.byteSize())).isEqualTo(Flaw.NONE);
        assertThat(DnsHeader.id(s, 0)).isEqualTo(0xbeef);
        assertThat(DnsHeader.isResponse(s, 0)).isFalse();
        assertThat(DnsHeader.opcode(s, 0)).isZero();
        assertThat(DnsHeader.questions(s, 0)).isEqualTo(1);
        long end = DnsHeader.questionEnd(s, 0, s.byteSize());
        assertThat(end).isEqualTo(s.byteSize());
        assertThat(DnsHeader.questionType(s, 0, end)).isEqualTo(DnsHeader.TYPE_AAAA);
        assertThat(DnsHeader.questionClass(s, 0, end)).isEqualTo(DnsHeader.CLASS_IN);
        assertThat(DnsHeader.name(s, 0, s.byteSize(), 12)).isEqualTo("www.example.com");
    }

    @Test
    void writesWhatItReads() {
        byte[] header = Mutations.written(12, s -> DnsHeader.write(s, 0, 1, 0x8183, 1, 2, 3, 4));
        MemorySegment s = MemorySegment.ofArray(header);
        assertThat(DnsHeader.isResponse(s, 0)).isTrue();
        assertThat(DnsHeader.rcode(s, 0)).isEqualTo(DnsHeader.NXDOMAIN);
        assertThat(DnsHeader.answers(s, 0)).isEqualTo(2);
        assertThat(DnsHeader.authorities(s, 0)).isEqualTo(3);
        assertThat(DnsHeader.additionals(s, 0)).isEqualTo(4);
        DnsHeader.setId(s, 0, 0xfffe);
        DnsHeader.setFlags(s, 0, DnsHeader.TRUNCATED);
        assertThat(DnsHeader.id(s, 0)).isEqualTo(0xfffe);
        assertThat(DnsHeader.isTruncated(s, 0)).isTrue();
    }

    @Test
    void theRootAndOddBytesHaveText() {
        assertThat(DnsHeader.name(segment("00".repeat(12) + "00"), 0, 13, 12)).isEqualTo(".");
        assertThat(DnsHeader.name(segment("00".repeat(12) + "03612eff00"), 0, 17, 12))
                .isEqualTo("a\\046\\255");
    }

    @Test
    void pointersToSelfForwardIntoTheHeaderAndInCirclesAreMalformed() {
        for (String name : List.of("c00c", "c00e0000", "c000", "0161c00c", "0161c00e", "c0")) {
            MemorySegment s = segment("000001000001000000000000" + name + "00010001");
            assertThat(DnsHeader.skipName(s, 0, s.byteSize(), 12)).as(name).isEqualTo(-1);
            assertThat(DnsHeader.questionEnd(s, 0, s.byteSize())).as(name).isEqualTo(-1);
            assertThat(DnsHeader.check(s, 0, s.byteSize())).as(name).isNotEqualTo(Flaw.NONE);
        }
        // Two pointers at each other.
        MemorySegment s = segment("00".repeat(12) + "c00ec00c");
        assertThat(DnsHeader.skipName(s, 0, s.byteSize(), 12)).isEqualTo(-1);
        assertThat(DnsHeader.skipName(s, 0, s.byteSize(), 14)).isEqualTo(-1);
    }

    @Test
    void aBackwardPointerIsFollowedAndSkippedWhereItStands() {
        MemorySegment s = segment("00".repeat(12) + "03636f6d00" + "0161c00c" + "ff");
        assertThat(DnsHeader.skipName(s, 0, s.byteSize(), 17)).isEqualTo(21);
        assertThat(DnsHeader.name(s, 0, s.byteSize(), 17)).isEqualTo("a.com");
    }

    @Test
    void aChainOf64PointersIsFollowedALongerOneIsMalformed() {
        StringBuilder hex = new StringBuilder("00".repeat(12) + "00");
        int target = 12;
        for (int i = 1; i <= 200; i++) {
            hex.append("%04x".formatted(0xc000 | target));
            target = 11 + 2 * i;
            MemorySegment s = segment(hex.toString());
            assertThat(DnsHeader.skipName(s, 0, s.byteSize(), target))
                    .as("chain of %d", i)
                    .isEqualTo(i <= DnsHeader.MAX_POINTERS ? target + 2 : -1);
        }
    }

    @Test
    void namesOf255BytesPassAnd256DoNot() {
        String label63 = "3f" + "61".repeat(63);
        MemorySegment longest = segment("00".repeat(12) + label63.repeat(3) + "3d" + "61".repeat(61) + "00");
        assertThat(DnsHeader.skipName(longest, 0, longest.byteSize(), 12)).isEqualTo(12 + 255);
        MemorySegment tooLong = segment("00".repeat(12) + label63.repeat(3) + "3e" + "61".repeat(62) + "00");
        assertThat(DnsHeader.skipName(tooLong, 0, tooLong.byteSize(), 12)).isEqualTo(-1);
        MemorySegment label64 = segment("00".repeat(12) + "40" + "61".repeat(64) + "00");
        assertThat(DnsHeader.skipName(label64, 0, label64.byteSize(), 12)).isEqualTo(-1);
    }

    @Test
    void aLieInTheQuestionCountIsTruncated() {
        byte[] lie = bytes(QUERY);
        lie[4] = lie[5] = (byte) 0xff;
        assertThat(DnsHeader.check(MemorySegment.ofArray(lie), 0, lie.length)).isEqualTo(Flaw.TRUNCATED);
    }

    @Test
    void damagedMessagesAreJudgedNotThrown() {
        byte[] compressed = bytes("000081800002000100000000" + "0161036f726700" + "00010001" + "0162c00e" + "00010001"
                + "c00c000100010000003c00047f000001");
        Mutations.run(111, List.of(bytes(QUERY), compressed), (s, at, length) -> {
            if (DnsHeader.check(s, at, length) == Flaw.NONE) {
                long end = DnsHeader.questionEnd(s, at, length);
                assertThat(end).isLessThanOrEqualTo(length);
                if (end > 0) {
                    DnsHeader.questionType(s, at, end);
                    DnsHeader.questionClass(s, at, end);
                    assertThat(DnsHeader.name(s, at, length, 12)).isNotNull();
                }
            }
            for (int offset = 0; offset <= length + 2; offset++) {
                assertThat(DnsHeader.skipName(s, at, length, offset)).isLessThanOrEqualTo(length);
            }
        });
    }
}
