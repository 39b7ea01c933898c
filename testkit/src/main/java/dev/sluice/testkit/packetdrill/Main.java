package dev.sluice.testkit.packetdrill;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The command {@code sluice-packetdrill}. */
public final class Main {
    private static final int FAILED = 1;
    private static final int USAGE = 2;
    private static final int SCRIPTS_WORTH_A_THREAD = 16;
    private static final String HELP = """
            Usage: sluice-packetdrill [OPTION]... PATH...
            Runs packetdrill scripts against the TCP of Sluice, in virtual time. A PATH is a script, or a folder
            that is searched for files named *.pkt.

              --json FILE           also write the results to FILE as JSON
              --dialect NAME        whose scripts they are, linux, freebsd or sluice (otherwise found out for each)
              --ip_version=ipv4|ipv6, --mtu=N, --tolerance_usecs=N, --tcp_ts_tick_usecs=N, --strict,
              --strict_segments, --define=NAME=VALUE
                                    as in scripts, for those that do not say
              --help                this text

            The last line says how many passed, failed and were unsupported: a script that needs something which
            this interpreter or the stack does not have, is not run further and never counts as passed.
            Exit status: 0 if none failed, 1 if some did, 2 for a mistake in the command line.
            """;

    private Main() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments, System.out, System.err));
    }

    /** Does what the command does; returns its exit status. */
    static int run(String[] arguments, PrintStream out, PrintStream err) {
        Path json = null;
        Script.Dialect dialect = null;
        Map<String, String> overrides = new HashMap<>();
        List<Path> paths = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            String value = i + 1 < arguments.length ? arguments[i + 1] : "";
            switch (argument) {
                case "--help", "-h" -> {
                    out.print(HELP);
                    return 0;
                }
                case "--json" -> {
                    if (value.isEmpty()) {
                        return mistake(err, "--json needs a file");
                    }
                    json = Path.of(value);
                    i++;
                }
                case "--dialect" -> {
                    dialect = Script.Dialect.named(value);
                    if (dialect == null) {
                        return mistake(err, "--dialect is linux, freebsd or sluice, not '" + value + "'");
                    }
                    i++;
                }
                default -> {
                    if (!argument.startsWith("-")) {
                        paths.add(Path.of(argument));
                        continue;
                    }
                    int equals = argument.indexOf('=');
                    String name =
                            argument.substring(Math.min(2, argument.length()), equals < 0 ? argument.length() : equals);
                    try {
                        Map<String, String> flag = new HashMap<>();
                        RunOptions.put(flag, name, equals < 0 ? "" : argument.substring(equals + 1));
                        RunOptions.of(flag, Map.of());
                    } catch (ScriptException e) {
                        return mistake(err, "unknown option or value: " + argument);
                    }
                    RunOptions.put(overrides, name, equals < 0 ? "" : argument.substring(equals + 1));
                }
            }
        }
        if (paths.isEmpty()) {
            return mistake(err, "no script or folder given");
        }
        List<Path> scripts = new ArrayList<>();
        try {
            for (Path path : paths) {
                if (!Files.exists(path)) {
                    return mistake(err, path + " does not exist");
                }
                collect(path, scripts);
            }
        } catch (IOException e) {
            return mistake(err, "cannot look into a folder: " + e.getMessage());
        }
        return run(scripts, dialect, overrides, json, out, err);
    }

    private static int mistake(PrintStream err, String what) {
        err.println("sluice-packetdrill: " + what + "; --help tells more");
        return USAGE;
    }

    private static void collect(Path path, List<Path> scripts) throws IOException {
        if (!Files.isDirectory(path)) {
            scripts.add(path);
            return;
        }
        try (Stream<Path> all = Files.walk(path)) {
            all.filter(p -> p.toString().endsWith(".pkt") && Files.isRegularFile(p))
                    .sorted()
                    .forEach(scripts::add);
        }
    }

    /** Runs {@code scripts} on all processors; gives the verdicts in their order. */
    static List<Verdict> runAll(Suite suite, List<Path> scripts) {
        Verdict[] verdicts = new Verdict[scripts.size()];
        AtomicInteger next = new AtomicInteger();
        Runnable work = () -> {
            for (int i = next.getAndIncrement(); i < verdicts.length; i = next.getAndIncrement()) {
                verdicts[i] = suite.run(scripts.get(i));
            }
        };
        int helpers =
                Math.min(Runtime.getRuntime().availableProcessors(), verdicts.length / SCRIPTS_WORTH_A_THREAD) - 1;
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < helpers; i++) {
            threads.add(Thread.ofPlatform().daemon().start(work));
        }
        work.run();
        try {
            for (Thread thread : threads) {
                thread.join();
            }
        } catch (InterruptedException e) {
            throw new IllegalStateException("interrupted while scripts ran", e);
        }
        return List.of(verdicts);
    }

    private static int run(
            List<Path> scripts,
            Script.@Nullable Dialect dialect,
            Map<String, String> overrides,
            @Nullable Path json,
            PrintStream out,
            PrintStream err) {
        Suite suite = new Suite(dialect, overrides);
        List<Verdict> verdicts = runAll(suite, scripts);
        for (Verdict verdict : verdicts) {
            if (verdict.kind() != Verdict.Kind.PASSED) {
                out.println(verdict);
            }
        }
        if (json != null) {
            try {
                Files.writeString(json, Verdict.json(verdicts));
            } catch (IOException e) {
                err.println("sluice-packetdrill: cannot write " + json + ": " + e.getMessage());
                return USAGE;
            }
        }
        long passed = Verdict.count(verdicts, Verdict.Kind.PASSED);
        long failed = Verdict.count(verdicts, Verdict.Kind.FAILED);
        long unsupported = Verdict.count(verdicts, Verdict.Kind.UNSUPPORTED);
        out.println(passed + " passed, " + failed + " failed, " + unsupported + " unsupported");
        return failed > 0 ? FAILED : 0;
    }
}
