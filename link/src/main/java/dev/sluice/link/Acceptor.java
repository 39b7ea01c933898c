package dev.sluice.link;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.loop.Work;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Takes connections from a listening socket, on the loop's thread. Out of descriptors it says so once, waits, and tries again: the
 * connections wait in the socket's backlog meanwhile.
 */
final class Acceptor {
    private static final int PER_TURN = 16;
    private static final long PAUSE_NANOS = 200_000_000;

    private final EventLoop loop;
    private final int fd;
    private final String name;
    private final IntUnaryOperator accept;
    private final IntConsumer taken;
    private final Consumer<String> problem;
    private @Nullable Watch watch;
    /** The last try failed, and was reported. */
    private boolean failing;

    private final Work more = new Work() {
        @Override
        protected void run() {
            acceptSome();
        }
    };

    private final Timer resume = Timer.of(this::acceptSome);

    /**
     * @param name for messages
     * @param taken gets each connection's descriptor and owns it
     */
    Acceptor(EventLoop loop, int fd, String name, IntConsumer taken, Consumer<String> problem) {
        this(loop, fd, name, Sockets::accept, taken, problem);
    }

    Acceptor(
            EventLoop loop, int fd, String name, IntUnaryOperator accept, IntConsumer taken, Consumer<String> problem) {
        this.loop = loop;
        this.fd = fd;
        this.name = name;
        this.accept = accept;
        this.taken = taken;
        this.problem = problem;
    }

    void start() throws PosixException {
        watch = loop.watch(fd, Epoll.IN, _ -> acceptSome());
    }

    private void acceptSome() {
        for (int i = 0; i < PER_TURN && watch != null; i++) {
            int connection = accept.applyAsInt(fd);
            if (connection >= 0) {
                if (failing) {
                    failing = false;
                    problem.accept(name + ": accepting guests again");
                }
                taken.accept(connection);
                continue;
            }
            switch (-connection) {
                case Errno.EAGAIN -> {
                    return;
                }
                case Errno.EINTR, Errno.ECONNABORTED -> {}
                default -> {
                    pause(-connection);
                    return;
                }
            }
        }
        if (watch != null) {
            loop.enqueue(more);
        }
    }

    private void pause(int errno) {
        if (!failing) {
            failing = true;
            String advice = switch (errno) {
                case Errno.EMFILE -> "; this process has too many files open, raise its limit (ulimit -n)";
                case Errno.ENFILE -> "; the system has too many files open";
                default -> "";
            };
            problem.accept(name + ": can't accept a guest (" + Errno.text(errno) + ")" + advice
                    + "; guests wait until it works again");
        }
        loop.schedule(resume, loop.now() + PAUSE_NANOS);
    }

    /** Ends it; the descriptor stays open. */
    void stop() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
        loop.cancel(resume);
    }
}
