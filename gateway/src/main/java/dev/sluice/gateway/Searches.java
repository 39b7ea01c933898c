package dev.sluice.gateway;

import dev.sluice.link.Link;

/**
 * How often the whole table of guests is looked through for what comes from one link: {@value #MOST} times in {@value #MILLIS} ms. Somebody
 * who makes addresses up frame by frame would have the loop do nothing else; so neither the loop suffers, nor newcomers on other links. Links
 * are told apart by their hash, which now and then makes one share with another. Confined to the loop.
 */
final class Searches {
    static final int MOST = 100;
    static final int MILLIS = 100;
    private static final int LINKS = 64;

    private final int[] done = new int[LINKS];
    /** When the first of them was. */
    private final long[] since = new long[LINKS];

    /** Whether one more may be made now; then it counts. */
    boolean take(Link link, long now) {
        int i = System.identityHashCode(link) % LINKS;
        if (done[i] == 0 || now - since[i] >= MILLIS * 1_000_000L) {
            since[i] = now;
            done[i] = 0;
        }
        if (done[i] == MOST) {
            return false;
        }
        done[i]++;
        return true;
    }
}
