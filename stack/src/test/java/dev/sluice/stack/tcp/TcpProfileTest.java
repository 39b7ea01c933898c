package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNoException;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.IntFunction;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/** What the two kinds of profile are, that a change changes what it names and nothing else, and what no connection can be. */
class TcpProfileTest {
    private static final long MS = 1_000_000L;
    private static final long SECOND = 1_000_000_000L;
    private static final TcpProfile LAN = TcpProfile.lan(1500);
    private static final TcpProfile GUEST = TcpProfile.guest(1500);
    private static final TcpTuning TUNING = TcpTuning.DEFAULT;

    private static Map<String, Object> settings(TcpProfile p) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("mss", List.of(p.mss(), p.defaultMss()));
        all.put("superSegment", p.superSegment());
        all.put("buffers", List.of(p.receiveWindow(), p.sendBuffer()));
        all.put("congestionControl", p.congestionControl());
        all.put("nagle", p.nagle());
        all.put("cork", p.cork());
        all.put("sack", p.sack());
        all.put("duplicateSack", p.duplicateSack());
        all.put("rack", p.rack());
        all.put("ecn", p.ecn());
        all.put("timestamps", p.timestamps());
        all.put("strictTimestamps", p.strictTimestamps());
        all.put("delayedAck", p.delayedAck());
        all.put("answerWait", p.answerWait());
        all.put("rto", List.of(p.rtoInitial(), p.rtoMin(), p.rtoMax()));
        all.put("synTimeout", p.synTimeout());
        all.put("userTimeout", p.userTimeout());
        all.put("finWait2", p.finWait2());
        all.put("timeWait", p.timeWait());
        all.put("keepAlive", List.of(p.keepAliveIdle(), p.keepAliveInterval(), p.keepAliveProbes()));
        all.put("tuning", settings(p.tuning()));
        return all;
    }

    private static Map<String, Object> settings(TcpTuning t) {
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("receiveLimit", t.receiveLimit());
        all.put("wholeSegments", t.wholeSegments());
        all.put("windowScaling", t.windowScaling());
        all.put("windowShift", t.windowShift());
        all.put("blindAttackDefence", t.blindAttackDefence());
        all.put("quickAcks", t.quickAcks());
        all.put("rtoSlop", t.rtoSlop());
        all.put("rtoMargin", t.rtoMargin());
        all.put("repeatFin", t.repeatFin());
        all.put("delayFin", t.delayFin());
        all.put("reportWhenResending", t.reportWhenResending());
        all.put("plainSynAfter", t.plainSynAfter());
        return all;
    }

    /** {@code changed} differs from {@code before} in {@code names}, which have these values. */
    private static void assertChanged(
            Map<String, Object> before, Map<String, Object> changed, Map<String, Object> wanted) {
        for (Map.Entry<String, Object> setting : changed.entrySet()) {
            String name = setting.getKey();
            Object expected = Objects.requireNonNull(wanted.getOrDefault(name, before.get(name)));
            assertThat(setting.getValue()).as(name).isEqualTo(expected);
        }
        assertThat(changed).as("a change").isNotEqualTo(before);
    }

    private static void assertChanged(TcpProfile changed, Map<String, Object> wanted) {
        assertChanged(settings(LAN), settings(changed), wanted);
    }

    // ---- The two kinds

    /** A network has routers, and so all that they need; a guest is one hop away. */
    @Test
    void aNetworkAndAGuestDifferInWhatRoutersNeed() {
        Object[][] expected = {
            {"mss", List.of(1460, 536), List.of(1460, 536)},
            {"superSegment", 0, TcpProfile.MAX_SUPER_SEGMENT},
            {"buffers", List.of(1 << 20, 1 << 20), List.of(4 << 20, 4 << 20)},
            {"congestionControl", TcpProfile.Congestion.CUBIC, TcpProfile.Congestion.ONE_HOP},
            {"nagle", true, false},
            {"cork", false, false},
            {"sack", true, true},
            {"duplicateSack", true, false},
            {"rack", true, false},
            {"ecn", TcpProfile.Ecn.ACCEPT, TcpProfile.Ecn.OFF},
            {"timestamps", true, true},
            {"strictTimestamps", true, false},
            {"delayedAck", 40 * MS, 0L},
            {"answerWait", 0L, 0L},
            {"rto", List.of(SECOND, 200 * MS, 60 * SECOND), List.of(SECOND, 200 * MS, 8 * SECOND)},
            {"synTimeout", 180 * SECOND, 60 * SECOND},
            {"userTimeout", 900 * SECOND, 7200 * SECOND},
            {"finWait2", 60 * SECOND, 60 * SECOND},
            {"timeWait", 60 * SECOND, 10 * SECOND},
            {"keepAlive", List.of(0L, 75 * SECOND, 9), List.of(0L, 75 * SECOND, 9)},
            {"tuning", settings(TUNING), settings(TUNING)},
        };
        Map<String, Object> network = new LinkedHashMap<>();
        Map<String, Object> guest = new LinkedHashMap<>();
        for (Object[] row : expected) {
            network.put((String) row[0], row[1]);
            guest.put((String) row[0], row[2]);
        }
        assertThat(settings(LAN)).isEqualTo(network);
        assertThat(settings(GUEST)).isEqualTo(guest);
    }

    /** An IP packet has 65,535 bytes at most, the headers of either version, and the options of a segment, included. */
    @Test
    void aSuperSegmentFitsAnIpPacket() {
        assertThat(TcpProfile.MAX_SUPER_SEGMENT).isEqualTo(65535 - 40 - 20 - 36);
    }

    // ---- Changes

    @Test
    void aChangeChangesWhatItNames() {
        assertChanged(LAN.withMss(1440, 1220), Map.of("mss", List.of(1440, 1220)));
        assertChanged(LAN.withSuperSegment(9000), Map.of("superSegment", 9000));
        assertChanged(LAN.withBuffers(1 << 16, 1 << 17), Map.of("buffers", List.of(1 << 16, 1 << 17)));
        assertChanged(
                LAN.withCongestionControl(TcpProfile.Congestion.NEW_RENO),
                Map.of("congestionControl", TcpProfile.Congestion.NEW_RENO));
        assertChanged(LAN.withNagle(false), Map.of("nagle", false));
        assertChanged(LAN.withCork(true), Map.of("cork", true));
        assertChanged(LAN.withSack(false), Map.of("sack", false));
        assertChanged(LAN.withDuplicateSack(false), Map.of("duplicateSack", false));
        assertChanged(LAN.withRack(false), Map.of("rack", false));
        assertChanged(LAN.withEcn(TcpProfile.Ecn.REQUEST), Map.of("ecn", TcpProfile.Ecn.REQUEST));
        assertChanged(LAN.withTimestamps(false), Map.of("timestamps", false));
        assertChanged(LAN.withStrictTimestamps(false), Map.of("strictTimestamps", false));
        assertChanged(LAN.withDelayedAck(5), Map.of("delayedAck", 5L));
        assertChanged(LAN.withAnswerWait(5), Map.of("answerWait", 5L));
        assertChanged(LAN.withRto(5, 4, 6), Map.of("rto", List.of(5L, 4L, 6L)));
        assertChanged(LAN.withUserTimeout(5), Map.of("userTimeout", 5L));
        assertChanged(
                LAN.withTimeouts(1, 2, 3, 4),
                Map.of("synTimeout", 1L, "userTimeout", 2L, "finWait2", 3L, "timeWait", 4L));
        assertChanged(LAN.withKeepAlive(1, 2, 3), Map.of("keepAlive", List.of(1L, 2L, 3)));
        TcpTuning tuning = TUNING.withQuickAcks(7);
        assertChanged(LAN.with(tuning), Map.of("tuning", settings(tuning)));
        assertThat(settings(LAN)).as("the profile itself").isEqualTo(settings(TcpProfile.lan(1500)));
    }

    @Test
    void aChangeOfTheTuningChangesWhatItNames() {
        assertChanged(TUNING.withReceiveLimit(9000), "receiveLimit", 9000);
        assertChanged(TUNING.withWholeSegments(true), "wholeSegments", true);
        assertChanged(TUNING.withWindowScaling(false), "windowScaling", false);
        assertChanged(TUNING.withWindowShift(3), "windowShift", 3);
        assertChanged(TUNING.withBlindAttackDefence(false), "blindAttackDefence", false);
        assertChanged(TUNING.withQuickAcks(3), "quickAcks", 3);
        assertChanged(TUNING.withRtoSlop(3), "rtoSlop", 3L);
        assertChanged(TUNING.withRtoMargin(3), "rtoMargin", 3L);
        assertChanged(TUNING.withRepeatFin(true), "repeatFin", true);
        assertChanged(TUNING.withDelayFin(true), "delayFin", true);
        assertChanged(TUNING.withReportWhenResending(true), "reportWhenResending", true);
        assertChanged(TUNING.withPlainSynAfter(3), "plainSynAfter", 3);
    }

    private static void assertChanged(TcpTuning changed, String name, Object value) {
        assertChanged(settings(TUNING), settings(changed), Map.of(name, value));
    }

    // ---- Bounds

    private static void assertTaken(IntFunction<?> change, int... values) {
        for (int value : values) {
            assertThatNoException().as("%d", value).isThrownBy(() -> change.apply(value));
        }
    }

    private static void assertRefused(String name, IntFunction<?> change, int... values) {
        for (int value : values) {
            assertThatIllegalArgumentException()
                    .as("%d", value)
                    .isThrownBy(() -> change.apply(value))
                    .withMessageContaining(name)
                    .withMessageContaining(String.valueOf(value));
        }
    }

    private static void assertRefused(String name, LongFunction<?> change, long value) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> change.apply(value))
                .withMessageContaining(name);
    }

    @Test
    void sizesHaveBounds() {
        assertTaken(mss -> LAN.withMss(mss, 536), 64, 65495);
        assertRefused("mss", mss -> LAN.withMss(mss, 536), 63, 65496);
        assertTaken(mss -> LAN.withMss(1460, mss), 64, 1220);
        assertRefused("defaultMss", mss -> LAN.withMss(1460, mss), 63, 1221);
        assertTaken(LAN::withSuperSegment, 0, TcpProfile.MAX_SUPER_SEGMENT);
        assertRefused("superSegment", LAN::withSuperSegment, -1, TcpProfile.MAX_SUPER_SEGMENT + 1);
        assertTaken(n -> LAN.withBuffers(n, 1 << 16), 1 << 14, 1 << 26);
        assertRefused("receiveWindow", n -> LAN.withBuffers(n, 1 << 16), 1 << 13, 1 << 27, (1 << 16) + 1, 0);
        assertTaken(n -> LAN.withBuffers(1 << 16, n), 1 << 16, 1 << 26);
        assertRefused("sendBuffer", n -> LAN.withBuffers(1 << 16, n), 1 << 15, 1 << 27, (1 << 16) + 1, 0);
        assertTaken(n -> LAN.with(TUNING.withReceiveLimit(n)), 0, 1 << 20);
        assertRefused("receiveLimit", n -> LAN.with(TUNING.withReceiveLimit(n)), -1, (1 << 20) + 1);
        assertTaken(TUNING::withWindowShift, -1, 0, 14);
        assertRefused("windowShift", TUNING::withWindowShift, -2, 15);
    }

    @Test
    void timesHaveBounds() {
        assertThatNoException().isThrownBy(() -> LAN.withDelayedAck(0));
        assertThatNoException().isThrownBy(() -> LAN.withDelayedAck(500 * MS - 1));
        assertRefused("delayedAck", LAN::withDelayedAck, -1);
        assertRefused("delayedAck", LAN::withDelayedAck, 500 * MS);
        assertThatNoException().isThrownBy(() -> LAN.withAnswerWait(500 * MS - 1));
        assertRefused("answerWait", LAN::withAnswerWait, -1);
        assertRefused("answerWait", LAN::withAnswerWait, 500 * MS);
        assertThatNoException().isThrownBy(() -> LAN.withRto(1, 1, 1));
        assertRefused("rtoMin", min -> LAN.withRto(5, min, 9), 0);
        assertRefused("rtoMin", min -> LAN.withRto(5, min, 9), 6);
        assertRefused("rtoMax", max -> LAN.withRto(5, 4, max), 4);
        assertRefused("timeout", time -> LAN.withTimeouts(time, 1, 1, 1), 0);
        assertRefused("timeout", time -> LAN.withTimeouts(1, time, 1, 1), 0);
        assertRefused("timeout", time -> LAN.withTimeouts(1, 1, time, 1), 0);
        assertRefused("timeout", time -> LAN.withTimeouts(1, 1, 1, time), 0);
        assertRefused("timeout", LAN::withUserTimeout, 0);
        assertRefused("rtoSlop", TUNING::withRtoSlop, -1);
        assertRefused("rtoMargin", TUNING::withRtoMargin, -1);
    }

    @Test
    void countsHaveBounds() {
        assertTaken(n -> LAN.withKeepAlive(1, 1, n), 1, 127);
        assertRefused("keepAliveProbes", n -> LAN.withKeepAlive(1, 1, n), 0, 128);
        assertTaken(n -> LAN.withKeepAlive(n, 1, 1), 0, 1);
        assertRefused("keepAliveIdle", n -> LAN.withKeepAlive(n, 1, 1), -1);
        assertRefused("keepAliveIdle", n -> LAN.withKeepAlive(1, n, 1), 0L);
        assertTaken(TUNING::withQuickAcks, 0, 100);
        assertRefused("quickAcks", TUNING::withQuickAcks, -1, 101);
    }

    // ---- For messages

    @Test
    void itTellsWhatMattersOfIt() {
        assertThat(LAN)
                .hasToString("mss 1460, super 0, buffers 1048576/1048576, CUBIC, nagle, sack, rack, ecn ACCEPT,"
                        + " timestamps, delayed ACK 40 ms");
        assertThat(GUEST.withSack(false).withTimestamps(false))
                .hasToString("mss 1460, super 65439, buffers 4194304/4194304, ONE_HOP, ecn OFF, delayed ACK 0 ms");
    }
}
