package dev.sluice.stack.dhcp6;

import java.util.random.RandomGenerator;

/** When a message is sent again (RFC 8415 §15). */
final class Retransmission {
    /** In nanoseconds: IRT and MRT; and MRC, 0 for no end. */
    record Times(long initial, long longest, int count) {
        static Times ofSeconds(long initial, long longest, int count) {
            return new Times(initial * 1_000_000_000L, longest * 1_000_000_000L, count);
        }
    }

    private final RandomGenerator random;
    private Times times = Times.ofSeconds(1, 0, 0);
    private boolean late;
    private long timeout;
    private int sent;

    Retransmission(RandomGenerator random) {
        this.random = random;
    }

    /** @param late whether the first time-out must not be shorter than it says, as others answer within it (§18.2.1) */
    void begin(Times times, boolean late) {
        this.times = times;
        this.late = late;
        this.timeout = 0;
        this.sent = 0;
    }

    /** How often it has been sent. */
    int sent() {
        return sent;
    }

    boolean exhausted() {
        return times.count > 0 && sent >= times.count;
    }

    /** It is being sent: how long to wait until the next time. */
    long next() {
        boolean first = sent++ == 0;
        long base = first ? times.initial : 2 * timeout;
        long of = first ? times.initial : timeout;
        timeout = base + share(of, first && late);
        if (times.longest > 0 && timeout > times.longest) {
            timeout = times.longest + share(times.longest, false);
        }
        return timeout;
    }

    /** RAND times {@code of}: up to a tenth more, or less. */
    private long share(long of, boolean more) {
        long tenth = Math.max(1, of / 10);
        return more ? 1 + random.nextLong(tenth) : random.nextLong(2 * tenth + 1) - tenth;
    }
}
