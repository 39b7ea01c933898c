package dev.sluice.link.tap;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.Poll;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Processes;
import dev.sluice.posix.Spawn;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A shell that {@code unshare} or {@code nsenter} has put into other namespaces and that talks with us in lines: it reports on descriptor
 * {@value #STATUS}, obeys on {@value #COMMANDS}, and holds the opened TAP device at {@value #DEVICE}. Its standard error is collected
 * here; our own is at {@value #STANDARD_ERROR}.
 *
 * <p>The command pipe's other end is held by this process alone, so the shell sees our end however we end. Methods block: call them on
 * platform threads. {@link #send}, {@link #kill}, {@link #waitFor} and {@link #close} are for any thread, the rest for one.
 */
public final class SetupShell implements AutoCloseable {
    public static final int DEVICE = 3;
    public static final int STATUS = 4;
    public static final int COMMANDS = 5;
    public static final int STANDARD_ERROR = 6;

    private static final int ERROR_LIMIT = 4096;
    private static final int LINE_LIMIT = 1024;

    private final int status;
    private final int commands;
    private final int errors;
    private final int pidfd;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();
    private final ByteArrayOutputStream partialLine = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errorText = new ByteArrayOutputStream();
    private volatile int shellPidfd = -1;
    private boolean closed;

    private SetupShell(int status, int commands, int errors, int pidfd) {
        this.status = status;
        this.commands = commands;
        this.errors = errors;
        this.pidfd = pidfd;
    }

    /** Starts {@code process}, whose descriptors {@value #STATUS} to {@value #STANDARD_ERROR} and 2 are mapped here. */
    public static SetupShell start(Spawn process) throws PosixException {
        int[] status = Io.pipe(0);
        int[] commands = Io.pipe(0);
        int[] errors = Io.pipe(0);
        int pid = -1;
        try {
            process.descriptor(2, STANDARD_ERROR)
                    .descriptor(status[1], STATUS)
                    .descriptor(commands[0], COMMANDS)
                    .descriptor(errors[1], 2);
            pid = process.start();
        } finally {
            Io.close(status[1]);
            Io.close(commands[0]);
            Io.close(errors[1]);
            if (pid < 0) {
                Io.close(status[0]);
                Io.close(commands[1]);
                Io.close(errors[0]);
            }
        }
        Io.setNonBlocking(errors[0]);
        int child = pid;
        SetupShell shell = new SetupShell(status[0], commands[1], errors[0], Namespaces.pidfdOpen(child));
        Thread.ofPlatform().name("sluice-child").daemon().start(() -> shell.ended.complete(Processes.waitFor(child)));
        return shell;
    }

    /**
     * The next line of its report; null once it has ended.
     *
     * @throws IOException if nothing comes for {@code timeoutSeconds}
     */
    public @Nullable String readLine(int timeoutSeconds) throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(timeoutSeconds);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment one = arena.allocate(1);
            while (true) {
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                int seen = Poll.await(status, Poll.IN, (int) Math.max(0, left));
                if (seen == -Errno.EINTR) {
                    continue;
                }
                if (seen == 0) {
                    throw new IOException("the helper shell in the namespace gave no answer within " + timeoutSeconds
                            + " s" + (errors().isEmpty() ? "" : ": " + errors()));
                }
                // one byte a time: few lines, and nothing behind them may be swallowed
                int n = Io.read(status, one, 0, 1);
                if (n <= 0) {
                    return null;
                }
                byte b = one.get(ValueLayout.JAVA_BYTE, 0);
                if (b != '\n' && partialLine.size() < LINE_LIMIT) {
                    partialLine.write(b);
                    continue;
                }
                String line = partialLine.toString(StandardCharsets.UTF_8);
                partialLine.reset();
                return line;
            }
        }
    }

    /** The last line of its report that was not read yet; empty if there is none. Does not wait: for when it has ended. */
    public String lastLine() {
        StringBuilder text = new StringBuilder();
        synchronized (ended) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment buffer = arena.allocate(LINE_LIMIT);
                int n;
                while (!closed
                        && text.length() < LINE_LIMIT
                        && Poll.await(status, Poll.IN, 0) > 0
                        && (n = Io.read(status, buffer, 0, LINE_LIMIT)) > 0) {
                    text.append(
                            new String(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8));
                }
            }
        }
        String all = text.toString().strip();
        return all.substring(all.lastIndexOf('\n') + 1);
    }

    /** Sends a line; false if the shell is gone. */
    public boolean send(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.UTF_8);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(bytes.length);
            MemorySegment.copy(bytes, 0, buffer, ValueLayout.JAVA_BYTE, 0, bytes.length);
            synchronized (ended) {
                // the runtime ignores SIGPIPE: a dead reader is an error here, not the end of us
                return !closed && Io.write(commands, buffer, 0, bytes.length) == bytes.length;
            }
        }
    }

    /** What it and its tools wrote to standard error so far, cut to some lines. */
    public String errors() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(512);
            int n;
            while (errorText.size() < ERROR_LIMIT && (n = Io.read(errors, buffer, 0, 512)) > 0) {
                errorText.writeBytes(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
            }
        }
        return errorText.toString(StandardCharsets.UTF_8).strip().replaceAll("\\s*\\n\\s*", "; ");
    }

    /** Kills the shell if it has reported itself, else the process that was started. */
    public void kill() {
        synchronized (ended) {
            if (!closed) {
                Processes.signal(shellPidfd >= 0 ? shellPidfd : pidfd, Processes.SIGKILL);
            }
        }
    }

    /** Blocks until the process that was started ends: its exit code, or 128 + the signal that ended it. */
    public int waitFor() {
        return ended.join();
    }

    public boolean hasEnded() {
        return ended.isDone();
    }

    /**
     * Copies the device the shell holds home: a close-on-exec, non-blocking descriptor.
     *
     * @param pid the shell's process id, as it reported it
     */
    public int fetchDevice(int pid) throws PosixException {
        shellPidfd = PosixException.check(Namespaces.pidfdOpen(pid), "pidfd_open(" + pid + ")");
        int fd = PosixException.check(
                Namespaces.pidfdGetfd(shellPidfd, DEVICE),
                "cannot fetch the TAP descriptor from the helper process (pidfd_getfd, needs Linux 5.6 and the right"
                        + " to trace own processes)");
        Io.setNonBlocking(fd);
        return fd;
    }

    /** Lets the shell see our end: it ends too, with all that it watches over. Idempotent; does not wait. */
    @Override
    public void close() {
        synchronized (ended) {
            if (closed) {
                return;
            }
            closed = true;
            Io.close(commands);
            Io.close(status);
            Io.close(errors);
            Io.close(pidfd);
            if (shellPidfd >= 0) {
                Io.close(shellPidfd);
            }
        }
    }
}
