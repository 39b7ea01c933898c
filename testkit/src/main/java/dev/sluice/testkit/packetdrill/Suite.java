package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.NativeMemory;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Runs scripts, each against a stack of its own. */
final class Suite {
    private static final int ISS = 0x1234_5678;
    private static final int PEER_ISS = 0x0fed_cba9;
    /** Memory of the heap: stacks come and go too fast for arenas. */
    private static final NativeMemory HEAP = new NativeMemory() {
        @Override
        public MemorySegment allocate(long bytes) {
            return MemorySegment.ofArray(new long[(int) ((bytes + 7) / 8)]).asSlice(0, bytes);
        }

        @Override
        public void free(MemorySegment block) {
            // The collector's.
        }
    };

    private final Script.@Nullable Dialect dialect;
    private final Map<String, String> overrides;
    private final int iss;
    private final int peerIss;
    private final Duration realTime;

    Suite(Script.@Nullable Dialect dialect, Map<String, String> overrides) {
        this(dialect, overrides, ISS, PEER_ISS, Budget.REAL_TIME);
    }

    /** With these initial sequence numbers of ours and of peers, and at most {@code realTime} for each script. */
    Suite(Script.@Nullable Dialect dialect, Map<String, String> overrides, int iss, int peerIss, Duration realTime) {
        this.dialect = dialect;
        this.overrides = overrides;
        this.iss = iss;
        this.peerIss = peerIss;
        this.realTime = realTime;
    }

    Verdict run(Path path) {
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(Budget.LONGEST_SCRIPT + 1);
            return run(path.toString(), new String(bytes, StandardCharsets.UTF_8));
        } catch (IOException e) {
            return Verdict.failed(path.toString(), 1, "cannot be read: " + e.getMessage());
        }
    }

    /**
     * Runs a script as one of each release that it may have been written for, until it passes; if it never does, what is reported is
     * the run that came furthest, and of several the likeliest.
     */
    private void runVersions(String name, String text, Budget budget) throws ScriptException {
        if (text.length() > Budget.LONGEST_SCRIPT) {
            throw ScriptException.unsupported(1, "a script of more than " + Budget.LONGEST_SCRIPT + " characters");
        }
        ScriptException furthest = null;
        for (Version version : parse(name, text, Set.of()).versions()) {
            try {
                runAlternatives(name, text, version, budget);
                return;
            } catch (ScriptException e) {
                furthest = furthest == null || e.line > furthest.line ? e : furthest;
            }
        }
        if (furthest != null) {
            throw furthest;
        }
    }

    /**
     * Where stacks may differ, scripts say with {@code #ifdef} what the standard demands and what some system does. Any of these is
     * right; if none holds, the first is reported.
     */
    private void runAlternatives(String name, String text, Version version, Budget budget) throws ScriptException {
        Set<String> alternatives = Lexer.conditions(text);
        alternatives.remove("STANDARD");
        ScriptException first = null;
        try {
            runOnce(name, text, version, Set.of("STANDARD"), budget);
            return;
        } catch (ScriptException e) {
            first = e;
        }
        for (String alternative : alternatives) {
            try {
                runOnce(name, text, version, Set.of(alternative), budget);
                return;
            } catch (ScriptException e) {
                // The first counts.
            }
        }
        throw first;
    }

    private void runOnce(String name, String text, Version version, Set<String> defined, Budget budget)
            throws ScriptException {
        budget.spend();
        new Runner(parse(name, text, defined), version, overrides, HEAP, iss, peerIss, budget).run();
    }

    private Script parse(String name, String text, Set<String> defined) throws ScriptException {
        return Parser.parse(name, text, dialect, defined, RunOptions.symbols(overrides));
    }

    Verdict run(String name, String text) {
        try {
            runVersions(name, text, new Budget(realTime));
            return Verdict.passed(name);
        } catch (ScriptException e) {
            return Verdict.of(name, e);
        } catch (Budget.Spent e) {
            return Verdict.failed(name, 1, String.valueOf(e.getMessage()));
        } catch (IllegalArgumentException e) {
            return Verdict.of(name, ScriptException.unsupported(1, "a setting of our stack: " + e.getMessage()));
        } catch (RuntimeException | AssertionError e) {
            return Verdict.failed(name, 1, "the stack or the interpreter broke: " + e);
        }
    }
}
