package dev.sluice.net.ip;

import dev.sluice.stack.tcp.IsnGenerator;
import java.util.random.RandomGenerator;

/**
 * Identifications of what may travel in pieces (RFC 791, RFC 8200 §4.5). A destination has a counter, which it shares with few others, and
 * sees it from a number that is its own (RFC 7739 §5.3). With one counter for all, everybody could tell how much others are sent, and
 * whether they answer: the idle scan. What is never cut has no use for one (RFC 6864 §4.1), and gets 0.
 */
final class Identifications {
    private static final int PLACES = 1024;

    private final IsnGenerator secret;
    private final int[] counters = new int[PLACES];

    Identifications(RandomGenerator random) {
        secret = new IsnGenerator(random.nextLong(), random.nextLong());
    }

    /** The next one towards an address; IPv4 takes its lower half. */
    int next(long high, long low) {
        long hash = secret.hash(high, low);
        return (int) (hash >>> 32) + counters[(int) hash & PLACES - 1]++;
    }
}
