package dev.sluice.proxy.pac;

import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
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

    /** All scripts together; one that was given up keeps its place until it ends. */
    private static final Semaphore RUNNING = new Semaphore(AT_A_TIME);

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
        return onThread(name, limits, () -> {
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
        return onThread(name, limits, () -> {
            try (Context context = sandbox.enterContext()) {
                Scriptable scope = scope(context);
                Function entry = entry(context, scope);
                Lines lines = new Lines();
                context.setDebugger(lines, null);
                Object answer = entry.call(context, scope, scope, new Object[] {url, host});
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

    private static <T> T onThread(String name, PacLimits limits, Work<T> work) throws PacException {
        FutureTask<T> task = new FutureTask<>(() -> guarded(name, work));
        long patience = limits.millis() + GRACE_MILLIS;
        try {
            if (!RUNNING.tryAcquire(patience, TimeUnit.MILLISECONDS)) {
                throw new PacException(name + " was not run: others take too long", true);
            }
            Thread thread = new Thread(null, () -> runAndRelease(task), "pac", STACK_BYTES);
            thread.setDaemon(true);
            thread.start();
            return task.get(patience, TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            throw new PacException(name + " was given up: it ran longer than " + limits.millis() + " ms", true);
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

    private static void runAndRelease(Runnable task) {
        try {
            task.run();
        } finally {
            RUNNING.release();
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
