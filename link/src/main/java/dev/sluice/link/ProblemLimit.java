package dev.sluice.link;

import dev.sluice.loop.Loop;
import java.util.function.Consumer;

/** Passes on at most ten messages in ten seconds, so that a guest can't fill a log by failing again and again. */
final class ProblemLimit {
    private static final int MESSAGES = 10;
    private static final long WINDOW_NANOS = 10_000_000_000L;

    private final Loop loop;
    private final Consumer<String> sink;
    private long windowStart;
    private int inWindow;
    private long withheld;

    ProblemLimit(Loop loop, Consumer<String> sink) {
        this.loop = loop;
        this.sink = sink;
        this.windowStart = System.nanoTime();
    }

    void report(String message) {
        long now = loop.now();
        if (now - windowStart >= WINDOW_NANOS) {
            windowStart = now;
            inWindow = 0;
        }
        if (inWindow < MESSAGES) {
            inWindow++;
            sink.accept(withheld == 0 ? message : message + " (" + withheld + " messages before it were withheld)");
            withheld = 0;
        } else {
            withheld++;
        }
    }
}
