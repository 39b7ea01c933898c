package dev.sluice.it.lab;

import java.util.List;

/** What the kernel tells of all threads of a program (proc_pid_status(5)). */
public final class Threads {
    private Threads() {}

    /** The lines that begin with {@code name}, each once: a single one if all threads are alike. */
    public static List<String> status(Lab lab, Program program, String name) {
        // a thread may end meanwhile
        return lab.onHost("sh", "-c", "grep -hs '^" + name + ":' /proc/" + program.pid() + "/task/*/status | sort -u")
                .outputAtEnd()
                .lines()
                .map(line -> line.replaceAll("\\s+", " "))
                .toList();
    }
}
