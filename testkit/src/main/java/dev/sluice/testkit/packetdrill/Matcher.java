package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.wire.TcpHeader;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Whether a segment is the one that a script expects. What the script does not say is not looked at. */
final class Matcher {
    private final boolean strictOptions;
    /** Microseconds of a tick of our timestamps if their values are to be checked, or 0. */
    private final long timestampTick;

    private final long tolerance;

    Matcher(boolean strictOptions, long timestampTick, long tolerance) {
        this.strictOptions = strictOptions;
        this.timestampTick = timestampTick;
        this.tolerance = tolerance;
    }

    /** What is wrong with {@code seen}; null if nothing is. */
    @Nullable
    String difference(TcpPacket expected, TcpPacket seen) {
        if (expected.flags() != seen.flags()) {
            return "the flags differ";
        }
        if (!expected.anySequence() && expected.sequence() != seen.sequence()) {
            return "the sequence number differs";
        }
        if (expected.length() != seen.length()) {
            return "the payload length differs";
        }
        if (expected.acknowledgment() != seen.acknowledgment() && (expected.flags() & TcpHeader.ACK) != 0) {
            return "the acknowledgment number differs";
        }
        if (expected.window() != TcpPacket.UNSAID && expected.window() != seen.window()) {
            return "the window differs";
        }
        if (Math.max(0, expected.urgent()) != seen.urgent()) {
            return "the urgent pointer differs";
        }
        return optionDifference(expected.options(), seen.options());
    }

    private @Nullable String optionDifference(@Nullable List<TcpOption> expected, @Nullable List<TcpOption> seen) {
        if (expected == null || seen == null) {
            return null;
        }
        List<TcpOption> left = strictOptions ? expected : withoutPadding(expected);
        List<TcpOption> right = strictOptions ? seen : withoutPadding(seen);
        if (left.size() != right.size()) {
            return "the TCP options differ";
        }
        if (strictOptions) {
            for (int i = 0; i < left.size(); i++) {
                if (!same(left.get(i), right.get(i))) {
                    return "the TCP options differ";
                }
            }
            return null;
        }
        List<TcpOption> unmatched = new ArrayList<>(right);
        for (TcpOption option : left) {
            boolean found = false;
            for (int i = 0; i < unmatched.size() && !found; i++) {
                if (same(option, unmatched.get(i))) {
                    unmatched.remove(i);
                    found = true;
                }
            }
            if (!found) {
                return "the TCP options differ";
            }
        }
        return null;
    }

    private static List<TcpOption> withoutPadding(List<TcpOption> options) {
        return options.stream().filter(o -> !o.isPadding()).toList();
    }

    /** The values of timestamps depend on a clock that scripts cannot know; their echoes do not. */
    private boolean same(TcpOption expected, TcpOption seen) {
        if (expected instanceof TcpOption.Timestamps e && seen instanceof TcpOption.Timestamps s) {
            long apart = Math.abs((int) (e.value() - s.value()));
            boolean any = timestampTick == 0 || e.value() == TcpOption.Timestamps.ANY;
            return e.echo() == s.echo() && (any || apart * timestampTick <= tolerance);
        }
        return expected.equals(seen);
    }
}
