package dev.sluice.gateway.mux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The frames' bytes, by the vectors that VPNKit's two implementations share. */
class MuxFrameTest {
    private final MemorySegment s = Arena.ofAuto().allocate(2048);

    private MemorySegment read(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex.replace(" ", ""));
        MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, 5, bytes.length);
        assertThat(MuxFrame.length(s, 5)).isEqualTo(bytes.length);
        assertThat(MuxFrame.isLength(MuxFrame.command(s, 5), bytes.length)).isTrue();
        return s;
    }

    private String written(int length) {
        return HexFormat.of().formatHex(s.asSlice(5, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void closeAndShutdown() {
        read("0700 02 06000000");
        assertThat(MuxFrame.command(s, 5)).isEqualTo(MuxFrame.CLOSE);
        assertThat(MuxFrame.channel(s, 5)).isEqualTo(6);
        assertThat(written(MuxFrame.put(s, 5, 7, MuxFrame.CLOSE, 6))).isEqualTo("07000206000000");
        read("0700 03 07000000");
        assertThat(MuxFrame.command(s, 5)).isEqualTo(MuxFrame.SHUTDOWN);
        assertThat(written(MuxFrame.put(s, 5, 7, MuxFrame.SHUTDOWN, 7))).isEqualTo("07000307000000");
    }

    @Test
    void dataAndWindow() {
        read("0b00 04 08000000 80000000");
        assertThat(MuxFrame.dataLength(s, 5)).isEqualTo(128);
        assertThat(written(MuxFrame.putData(s, 5, 8, 128))).isEqualTo("0b00040800000080000000");
        read("0f00 05 09000000 38a2870000000000");
        assertThat(MuxFrame.window(s, 5)).isEqualTo(8_888_888);
        assertThat(written(MuxFrame.putWindow(s, 5, 9, 8_888_888))).isEqualTo("0f00050900000038a2870000000000");
        read("0f00 05 09000000 ffffffffffffffff");
        assertThat(MuxFrame.window(s, 5)).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void openOfTcpUdpAndUnix() {
        // the first asks for a connection of its own, which nobody has ever implemented
        String dedicated = "1100 01 04000000 01 01 0400 7f000001 901f";
        assertThat(MuxFrame.target(read(dedicated), 5, 17))
                .isEqualTo(new MuxTarget.Tcp(IpAddress.parse("127.0.0.1"), 8080));
        roundTrip(
                "1d00 01 05000000 02 02 1000 00000000000000000000000000000001 901f",
                new MuxTarget.Udp(IpAddress.parse("::1"), 8080));
        roundTrip("1300 01 05000000 02 03 0800 2f746d702f666f6f", new MuxTarget.Unix("/tmp/foo"));
        roundTrip("1100 01 05000000 02 01 0400 7f000001 901f", new MuxTarget.Tcp(IpAddress.parse("127.0.0.1"), 8080));
    }

    private void roundTrip(String hex, MuxTarget target) {
        int length = hex.replace(" ", "").length() / 2;
        assertThat(MuxFrame.target(read(hex), 5, length)).isEqualTo(target);
        assertThat(written(MuxFrame.putOpen(s, 5, 5, target))).isEqualTo(hex.replace(" ", ""));
    }

    @Test
    void goWritesIpv4AsSixteenBytes() {
        String mapped = "1d00 01 05000000 02 01 1000 00000000000000000000ffffc0a84103 5000";
        assertThat(MuxFrame.target(read(mapped), 5, 29))
                .isEqualTo(new MuxTarget.Tcp(IpAddress.parse("192.168.65.3"), 80));
    }

    @Test
    void noBytesMakeReadingAnOpenFail() {
        Random random = new Random(20);
        byte[] good = HexFormat.of().parseHex("1d00010500000002021000000000000000000000000000000001901f");
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = good.clone();
            for (int j = random.nextInt(1, 5); j > 0; j--) {
                bytes[7 + random.nextInt(bytes.length - 7)] = (byte) random.nextInt();
            }
            MemorySegment tight = MemorySegment.ofArray(bytes);
            MuxFrame.target(tight, 0, bytes.length);
        }
    }

    @Test
    void whatIsTooShortOrTooLongIsNoOpen() {
        assertThat(MuxFrame.target(read("0b00 01 05000000 02 01 0400"), 5, 11)).isNull();
        assertThat(MuxFrame.target(read("1000 01 05000000 02 01 0400 7f000001 90"), 5, 16))
                .isNull();
        assertThat(MuxFrame.target(read("1200 01 05000000 02 01 0400 7f000001 901f 00"), 5, 18))
                .isNull();
        assertThat(MuxFrame.target(read("1000 01 05000000 02 01 0300 7f0000 901f"), 5, 16))
                .isNull();
        assertThat(MuxFrame.target(read("0b00 01 05000000 02 03 0000"), 5, 11)).isNull();
        assertThat(MuxFrame.target(read("0900 01 05000000 02 04"), 5, 9)).isNull();
        assertThat(MuxFrame.isLength(6, 20)).isFalse();
        assertThat(MuxFrame.isLength(MuxFrame.DATA, 12)).isFalse();
    }
}
