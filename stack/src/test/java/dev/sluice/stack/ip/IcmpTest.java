package dev.sluice.stack.ip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IcmpTest {
    private static final int BROADCAST = Ipv4Address.parse("192.168.65.255").bits();
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment s = arena.allocate(2000);
    private final MemorySegment out = arena.allocate(IcmpErrorWriter.MAX_MESSAGE);

    @AfterEach
    void free() {
        arena.close();
    }

    private boolean mayAnswer(String source, String destination, int protocol, int flags, int type) {
        Ipv4Header.write(
                s,
                0,
                0,
                60,
                1,
                flags,
                64,
                protocol,
                Ipv4Address.parse(source).bits(),
                Ipv4Address.parse(destination).bits());
        Bytes.put8(s, 20, type);
        return IcmpErrorWriter.mayAnswer(s, 0, 60, BROADCAST, false);
    }

    @Test
    void answersOrdinaryPackets() {
        assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 17, 0, 0)).isTrue();
        assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 6, Ipv4Header.DONT_FRAGMENT, 0))
                .isTrue();
        assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 17, Ipv4Header.MORE_FRAGMENTS, 0))
                .isTrue();
        assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 1, 0, IcmpHeader.ECHO_REQUEST))
                .isTrue();
    }

    @Test
    void neverAnswersIcmpErrorsOrUnknownTypes() {
        for (int type = 0; type < 256; type++) {
            boolean query = type == 0 || type == 8 || type >= 13 && type <= 18;
            assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 1, 0, type))
                    .as("type %d", type)
                    .isEqualTo(query);
            assertThat(query && IcmpErrorWriter.isError(type)).isFalse();
        }
        Ipv4Header.write(s, 0, 0, 20, 1, 0, 64, 1, 0xc0a84103, 0x01010101);
        assertThat(IcmpErrorWriter.mayAnswer(s, 0, 20, BROADCAST, false))
                .as("no type to see")
                .isFalse();
    }

    @Test
    void neverAnswersLaterFragmentsGroupsOrOddSources() {
        assertThat(mayAnswer("192.168.65.3", "1.1.1.1", 17, 1, 0)).isFalse();
        for (String destination : new String[] {"224.0.0.1", "239.1.2.3", "255.255.255.255", "192.168.65.255"}) {
            assertThat(mayAnswer("192.168.65.3", destination, 17, 0, 0))
                    .as(destination)
                    .isFalse();
        }
        for (String source : new String[] {
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.168.65.255"
        }) {
            assertThat(mayAnswer(source, "1.1.1.1", 17, 0, 0)).as(source).isFalse();
        }
        mayAnswer("192.168.65.3", "1.1.1.1", 17, 0, 0);
        assertThat(IcmpErrorWriter.mayAnswer(s, 0, 60, BROADCAST, true))
                .as("link broadcast")
                .isFalse();
    }

    @Test
    void quotesAsMuchAsFitsIn576Bytes() {
        for (int total = 28; total <= 1500; total++) {
            Ipv4Header.write(s, 0, 0, total, 1, 0, 64, 17, 0xc0a84103, 0x01010101);
            Bytes.put32(s, 20, 0x12340035);
            int length = IcmpErrorWriter.write(out, 0, 3, 4, 1400, s, 0, 1600);
            assertThat(length).isEqualTo(Math.min(8 + total, 556));
            assertThat(IcmpHeader.check(out, 0, length)).isEqualTo(Flaw.NONE);
            assertThat(IcmpHeader.type(out, 0)).isEqualTo(3);
            assertThat(IcmpHeader.code(out, 0)).isEqualTo(4);
            assertThat(Bytes.i32(out, 4)).isEqualTo(1400);
            IcmpError error = new IcmpError();
            assertThat(error.read(true, out, 0, length)).isEqualTo(Flaw.NONE);
            assertThat(error.mtu).isEqualTo(1400);
            assertThat(error.hard).isFalse();
            assertThat(error.sourcePort(out)).isEqualTo(0x1234);
            assertThat(error.destinationPort(out)).isEqualTo(0x35);
        }
        Ipv4Header.write(s, 0, 0, 1500, 1, 0, 64, 17, 0xc0a84103, 0x01010101);
        assertThat(IcmpErrorWriter.write(out, 0, 3, 4, 0, s, 0, 100))
                .as("only what is there")
                .isEqualTo(108);
    }

    @Test
    void aQuoteCutAtAnyByteIsJudgedNotThrown() {
        IcmpError error = new IcmpError();
        for (int words = 5; words <= 15; words++) {
            for (int length = 0; length < 80; length++) {
                MemorySegment q = arena.allocate(8 + length + 1).asSlice(0, 8 + length);
                Bytes.put8(q, 0, 3);
                if (length > 0) {
                    Bytes.put8(q, 8, 0x40 | words);
                }
                assertThat(error.read(true, q, 0, 8 + length) == Flaw.NONE).isEqualTo(length >= words * 4 + 8);
            }
        }
        for (int length = 0; length < 80; length++) {
            MemorySegment q = arena.allocate(8 + length + 1).asSlice(0, 8 + length);
            Bytes.put8(q, 0, 1);
            if (length > 6) {
                Bytes.put8(q, 8, 0x60);
                Bytes.put16(q, 8 + 4, 1000);
                Bytes.put8(q, 8 + 6, 6);
            }
            assertThat(error.read(false, q, 0, 8 + length) == Flaw.NONE).isEqualTo(length >= 48);
        }
        SplittableRandom random = new SplittableRandom(792);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[random.nextInt(120)];
            random.nextBytes(bytes);
            boolean four = random.nextBoolean();
            if (bytes.length > 8 && random.nextInt(4) != 0) {
                bytes[0] = (byte) (four ? 3 : 1 + random.nextInt(3));
                bytes[8] = (byte) ((four ? 0x40 : 0x60) | random.nextInt(16));
            }
            MemorySegment q = MemorySegment.ofArray(bytes);
            if (error.read(four, q, 0, bytes.length) == Flaw.NONE) {
                error.sourcePort(q);
                error.destinationPort(q);
                error.tcpSequence(q);
                error.echoIdentifier(q);
            }
        }
    }

    /** RFC 9293 §3.9.2.2: which are hard, and what ICMPv6's errors are in ICMPv4's words. */
    @ParameterizedTest
    @CsvSource({
        "true, 3, 0, 3, 0, false", "true, 3, 1, 3, 1, false", "true, 3, 2, 3, 2, true", "true, 3, 3, 3, 3, true",
        "true, 3, 4, 3, 4, false", "true, 3, 5, 3, 5, false", "true, 3, 13, 3, 13, true", "true, 11, 0, 11, 0, false",
        "false, 1, 0, 3, 0, false", "false, 1, 1, 3, 13, true", "false, 1, 3, 3, 1, false", "false, 1, 4, 3, 3, true",
        "false, 1, 5, 3, 13, true", "false, 2, 0, 3, 4, false", "false, 3, 0, 11, 0, false", "false, 4, 1, 3, 2, false"
    })
    void anErrorIsHardOrSoftAsRfc9293Says(boolean four, int type, int code, int type4, int code4, boolean hard) {
        MemorySegment q = arena.allocate(8 + 60);
        Bytes.put16(q, 0, type << 8 | code);
        Bytes.put8(q, 8, four ? 0x45 : 0x60);
        Bytes.put16(q, 8 + 4, four ? 0 : 20);
        Bytes.put8(q, 8 + 6, four ? 0 : 6);
        IcmpError error = new IcmpError();
        assertThat(error.read(four, q, 0, 68)).isEqualTo(Flaw.NONE);
        assertThat(error.type).isEqualTo(type4);
        assertThat(error.code).isEqualTo(code4);
        assertThat(error.hard).isEqualTo(hard);
        assertThat(error.mtu >= 0).isEqualTo(code4 == 4 && type4 == 3);
    }

    @Test
    void theBucketAllowsItsBurstThenItsRate() {
        long now = Long.MAX_VALUE - 1_000_000_000L; // wraps on the way
        RateLimiter limiter = new RateLimiter(10, 5, now);
        for (int i = 0; i < 5; i++) {
            assertThat(limiter.allow(now)).isTrue();
        }
        assertThat(limiter.allow(now)).isFalse();
        assertThat(limiter.allow(now + 99_999_999)).isFalse();
        assertThat(limiter.allow(now + 100_000_000)).isTrue();
        assertThat(limiter.allow(now + 50_000_000)).as("a clock gone back").isFalse();
        int allowed = 0;
        for (int ms = 101; ms <= 100 + 10_000; ms++) {
            allowed += limiter.allow(now + ms * 1_000_000L) ? 1 : 0;
        }
        assertThat(allowed).isEqualTo(100);
        allowed = 0;
        for (int i = 0; i < 100; i++) {
            allowed += limiter.allow(now + 3600_000_000_000L) ? 1 : 0;
        }
        assertThat(allowed).isEqualTo(5);
        assertThatThrownBy(() -> new RateLimiter(0, 1, 0)).isInstanceOf(IllegalArgumentException.class);
    }
}
