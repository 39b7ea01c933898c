package dev.sluice.proxy.pac;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.Function;
import org.mozilla.javascript.RhinoException;
import org.mozilla.javascript.Script;
import org.mozilla.javascript.Scriptable;
import org.mozilla.javascript.ScriptableObject;
import org.mozilla.javascript.debug.DebugFrame;
import org.mozilla.javascript.debug.DebuggableScript;
import org.mozilla.javascript.debug.Debugger;

/** A compiled script. Any thread; blocks. */
final class PacScript {
    private static final String ENTRY = "FindProxyForURL";
    private static final int MAX_ANSWER = 16 * 1024;
    private static final int AT_A_TIME = 4;
    private static final long STACK_BYTES = 1 << 20;
    /** What a single step of a script could take all memory with. */
    private static final List<String> DANGEROUS = List.of("repeat", "padStart", "padEnd");

    private static final List<String> USELESS = List.of("ArrayBuffer", "DataView", "BigInt");
    /** Beyond its limit, until a script is given up that does not come to a step in which it could be stopped. */
    private static final long GRACE_MILLIS = 500;

    /** All scripts together. */
    private static final Semaphore RUNNING = new Semaphore(AT_A_TIME);

    /** Threads that were given up and still run, beside those: no thread can be ended from outside. */
    static final int MAX_STUCK = 4;

    private static final AtomicInteger STUCK = new AtomicInteger();

    /**
     * What a script said.
     *
     * @param line of the return in {@code FindProxyForURL}; 0 if unknown
     */
    record Answer(String text, int line) {}

    private final String name;
    private final Sandbox sandbox;
    private final Script script;
    private final PacHost host;
    private final PacLimits limits;
    /** Questions that were given up and have not come to their end. */
    private final AtomicInteger stuck = new AtomicInteger();

    private PacScript(String name, Sandbox sandbox, Script script, PacHost host, PacLimits limits) {
        this.name = name;
        this.sandbox = sandbox;
        this.script = script;
        this.host = host;
        this.limits = limits;
    }

    /**
     * Compiles a script and runs it once, so that what is broken is known before anybody asks.
     *
     * @param name for messages, as in {@code proxy.pac}
     */
    static PacScript compile(String name, String source, PacHost host, PacLimits limits) throws PacException {
        Sandbox sandbox = new Sandbox(limits);
        return onThread(name, limits, new AtomicInteger(), () -> {
            try (Context context = sandbox.enterContext()) {
                Script script = context.compileString(source, name, 1, null);
                PacScript compiled = new PacScript(name, sandbox, script, host, limits);
                compiled.entry(context, compiled.scope(context));
                return compiled;
            }
        });
    }

    /** Asks {@code FindProxyForURL(url, host)}. */
    Answer ask(String url, String host) throws PacException {
        return onThread(name, limits, stuck, () -> {
            try (Context context = sandbox.enterContext()) {
                Scriptable scope = scope(context);
                Function entry = entry(context, scope);
                Lines lines = new Lines();
                context.setDebugger(lines, null);
                Object answer = entry.call(context, scope, scope, new Object[] {url, host});
                Sandbox.checkMemory(context); // a single step may have taken it all, and been the last one
                if (!(answer instanceof CharSequence text) || text.length() > MAX_ANSWER) {
                    throw new PacException(
                            name + " line " + lines.line + ": " + ENTRY + " returned "
                                    + (answer instanceof CharSequence ? "too long a text" : "no text"),
                            false);
                }
                return new Answer(text.toString(), lines.line);
            }
        });
    }

    /** Standard objects that nobody has used before: what a script changes in them is gone with its question. */
    private Scriptable scope(Context context) {
        ScriptableObject scope = context.initSafeStandardObjects(null, false);
        USELESS.forEach(scope::delete);
        if (ScriptableObject.getProperty(scope, "String") instanceof Scriptable string
                && ScriptableObject.getProperty(string, "prototype") instanceof Scriptable prototype) {
            DANGEROUS.forEach(prototype::delete);
        }
        PacFunctions.define(scope, host);
        return scope;
    }

    private Function entry(Context context, Scriptable scope) throws PacException {
        script.exec(context, scope, scope);
        if (ScriptableObject.getProperty(scope, ENTRY) instanceof Function function) {
            return function;
        }
        throw new PacException(name + " has no function " + ENTRY, false);
    }

