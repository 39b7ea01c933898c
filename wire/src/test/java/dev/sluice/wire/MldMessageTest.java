package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MldMessageTest {
    private static final int AT = 6;

    private final MemorySegment s = MemorySegment.ofArray(new byte[200]);

    private String hex(long at, int length) {
        return HexFormat.of().formatHex(s.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE));
    }

    @Test
    void aReportIsWhatRfc3810Draws() {
        MldMessage.writeAlert(s, 0);
        assertThat(hex(0, MldMessage.ALERT_LENGTH)).isEqualTo("3a00050200000100");
        MldMessage.writeReport(s, AT, 2);
        MldMessage.putRecord(s, AT, 0, MldMessage.IS_EXCLUDE, 0xff02_0000_0000_0000L, 0xfb);
        MldMessage.putRecord(s, AT, 1, MldMessage.TO_INCLUDE, 0xff02_0000_0000_0000L, 0x1_ff00_0001L);
        assertThat(MldMessage.reportLength(2)).isEqualTo(48);
        assertThat(hex(AT, 48))
                .isEqualTo("8f00000000000002"
                        + "02000000" + "ff0200000000000000000000000000fb"
                        + "03000000" + "ff0200000000000000000001ff000001");
    }

    @Test
    void aQueryNamesItsGroup() {
        Bytes.put8(s, AT, Icmpv6Header.LISTENER_QUERY);
        Bytes.put64(s, AT + 8, 0xff02_0000_0000_0000L);
        Bytes.put64(s, AT + 16, 0xfb);
        assertThat(MldMessage.isQuery(s, AT, 24)).isTrue();
        assertThat(MldMessage.isQuery(s, AT, 23)).isFalse();
        assertThat(MldMessage.groupHigh(s, AT)).isEqualTo(0xff02_0000_0000_0000L);
        assertThat(MldMessage.groupLow(s, AT)).isEqualTo(0xfb);
        Bytes.put8(s, AT, Icmpv6Header.LISTENER_REPORT);
        assertThat(MldMessage.isQuery(s, AT, 24)).isFalse();
    }

    /** RFC 3810 §5.1.3: from 32768 on the code is a floating-point number; version 1 knows no such thing. */
    @ParameterizedTest
    @CsvSource({
        "1000, 28, 1000",
        "32767, 28, 32767",
        "32768, 28, 32768",
        "32769, 28, 32776",
        "65535, 28, 8387584",
        "36864, 28, 65536",
        "65535, 24, 65535",
        "65535, 27, 65535"
    })
    void theTimeToAnswerIsRead(int code, int length, long millis) {
        Bytes.put16(s, AT + 4, code);
        assertThat(MldMessage.responseDelay(s, AT, length)).isEqualTo(millis);
    }
}
