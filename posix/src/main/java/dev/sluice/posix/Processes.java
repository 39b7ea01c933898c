package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;
import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Processes and signals; {@link Spawn} starts one. */
public final class Processes {
    public static final int SIGHUP = 1;
    public static final int SIGINT = 2;
    public static final int SIGQUIT = 3;
    public static final int SIGKILL = 9;
    public static final int SIGUSR1 = 10;
    public static final int SIGUSR2 = 12;
    public static final int SIGPIPE = 13;
    public static final int SIGTERM = 15;
    public static final int SIGCHLD = 17;
    public static final int SIGCONT = 18;
    public static final int SIGSTOP = 19;
    public static final int SIGTSTP = 20;

    private static final long SIG_IGN = 1;
    private static final int WNOHANG = 1;
    /** {@code sizeof(struct sigaction)}: handler, mask of 128 bytes, flags, restorer. */
    private static final int SIGACTION = 152;

    private static final long SYS_PIDFD_SEND_SIGNAL = 424;

    private static final Call WAITPID = Call.of("waitpid");
    private static final Call KILL = Call.of("kill");
    private static final Call SIGACTION_CALL = Call.of("sigaction");
    private static final Call GETUID = Call.of("getuid");
    private static final Call GETEUID = Call.of("geteuid");
    private static final Call SYSCALL = Call.of("syscall");

    private Processes() {}

    /**
     * Blocks until the child {@code pid} ends and forgets it.
     *
     * @return its exit code, 128 + the signal that ended it, or negated errno (-ECHILD: no such child)
     */
    public static int waitFor(int pid) {
        int r;
        do {
            r = wait(pid, 0);
        } while (r == -Errno.EINTR);
        return r;
    }

    /** As {@link #waitFor} without blocking: -EAGAIN while the child runs. */
    public static int poll(int pid) {
        return wait(pid, WNOHANG);
    }

    private static int wait(int pid, int options) {
        MemorySegment state = Native.state();
        int r = WAITPID.call(pid, state.address() + Native.SCRATCH, options);
        if (r <= 0) {
            return r == 0 ? -Errno.EAGAIN : r;
        }
        int status = state.get(INT, Native.SCRATCH);
        int signal = status & 0x7f;
        return signal == 0 ? status >>> 8 & 0xff : 128 + signal;
    }

    /** kill(2): zero or negated errno. Signal 0 only asks whether the process is there. */
    public static int kill(int pid, int signal) {
        return KILL.call(pid, signal);
    }

    /** Signals the process behind a pidfd, and never another that got its number since. */
    public static int signal(int pidfd, int signal) {
        return (int) syscall(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, 0, 0);
    }

    /** A raw system call: its result or negated errno. */
    static long syscall(long number, long a, long b, long c, long d) {
        MemorySegment state = Native.state();
        long r = SYSCALL.raw(state, number, a, b, c, d, 0);
        return r == -1 ? -Native.errno(state) : r;
    }

    public static int uid() {
        return id(GETUID);
    }

    public static int effectiveUid() {
        return id(GETEUID);
    }

    private static int id(Call call) {
        return (int) call.raw(Native.state(), 0, 0, 0, 0, 0, 0);
    }

    /**
     * Undoes what whoever started us may have left: where SIGCHLD is ignored, the kernel forgets how children end before anybody can ask
     * (waitpid(2)).
     */
    static void reapChildren() {
        try (Arena arena = Arena.ofConfined()) {
            sigaction(SIGCHLD, arena.allocate(SIGACTION, 8).address(), 0); // all zeros: SIG_DFL
        }
    }

    /**
     * Makes this process ignore {@code signal}, past the Java runtime's own handler, until the result is closed. Children inherit that
     * unless {@link Spawn#defaultSignal} says otherwise.
     */
    public static IgnoredSignal ignore(int signal) {
        Arena arena = Arena.ofShared();
        MemorySegment previous = arena.allocate(SIGACTION, 8);
        MemorySegment ignore = arena.allocate(SIGACTION, 8);
        ignore.set(LONG, 0, SIG_IGN);
        sigaction(signal, ignore.address(), previous.address());
        return new IgnoredSignal(signal, arena, previous);
    }

    private static void sigaction(int signal, long action, long previous) {
        int r = SIGACTION_CALL.call(signal, action, previous);
        if (r < 0) {
            throw new IllegalArgumentException("signal " + signal + ": " + Errno.text(-r));
        }
    }

    /** A signal this process ignores for now; closing restores what was before. */
    public static final class IgnoredSignal implements AutoCloseable {
        private final int signal;
        private final Arena arena;
        private final MemorySegment previous;

        private IgnoredSignal(int signal, Arena arena, MemorySegment previous) {
            this.signal = signal;
            this.arena = arena;
            this.previous = previous;
        }

        /** Whether it was ignored before already, as SIGINT in background jobs of scripts; children should inherit that. */
        public boolean wasIgnored() {
            return previous.get(LONG, 0) == SIG_IGN;
        }

        @Override
        public void close() {
            sigaction(signal, previous.address(), 0);
            arena.close();
        }
    }
}