    /** Remembers where the entry function returned. */
    private static final class Lines implements Debugger {
        int line;

        @Override
        public @Nullable DebugFrame getFrame(Context context, DebuggableScript script) {
            return !ENTRY.equals(script.getFunctionName())
                    ? null
                    : new DebugFrame() {
                        @Override
                        public void onLineChange(Context in, int number) {
                            line = number;
                        }
                    };
        }
    }

    private interface Work<T> {
        T run() throws PacException;
    }

    /**
     * Does it on a thread of its own, and waits: as long as the limits say for a place, and then as long for the work.
     *
     * @param stuck how many questions of this script were given up and still run
     */
    private static <T> T onThread(String name, PacLimits limits, AtomicInteger stuck, Work<T> work)
            throws PacException {
        FutureTask<T> task = new FutureTask<>(() -> guarded(name, work));
        refuseStuck(name, stuck);
        try {
            if (!RUNNING.tryAcquire(limits.millis(), TimeUnit.MILLISECONDS)) {
                throw new PacException(name + " was not run: others take too long", true);
            }
            Place place = new Place(stuck);
            try {
                refuseStuck(name, stuck); // one that it has waited for may have been given up
                Thread thread = new Thread(null, () -> runAndLeave(task, place), "pac", STACK_BYTES);
                thread.setDaemon(true);
                thread.start();
            } catch (PacException | RuntimeException | Error e) {
                place.leave();
                throw e;
            }
            try {
                return task.get(limits.millis() + GRACE_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                place.abandon();
                throw new PacException(
                        name + " was given up: it ran longer than " + limits.millis()
                                + " ms, in a single step that can't be stopped",
                        true);
            }
        } catch (ExecutionException e) {
            if (e.getCause() instanceof PacException known) {
                throw known;
            }
            throw new PacException(name + ": " + e.getCause(), false);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new PacException(name + ": interrupted", false);
        }
    }

    /** Nobody waits for a script that has shown that it may not come back, and no further thread is spent on it. */
    private static void refuseStuck(String name, AtomicInteger stuck) throws PacException {
        if (stuck.get() > 0) {
            throw new PacException(
                    name
                            + " is not run any more: a question was given up and has not come to its end; correct the script",
                    true);
        }
        if (STUCK.get() >= MAX_STUCK) {
            throw new PacException(
                    name + " was not run: " + MAX_STUCK
                            + " questions to scripts were given up and have not come to their end; correct those scripts and"
                            + " start this network anew",
                    true);
        }
    }

    /** Questions that were given up and whose threads still run. */
    static int stuck() {
        return STUCK.get();
    }

    private static void runAndLeave(Runnable task, Place place) {
        try {
            task.run();
        } finally {
            place.leave();
        }
    }

    /** One of those that may run at a time; given to another while its thread is stuck, as long as there are not too many such. */
    private static final class Place {
        private final AtomicInteger stuck;
        private boolean left;
        private boolean abandoned;
        private boolean lent;

        Place(AtomicInteger stuck) {
            this.stuck = stuck;
        }

        synchronized void leave() {
            if (left) {
                return;
            }
            left = true;
            if (abandoned) {
                stuck.decrementAndGet();
            }
            if (lent) {
                STUCK.decrementAndGet();
            } else {
                RUNNING.release();
            }
        }

        synchronized void abandon() {
            if (left) {
                return;
            }
            abandoned = true;
            stuck.incrementAndGet();
            if (STUCK.getAndUpdate(n -> Math.min(n + 1, MAX_STUCK)) < MAX_STUCK) {
                lent = true;
                RUNNING.release();
            }
        }
    }

    private static <T> T guarded(String name, Work<T> work) throws PacException {
        try {
            return work.run();
        } catch (RhinoException e) {
            throw new PacException(name + " line " + e.lineNumber() + ": " + e.details(), false);
        } catch (Sandbox.Stopped e) {
            throw new PacException(name + " was stopped: " + e.getMessage(), true);
        } catch (StackOverflowError _) {
            throw new PacException(name + " was stopped: it calls itself too deeply", true);
        } catch (OutOfMemoryError _) {
            throw new PacException(name + " was stopped: it needs too much memory", true);
        }
    }
}
