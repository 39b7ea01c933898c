package dev.sluice.control.diagnose;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** The last lines that this process has said. Any thread. */
public final class LogTail {
    private static final int LINES = 500;
    private static final int LONGEST = 500;
    private static final Deque<String> TAIL = new ArrayDeque<>();

    private LogTail() {}

    /** Keeps a line. */
    public static void add(String line) {
        String kept = line.length() > LONGEST ? line.substring(0, LONGEST) + "…" : line;
        synchronized (TAIL) {
            if (TAIL.size() == LINES) {
                TAIL.removeFirst();
            }
            TAIL.addLast(System.currentTimeMillis() + " " + kept);
        }
    }

    /** What is kept, oldest first, each after the time in milliseconds since 1970. */
    static List<String> lines() {
        synchronized (TAIL) {
            return List.copyOf(TAIL);
        }
    }
}
