package dev.sluice.gateway.mux;

/** Which of the two ways to begin, and how this side numbers the channels it opens. */
public enum Generation {
    /** VPNKit itself towards its agent: no greeting; numbers up from 2³¹−1. */
    PLAIN_HOST(false, 0x7fff_ffff, 1),
    /** The agent of that: no greeting; numbers up from 0. */
    PLAIN_AGENT(false, 0, 1),
    /** A Go program that connected: a greeting; numbers down from 2³²−1. */
    GREETING_CONNECTED(true, 0xffff_ffff, -1),
    /** A Go program that was connected to: a greeting; numbers up from 0. */
    GREETING_LISTENED(true, 0, 1);

    final boolean greets;
    final int first;
    final int step;

    Generation(boolean greets, int first, int step) {
        this.greets = greets;
        this.first = first;
        this.step = step;
    }
}
