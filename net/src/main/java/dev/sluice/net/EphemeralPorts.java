package dev.sluice.net;

import java.util.function.IntPredicate;
import java.util.random.RandomGenerator;

/**
 * Local ports for those who name none: of the dynamic range (RFC 6335 §6), each as likely as any other whatever was chosen before and for
 * whom, so that somebody who sees some guesses the next no better (RFC 6056 §3.3.1). A port may serve many, as long as they differ in peer.
 */
final class EphemeralPorts {
    static final int FIRST = 49_152;
    static final int COUNT = 0x10000 - FIRST;

    private final RandomGenerator random;

    /** With a source that nobody else can predict. */
    EphemeralPorts(RandomGenerator random) {
        this.random = random;
    }

    /** A port that {@code free} accepts; −1 if there is none. Those that are taken make way for the next. */
    int choose(IntPredicate free) {
        int start = random.nextInt(COUNT);
        for (int i = 0; i < COUNT; i++) {
            int port = FIRST + (start + i) % COUNT;
            if (free.test(port)) {
                return port;
            }
        }
        return -1;
    }
}
