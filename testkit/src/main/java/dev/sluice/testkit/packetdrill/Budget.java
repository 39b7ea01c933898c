package dev.sluice.testkit.packetdrill;

import java.time.Duration;

/**
 * What one script may cost. Scripts come from anywhere: one that is too long, or that keeps the interpreter busy, is given up and told
 * with its line, and the others go on.
 */
final class Budget {
    /** Characters of a script, a hundred times the longest of the public suites. */
    static final int LONGEST_SCRIPT = 1 << 20;
    /** Characters of one command or statement: what is looked at by patterns. */
    static final int LONGEST_LINE = 4096;
    /** Of real time, for all the releases that a script is tried as. */
    static final Duration REAL_TIME = Duration.ofSeconds(10);

    private final Duration realTime;
    private final long begin = System.nanoTime();

    Budget(Duration realTime) {
        this.realTime = realTime;
    }

    /** Something was done; throws if it was too much. */
    void spend() {
        if (System.nanoTime() - begin > realTime.toNanos()) {
            throw new Spent(realTime);
        }
    }

    /** The script has taken all its time. */
    static final class Spent extends RuntimeException {
        private static final long serialVersionUID = 1;

        private Spent(Duration realTime) {
            super("the script has kept the interpreter busy for " + realTime.toMillis() + " ms", null, false, false);
        }
    }
}
