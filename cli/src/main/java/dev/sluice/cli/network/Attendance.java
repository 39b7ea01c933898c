package dev.sluice.cli.network;

import java.util.concurrent.atomic.AtomicInteger;

/** Guests for whom a process is there: it ends when the last of those that came has gone. Thread-safe. */
public final class Attendance {
    private final AtomicInteger present = new AtomicInteger();
    private final Runnable over;

    /** @param over called each time that nobody is left, on the thread that noticed */
    public Attendance(Runnable over) {
        this.over = over;
    }

    void came() {
        present.incrementAndGet();
    }

    void left() {
        if (present.decrementAndGet() == 0) {
            over.run();
        }
    }
}
