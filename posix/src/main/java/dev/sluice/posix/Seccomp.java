package dev.sluice.posix;

import static dev.sluice.posix.Native.LONG;

import dev.sluice.posix.SystemCall.Architecture;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Taking from this process, for good, what it will not need any more (seccomp(2)). Needs no privilege. */
public final class Seccomp {
    private static final int PR_SET_NO_NEW_PRIVS = 38;
    private static final long SYS_SECCOMP_X86 = 317;
    private static final long SYS_SECCOMP_AARCH64 = 277;
    private static final int SET_MODE_FILTER = 1;
    private static final int GET_ACTION_AVAIL = 2;
    /** All threads, those that exist included. */
    private static final int TSYNC = 1;
    /** Without the slower branches and stores that older kernels give a process that runs strangers' code (Linux 4.17). */
    private static final int SPEC_ALLOW = 4;
    /** {@code struct sock_fprog}: a count of 16 bits, and the address. */
    private static final int FPROG = 16;

    private static final Call PRCTL = Call.of("prctl");
    private static final Call GETPID = Call.of("getpid");

    private Seccomp() {}

    /**
     * Finds out whether {@link #confine} will do.
     *
     * @throws PosixException if the kernel lacks filters, or whoever confined this process forbids more of them
     */
    public static void check() throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment action = arena.allocateFrom(ValueLayout.JAVA_INT, CallFilter.REFUSED & 0xffff_0000);
            int r = (int) Processes.syscall(number(Architecture.own()), GET_ACTION_AVAIL, 0, action.address(), 0);
            PosixException.check(r, "seccomp(SECCOMP_GET_ACTION_AVAIL)");
        }
    }

    private static long number(Architecture architecture) {
        return architecture == Architecture.AARCH64 ? SYS_SECCOMP_AARCH64 : SYS_SECCOMP_X86;
    }

    /**
     * From now on all threads, those there are and those to come, get EPERM for what {@link CallFilter} lists: starting programs and
     * processes, looking into other processes or signalling them, namespaces, mounts, other identities, and more.
     *
     * @param pidfd descriptor of the one process that may still be signalled and whose descriptors may be fetched; -1 for none
     */
    public static void confine(int pidfd) throws PosixException {
        Architecture architecture = Architecture.own();
        long[] program = CallFilter.program(architecture, GETPID.call(), pidfd);
        // else a program with more rights than ours could be started with a filter that it does not expect
        PosixException.check(PRCTL.call(PR_SET_NO_NEW_PRIVS, 1), "prctl(PR_SET_NO_NEW_PRIVS)");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment instructions = arena.allocateFrom(ValueLayout.JAVA_LONG, program);
            MemorySegment fprog = arena.allocate(FPROG, 8);
            fprog.set(ValueLayout.JAVA_SHORT, 0, (short) program.length);
            fprog.set(LONG, 8, instructions.address());
            long number = number(architecture);
            long r = Processes.syscall(number, SET_MODE_FILTER, TSYNC | SPEC_ALLOW, fprog.address(), 0);
            if (r == -Errno.EINVAL) {
                r = Processes.syscall(number, SET_MODE_FILTER, TSYNC, fprog.address(), 0);
            }
            // a thread with a filter of its own is named by its id
            PosixException.check(r > 0 ? -Errno.EBUSY : (int) r, "seccomp(SECCOMP_SET_MODE_FILTER)");
        }
    }
}
