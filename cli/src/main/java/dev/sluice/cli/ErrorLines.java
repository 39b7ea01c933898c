package dev.sluice.cli;

import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Lines for standard error that nobody waits for: the loop has things to say, too, and a pipe or terminal that takes nothing must not
 * stop the network. Written in order by a thread that is there while there are any; what comes while {@value #MOST} wait is lost, and a
 * line says how many. Thread-safe.
 */
final class ErrorLines {
    /** Lines that wait. */
    static final int MOST = 1000;

    private final Supplier<PrintStream> out;
    private final Deque<String> waiting = new ArrayDeque<>();
    private int lost;
    private boolean writing;

    /** @param out asked for before each line */
    ErrorLines(Supplier<PrintStream> out) {
        this.out = out;
    }

    /** Returns at once. */
    synchronized void add(String line) {
        if (waiting.size() == MOST) {
            lost++;
            return;
        }
        waiting.addLast(line);
        if (!writing) {
            try {
                Thread.ofPlatform().name("messages").daemon().start(this::write);
                writing = true;
            } catch (OutOfMemoryError e) {
                // no thread to be had now (pthread_create(3)): it is written with the next line for which there is one
            }
        }
    }

    /** Waits until all that was added is written, for as long at most. */
    synchronized void await(long millis) {
        long deadline = System.nanoTime() + millis * 1_000_000;
        try {
            for (long left = millis; writing && left > 0; left = (deadline - System.nanoTime()) / 1_000_000) {
                wait(left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void write() {
        for (String line = next(); line != null; line = next()) {
            out.get().println(line);
        }
    }

    /** Null if there is none and the thread shall end. */
    private synchronized @Nullable String next() {
        String line = waiting.pollFirst();
        if (line == null && lost > 0) {
            line = lost + " lines were left out here, as nobody took what was written before them";
            lost = 0;
        }
        if (line == null) {
            writing = false;
            notifyAll();
        }
        return line;
    }
}
