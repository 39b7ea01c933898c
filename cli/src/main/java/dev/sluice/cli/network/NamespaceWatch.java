package dev.sluice.cli.network;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.Poll;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/**
 * Tells when the name of a namespace has gone, without looking again and again: an idle process shall sleep. {@code /proc/PID/ns/net}
 * goes with its process, for which there are process descriptors (pidfd_open(2)). {@code /run/netns/NAME} is a mount, and the list of
 * mounts can be waited for (proc_pid_mounts(5)); also its removal in another mount namespace ends the mount in ours.
 */
public final class NamespaceWatch {
    private static final String MOUNTS = "/proc/self/mountinfo";
    /** What neither of them tells is still seen, later: a process that moves to another namespace, a link that is set anew. */
    private static final int LOOK_MILLIS = 10_000;
    /** Where the kernel is too old (5.3) for process descriptors. */
    private static final int BLIND_MILLIS = 250;

    private NamespaceWatch() {}

    /** Calls back once, on a thread of its own, when process {@code pid} has ended. */
    public static void onEnd(int pid, Runnable callback) {
        start(process(pid), Path.of("/proc", Integer.toString(pid), "ns", "net"), callback);
    }

    /** Calls back once, on a thread of its own, when {@code path} is gone or names another namespace. */
    public static void onGone(Path path, Runnable callback) {
        start(process(path), path, callback);
    }

    /** @param process was opened by the caller: a thread would perhaps come too late, when nothing more may be opened */
    private static void start(int process, Path path, Runnable callback) {
        Thread.ofPlatform().daemon().name("namespace-watch").start(() -> {
            await(process, path);
            callback.run();
        });
    }

    /** A descriptor that is readable once the process has ended; negative if there is none. */
    private static int process(int pid) {
        return Namespaces.pidfdOpen(pid);
    }

    /** As {@link #process(int)}, for the process that {@code path} belongs to, if it lies in one's folder. */
    private static int process(Path path) {
        boolean inProc = path.startsWith("/proc") && path.getNameCount() > 2;
        String name = inProc ? path.getName(1).toString() : "";
        return name.matches("[1-9][0-9]{0,8}") ? process(Integer.parseInt(name)) : -Errno.EINVAL;
    }

    private static void await(int process, Path path) {
        int mounts = process < 0 ? Io.open(MOUNTS, Io.O_RDONLY) : -1;
        Object identity = identity(path);
        while (identity != null && identity.equals(identity(path))) {
            if (process >= 0) {
                if (Poll.await(process, Poll.IN, LOOK_MILLIS) > 0) {
                    break;
                }
            } else if (mounts >= 0 && !path.startsWith("/proc")) {
                Poll.await(mounts, Poll.PRI, LOOK_MILLIS);
            } else {
                Poll.await(-1, 0, BLIND_MILLIS);
            }
        }
        close(process);
        close(mounts);
    }

    private static void close(int fd) {
        if (fd >= 0) {
            Io.close(fd);
        }
    }

    private static @Nullable Object identity(Path path) {
        try {
            return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
        } catch (IOException e) {
            return null;
        }
    }
}
