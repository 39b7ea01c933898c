package dev.sluice.posix;

import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Network namespaces and descriptors of other processes (setns(2), pidfd_open(2), pidfd_getfd(2), ioctl_ns(2)). */
public final class Namespaces {
    public static final int CLONE_NEWNS = 0x0002_0000;
    public static final int CLONE_NEWUSER = 0x1000_0000;
    public static final int CLONE_NEWNET = 0x4000_0000;

    private static final long SYS_PIDFD_OPEN = 434;
    private static final long SYS_PIDFD_GETFD = 438;
    private static final long NS_GET_USERNS = 0xb701;
    private static final long NS_GET_NSTYPE = 0xb703;

    private static final Call SETNS = Call.of("setns");
    private static final Call UNSHARE = Call.of("unshare");

    private Namespaces() {}

    /**
     * Moves the calling platform thread into a namespace, for good. Threads it starts afterwards are born there, so it must start none
     * (virtual threads included) and should end soon: see {@link #callIn}.
     *
     * @param type {@link #CLONE_NEWNET} or 0 for any
     */
    public static void enter(int namespace, int type) throws PosixException {
        PosixException.check(SETNS.call(namespace, type), "setns");
    }

    /** Moves the calling platform thread into new namespaces of {@code types}; the warnings of {@link #enter} hold. */
    public static void unshare(int types) throws PosixException {
        PosixException.check(UNSHARE.call(types), "unshare(0x" + Integer.toHexString(types) + ")");
    }

    /**
     * Does {@code work} inside a network namespace, on a thread made for it, and waits for its end. {@code work} must start no threads
     * of any kind, nor use anything that may (executors, HTTP clients, virtual threads): those would live in the namespace.
     *
     * @return what {@code work} returns; empty if this process has no right to enter the namespace
     * @throws Exception what {@code work} throws
     */
    public static <T> Optional<T> callIn(int networkNamespace, Callable<T> work) throws Exception {
        FutureTask<Optional<T>> task = new FutureTask<>(() -> {
            try {
                enter(networkNamespace, CLONE_NEWNET);
            } catch (PosixException e) {
                if (e.errno() == Errno.EPERM) {
                    return Optional.empty();
                }
                throw e;
            }
            return Optional.of(work.call());
        });
        Thread.ofPlatform().name("sluice-netns").daemon().start(task);
        try {
            return task.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof Exception cause ? cause : e;
        }
    }

    /** A descriptor for process {@code pid} (Linux 5.3), or negated errno: -ESRCH if there is none. Readable once it has ended. */
    public static int pidfdOpen(int pid) {
        return (int) Processes.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0);
    }

    /**
     * A copy of another process's descriptor (Linux 5.6), close-on-exec, or negated errno: -EPERM unless we may trace that process.
     *
     * @param theirs its number over there
     */
    public static int pidfdGetfd(int pidfd, int theirs) {
        return (int) Processes.syscall(SYS_PIDFD_GETFD, pidfd, theirs, 0, 0);
    }

    /** A descriptor of the user namespace that owns {@code namespace}, or negated errno: -EPERM if that is above our own. */
    public static int userNamespaceOf(int namespace) {
        return Tun.ioctl(namespace, NS_GET_USERNS, 0);
    }

    /** {@link #CLONE_NEWNET} and so on; -ENOTTY if the descriptor is no namespace. */
    public static int type(int namespace) {
        return Tun.ioctl(namespace, NS_GET_NSTYPE, 0);
    }
}
