package dev.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** That whoever need not know the family gets the same from both. */
class IpHeaderTest {
    private static final int END = 50;
    private static final int PAYLOAD = 11;

    private final MemorySegment s = MemorySegment.ofArray(new byte[200]);

    private long write(String source, String destination) {
        IpAddress from = IpAddress.parse(source);
        IpAddress to = IpAddress.parse(destination);
        return IpHeader.writeBefore(s, END, PAYLOAD, 17, 63, from.high(), from.low(), to.high(), to.low());
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.1, 198.51.100.254, 20", "2001:db8::1, fe80::2:3, 40"})
    void whatIsWrittenIsRead(String source, String destination, int length) {
        long at = write(source, destination);
        boolean ipv4 = length == 20;
        assertThat(at).isEqualTo(END - length);
        assertThat(IpHeader.length(ipv4)).isEqualTo(length);
        assertThat(IpHeader.isIpv4(s, at)).isEqualTo(ipv4);
        assertThat(IpHeader.address(IpHeader.sourceHigh(s, at), IpHeader.sourceLow(s, at)))
                .hasToString(source);
        assertThat(IpHeader.address(IpHeader.destinationHigh(s, at), IpHeader.destinationLow(s, at)))
                .hasToString(destination);
        assertThat(IpHeader.hopLimit(s, at)).isEqualTo(63);
        assertThat(IpHeader.totalLength(s, at)).isEqualTo(length + PAYLOAD);
        assertThat(IpHeader.trafficClass(s, at)).isZero();
        if (ipv4) {
            Bytes.put8(s, at + 1, 0xb9);
        } else {
            Bytes.put16(s, at, 0x6b90);
        }
        assertThat(IpHeader.trafficClass(s, at)).isEqualTo(0xb9);
    }

    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, true",
        "127.255.255.254, true",
        "126.255.255.255, false",
        "128.0.0.0, false",
        "::1, true",
        "::2, false",
        "1::1, false"
    })
    void loopbackIsKnownInBothFamilies(String text, boolean loopback) {
        IpAddress address = IpAddress.parse(text);
        assertThat(IpHeader.isLoopback(address.high(), address.low())).isEqualTo(loopback);
    }

    @Test
    void onlyMappedAddressesAreIpv4() {
        assertThat(IpHeader.isIpv4(0, 0xffff_0102_0304L)).isTrue();
        assertThat(IpHeader.isIpv4(1, 0xffff_0102_0304L)).isFalse();
        assertThat(IpHeader.isIpv4(0, 0xfffe_0102_0304L)).isFalse();
        assertThat(IpHeader.isIpv4(0, 0x1_ffff_0102_0304L)).isFalse();
        assertThat(IpHeader.mapped(0xff00_0001)).isEqualTo(0xffff_ff00_0001L);
    }

    @ParameterizedTest
    @CsvSource({"192.0.2.1, 198.51.100.254", "2001:db8::1, fe80::2:3"})
    void aChecksumIsThatOfItsAddresses(String source, String destination) {
        long at = write(source, destination);
        UdpHeader.write(s, END, 53, 1024, PAYLOAD);
        Bytes.put16(s, END + UdpHeader.CHECKSUM, 0);
        long pseudo = IpHeader.pseudoHeader(
                IpHeader.sourceHigh(s, at),
                IpHeader.sourceLow(s, at),
                IpHeader.destinationHigh(s, at),
                IpHeader.destinationLow(s, at),
                17,
                PAYLOAD);
        int sum = Checksum.finish(Checksum.add(pseudo, s, END, PAYLOAD));
        Bytes.put16(s, END + UdpHeader.CHECKSUM, sum);
        assertThat(IpHeader.checksumOk(s, at, 17, END, PAYLOAD)).isTrue();
        assertThat(IpHeader.udpChecksumOk(s, at, END)).isTrue();
        assertThat(IpHeader.checksumOk(s, at, 6, END, PAYLOAD)).isFalse();
        Bytes.put8(s, END + PAYLOAD - 1, 1);
        assertThat(IpHeader.checksumOk(s, at, 17, END, PAYLOAD)).isFalse();
        assertThat(IpHeader.udpChecksumOk(s, at, END)).isFalse();
    }

    @Test
    void onlyOverIpv4MayADatagramHaveNoChecksum() {
        long at = write("192.0.2.1", "192.0.2.2");
        UdpHeader.write(s, END, 53, 1024, PAYLOAD);
        Bytes.put16(s, END + UdpHeader.CHECKSUM, 0);
        assertThat(IpHeader.udpChecksumOk(s, at, END)).isTrue();
        at = write("2001:db8::1", "2001:db8::2");
        assertThat(IpHeader.udpChecksumOk(s, at, END)).isFalse();
    }
}
