package dev.sluice.proxy.pac;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.ContextFactory;

/** Where scripts run: interpreted, without Java, and not for ever. */
final class Sandbox extends ContextFactory {
    /** Steps between two looks at the limits. */
    private static final int STEPS = 10_000;

    private static final int MAX_DEPTH = 500;

    /** A limit was passed; no catch of a script holds it, as it comes again with the next look. */
    static final class Stopped extends Error {
        private static final long serialVersionUID = 1L;

        Stopped(String message) {
            super(message, null, false, false);
        }
    }

    /** A context that knows its limits; used by the thread that made it only. */
    static final class Limited extends Context {
        private final ThreadMXBean threads;
        private final long limitBytes;
        private final long deadline;
        private final long millis;
        private int lookups;

        Limited(ContextFactory factory, PacLimits limits) {
            super(factory);
            threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
            limitBytes = threads.getCurrentThreadAllocatedBytes() + limits.bytes();
            millis = limits.millis();
            deadline = System.nanoTime() + millis * 1_000_000;
            lookups = limits.lookups();
        }

        void check() {
            if (System.nanoTime() - deadline > 0) {
                throw new Stopped("it ran longer than " + millis + " ms");
            }
            checkMemory();
        }

        void checkMemory() {
            if (threads.getCurrentThreadAllocatedBytes() > limitBytes) {
                throw new Stopped("it needs too much memory");
            }
        }

        /**
         * What a name leads to; nothing if that is not found out within half of the time that is left, so that a server that is silent about
         * one name keeps nobody from being told the way to others.
         */
        List<InetAddress> lookUp(Supplier<List<InetAddress>> names) {
            check();
            if (lookups-- <= 0) {
                throw new Stopped("it looks up too many names");
            }
            FutureTask<List<InetAddress>> task = new FutureTask<>(names::get);
            Thread.ofVirtual().name("pac-lookup").start(task);
            List<InetAddress> found;
            try {
                found = task.get((deadline - System.nanoTime()) / 2, TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                found = List.of();
            } catch (ExecutionException e) {
                throw new IllegalStateException("a name lookup has failed inside", e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new Stopped("interrupted");
            } finally {
                task.cancel(true);
            }
            check();
            return found;
        }
    }

    private final PacLimits limits;

    Sandbox(PacLimits limits) {
        this.limits = limits;
    }

    @Override
    protected Context makeContext() {
        Limited context = new Limited(this, limits);
        context.setInterpretedMode(true);
        context.setMaximumInterpreterStackDepth(MAX_DEPTH);
        context.setInstructionObserverThreshold(STEPS);
        context.setLanguageVersion(Context.VERSION_ES6);
        context.setGeneratingDebug(true);
        context.setClassShutter(_ -> false);
        return context;
    }

    @Override
    protected void observeInstructionCount(Context context, int instructions) {
        ((Limited) context).check();
    }

    /** For the end of a script: what it answers in time is taken, but not at any price. */
    static void checkMemory(Context context) {
        ((Limited) context).checkMemory();
    }
}
