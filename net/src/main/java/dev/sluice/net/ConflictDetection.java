package dev.sluice.net;

import java.time.Duration;

/**
 * How a stack makes sure that nobody else has its address before it uses it (RFC 5227 §2.1, RFC 4862 §5.4).
 *
 * @param probes ARP probes, or neighbour solicitations, sent first; 0 for none
 * @param interval between probes, and how long the last one waits for an objection
 * @param announcements of the address once it is ours (RFC 5227 §2.3, RFC 9131 §6.1), the first at once, the others 2 s apart
 */
public record ConflictDetection(int probes, Duration interval, int announcements) {
    public ConflictDetection {
        if (probes < 0 || probes > 10 || announcements < 0 || announcements > 10 || interval.isNegative()) {
            throw new IllegalArgumentException("conflict detection takes 0…10 probes and announcements, not " + probes
                    + " and " + announcements + ", every " + interval);
        }
    }

    /** Two probes 100 ms apart: for links where an answer takes a millisecond. */
    public static ConflictDetection quick() {
        return new ConflictDetection(2, Duration.ofMillis(100), 2);
    }

    /** The times that RFC 5227 §1.1 gives for any link: {@code open} takes five seconds. */
    public static ConflictDetection rfc5227() {
        return new ConflictDetection(3, Duration.ofMillis(1700), 2);
    }

    /** No question asked; one announcement, so that switches and neighbours know. */
    public static ConflictDetection none() {
        return new ConflictDetection(0, Duration.ZERO, 1);
    }
}
