package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongPredicate;

/**
 * What a lab's programs carry in their environment: which lab and which of its programs. All that descends from a program inherits it,
 * whoever its parent has become meanwhile; so what is left can be found, and whose it is.
 */
record Mark(String lab) {
    private static final String NAME = "SLUICE_IT";

    /** A living process that carries one. */
    record Marked(ProcessHandle process, String commandLine) {
        @Override
        public String toString() {
            return process.pid() + " " + commandLine;
        }
    }

    /** For the environment of the program of this number. */
    Map<String, String> on(long program) {
        return Map.of(NAME, lab + "/" + program);
    }

    /** The living processes that descend from programs of such numbers. */
    List<Marked> living(LongPredicate program) {
        String start = "\0" + NAME + "=" + lab + "/";
        List<Marked> found = new ArrayList<>();
        ProcessHandle.allProcesses().forEach(process -> {
            Path folder = Path.of("/proc/" + process.pid());
            try {
                String environment = "\0" + text(folder.resolve("environ"));
                int at = environment.indexOf(start);
                if (at >= 0) {
                    int number = at + start.length();
                    int end = environment.indexOf('\0', number);
                    if (program.test(Long.parseLong(environment, number, end, 10))) {
                        String line = text(folder.resolve("cmdline")).replace('\0', ' ');
                        found.add(new Marked(process, line));
                    }
                }
            } catch (IOException e) {
                // it has just ended
            }
        });
        return found;
    }

    /** Whatever bytes are in it. */
    private static String text(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    }
}
