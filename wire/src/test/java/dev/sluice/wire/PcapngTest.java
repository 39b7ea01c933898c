package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** Blocks as the draft draws them, byte by byte. */
class PcapngTest {
    private final ByteBuffer out = ByteBuffer.allocate(4096).order(ByteOrder.LITTLE_ENDIAN);

    private String written() {
        return HexFormat.of().formatHex(out.array(), 0, out.position());
    }

    @Test
    void aSectionSaysWhoWroteIt() {
        Pcapng.writeSection(out, "abcde");
        assertThat(written())
                .isEqualTo("0a0d0d0a" + "2c000000" + "4d3c2b1a" + "01000000" + "ffffffffffffffff" + "04000500"
                        + "6162636465000000" + "00000000" + "2c000000");
    }

    @Test
    void anInterfaceHasANameATextAndNanoseconds() {
        Pcapng.writeInterface(out, 65535, "tap0", "");
        assertThat(written())
                .isEqualTo("01000000" + "28000000" + "01000000" + "ffff0000" + "02000400" + "74617030" + "09000100"
                        + "09000000" + "00000000" + "28000000");
        out.clear();
        Pcapng.writeInterface(out, 65535, "", "x");
        assertThat(written()).contains("03000100" + "78000000");
    }

    @Test
    void aPacketHasItsTimeItsBytesAndWhatIsKnownOfIt() {
        MemorySegment bytes = MemorySegment.ofArray(new byte[] {9, 1, 2, 3, 4, 5, 9});
        Pcapng.writePacket(out, 3, 0x1_0000_0002L, bytes, 1, 5, 60, Pcapng.OUTBOUND, "c");
        assertThat(written())
                .isEqualTo("06000000" + "3c000000" + "03000000" + "01000000" + "02000000" + "05000000" + "3c000000"
                        + "0102030405000000" + "01000100" + "63000000" + "02000400" + "02000000" + "00000000"
                        + "3c000000");
        out.clear();
        Pcapng.writePacket(out, 0, 7, bytes, 1, 4, 4, 0, "");
        assertThat(written())
                .isEqualTo("06000000" + "24000000" + "00000000" + "00000000" + "07000000" + "04000000" + "04000000"
                        + "01020304" + "24000000");
        out.clear();
        Pcapng.writePacket(out, 0, 7, bytes, 1, 4, 4, 0, "c");
        assertThat(written()).endsWith("01000100" + "63000000" + "00000000" + "30000000");
    }

    @Test
    void namesBelongToAddresses() {
        int start = Pcapng.beginNames(out);
        Pcapng.writeName(out, IpAddress.parse("192.0.2.1"), "ab");
        Pcapng.writeName(out, IpAddress.parse("2001:db8::1"), "c");
        Pcapng.endNames(out, start);
        assertThat(written())
                .isEqualTo("04000000" + "34000000" + "01000700" + "c0000201" + "61620000" + "02001200"
                        + "20010db8000000000000000000000001" + "63000000" + "00000000" + "34000000");
    }

    @Test
    void statisticsEndACapture() {
        Pcapng.writeStatistics(out, 1, 0x3_0000_0004L, 5, 6);
        assertThat(written())
                .isEqualTo("05000000" + "34000000" + "01000000" + "03000000" + "04000000" + "04000800"
                        + "0500000000000000" + "05000800" + "0600000000000000" + "00000000" + "34000000");
    }

    @Test
    void aLongTextIsCut() {
        Pcapng.writeInterface(out, 1, "n".repeat(Pcapng.MAX_TEXT + 1), "");
        assertThat(out.getShort(18)).isEqualTo((short) Pcapng.MAX_TEXT);
    }
}
