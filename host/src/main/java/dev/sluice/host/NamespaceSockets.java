package dev.sluice.host;

import dev.sluice.loop.LateLogger;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * TCP sockets that were made inside another network namespace. A socket belongs to the namespace of whoever made it, however far it
 * travels, so the loop connects to services in there without ever going in.
 *
 * <p>A thread of its own makes them ahead of need: after setns(2) where we may, else through a {@link NamespaceHelper}. The thread
 * starts no other threads, since those would be born in the namespace. At most {@value #STOCK} sockets of a family wait here; who asks
 * when there is none gets -EAGAIN, and is told when there are some again, or never will be. A helper that was there and is lost is started
 * again, {@value #RESTARTS} times if it makes nothing between.
 *
 * <p>{@link #take} is for the loop, the rest for any thread.
 */
public final class NamespaceSockets implements AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.host");
    static final int STOCK = 32;
    static final int RESTARTS = 3;
    /** Out of descriptors or memory: when to try again. */
    private static final long PAUSE_NANOS = 1_000_000_000L;

    /** Sockets of one family, waiting. */
    private static final class Stock {
        final int family;
        final int[] sockets = new int[STOCK];
        int size;
        /** Nothing is made for a family that nobody has asked for. */
        boolean wanted;

        Stock(int family) {
            this.family = family;
        }
    }

    /** How sockets come to be made inside; on the thread. */
    private interface Maker extends AutoCloseable {
        /** Fills {@code out} with non-blocking sockets. */
        void make(int family, int[] out) throws IOException;

        /** Where /proc shows the namespace's network. */
        Path network();

        /** The descriptor of the process that makes them for us; -1 if there is none. */
        int process();

        @Override
        void close();
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Stock v4 = new Stock(Sockets.AF_INET);
    private final Stock v6 = new Stock(Sockets.AF_INET6);
    /** Null while nobody of ours is inside. */
    private @Nullable Path network;
    /** Of the process that is inside for us; -1 while there is none. */
    private int process = -1;
    /** Why that is so. */
    private String trouble = "";
    /** The network was there, and its tables can't be read any more. */
    private boolean unreadable;
    /** Somebody of ours was inside once. */
    private boolean entered;
    /** Of those who were inside, since sockets were made. */
    private int losses;

    private boolean closed;
    /** Somebody was turned away since the last change. */
    private boolean missed;

    private Runnable onChange = () -> {};

    /**
     * Begins to make sockets in {@code namespace}; returns at once.
     *
     * @param namespace descriptor of a network namespace; this object's own from now on
     */
    public NamespaceSockets(int namespace) {
        v4.wanted = true;
        Thread thread = new Thread(null, () -> run(namespace), "sluice-netns-sockets", 256 << 10);
        thread.setDaemon(true);
        thread.start();
    }

    /** Calls {@code listener}, on the thread that makes sockets or another, when there are some again after a -EAGAIN, or all is over. */
    void onChange(Runnable listener) {
        lock.lock();
        try {
            onChange = listener;
        } finally {
            lock.unlock();
        }
    }

    /** A socket of the namespace, non-blocking, the caller's; -EAGAIN if there is none at the moment, -ENETDOWN if there will be none. */
    public int take(int family) {
        Stock stock = family == Sockets.AF_INET6 ? v6 : v4;
        lock.lock();
        try {
            if (closed) {
                return -Errno.ENETDOWN;
            }
            int fd = stock.size == 0 ? -Errno.EAGAIN : stock.sockets[--stock.size];
            missed |= fd < 0;
            if (!stock.wanted || stock.size == STOCK / 2 || stock.size == 0) {
                stock.wanted = true;
                changed.signal();
            }
            return fd;
        } finally {
            lock.unlock();
        }
    }

    /**
     * A file of {@code /proc/net} as the namespace has it, such as {@code tcp}; waits until the namespace was entered.
     *
     * @throws IOException if it could not be, or is gone
     */
    public String read(String file) throws IOException {
        Path from = awaitNetwork();
        try {
            return Files.readString(from.resolve(file));
        } catch (IOException e) {
            boolean gone = Files.notExists(from.resolve("tcp"));
            lock.lock();
            try {
                unreadable |= gone && from.equals(network);
                changed.signalAll();
            } finally {
                lock.unlock();
            }
            throw e;
        }
    }

    private Path awaitNetwork() throws IOException {
        lock.lock();
        try {
            while (network == null) {
                if (closed) {
                    throw new IOException("nothing of ours is in the namespace" + trouble);
                }
                changed.await();
            }
            return network;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    private void run(int namespace) {
        try {
            do {
                try (Maker maker = maker(namespace)) {
                    entered(maker);
                    serve(maker);
                    return;
                } catch (IOException e) {
                    left(": " + e.getMessage());
                    LOG.log(System.Logger.Level.DEBUG, "no sockets of the namespace: {0}", e.getMessage());
                }
            } while (mayStartAgain());
        } finally {
            Io.close(namespace);
            close();
        }
    }

    /**
     * Waits until the namespace was entered, or could not be.
     *
     * @return the descriptor of the process in there that makes the sockets; -1 if there is none
     */
    public int awaitEntry() throws InterruptedException {
        lock.lock();
        try {
            while (network == null && !closed) {
                changed.await();
            }
            return process;
        } finally {
            lock.unlock();
        }
    }

    private void entered(Maker maker) {
        lock.lock();
        try {
            entered = true;
            network = maker.network();
            process = maker.process();
            trouble = "";
            unreadable = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void left(String why) {
        lock.lock();
        try {
            network = null;
            process = -1;
            trouble = why;
            unreadable = false;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private boolean mayStartAgain() {
        lock.lock();
        try {
            return entered && !closed && ++losses <= RESTARTS;
        } finally {
            lock.unlock();
        }
    }

    private static Maker maker(int namespace) throws IOException {
        try {
            Namespaces.enter(namespace, Namespaces.CLONE_NEWNET);
        } catch (PosixException e) {
            if (e.errno() != Errno.EPERM) {
                throw e;
            }
            return new Helped(NamespaceHelper.start(namespace));
        }
        return new Here(Path.of("/proc/thread-self").toRealPath().resolve("net"));
    }

    private void serve(Maker maker) throws IOException {
        int[] made = new int[STOCK / 2];
        while (true) {
            Stock stock = awaitNeed();
            if (stock == null) {
                return;
            }
            try {
                maker.make(stock.family, made);
            } catch (PosixException e) {
                pause(e);
                continue;
            }
            lock.lock();
            try {
                for (int fd : made) {
                    if (closed || stock.size == STOCK) {
                        Io.close(fd);
                    } else {
                        stock.sockets[stock.size++] = fd;
                    }
                }
                losses = 0;
            } finally {
                lock.unlock();
            }
            tell();
        }
    }

    private void tell() {
        Runnable listener = () -> {};
        lock.lock();
        try {
            if (missed) {
                missed = false;
                listener = onChange;
            }
        } finally {
            lock.unlock();
        }
        listener.run();
    }

    private void pause(PosixException reason) throws IOException {
        switch (reason.errno()) {
            case Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM -> {
                lock.lock();
                try {
                    long _ = closed ? 0 : changed.awaitNanos(PAUSE_NANOS);
                } catch (InterruptedException e) {
                    throw new IOException("interrupted", e);
                } finally {
                    lock.unlock();
                }
            }
            default -> throw reason;
        }
    }

    /** The stock to fill next; null at the end. */
    private @Nullable Stock awaitNeed() throws IOException {
        lock.lock();
        try {
            while (!closed) {
                if (unreadable) {
                    throw new IOException("its /proc/net cannot be read any more");
                }
                if (v4.wanted && v4.size <= STOCK / 2) {
                    return v4;
                }
                if (v6.wanted && v6.size <= STOCK / 2) {
                    return v6;
                }
                changed.await();
            }
            return null;
        } catch (InterruptedException e) {
            throw new IOException("interrupted", e);
        } finally {
            lock.unlock();
        }
    }

    /** Closes what waits, and lets thread and helper end. Sockets that were taken live on. Idempotent. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            for (Stock stock : new Stock[] {v4, v6}) {
                while (stock.size > 0) {
                    Io.close(stock.sockets[--stock.size]);
                }
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
        tell();
    }

    /** This thread is in the namespace. */
    private record Here(Path network) implements Maker {
        @Override
        public void make(int family, int[] out) throws IOException {
            for (int i = 0; i < out.length; i++) {
                int fd = Sockets.socket(family, Sockets.STREAM, 0);
                if (fd < 0) {
                    for (int j = 0; j < i; j++) {
                        Io.close(out[j]);
                    }
                    throw new PosixException("socket", -fd);
                }
                out[i] = fd;
            }
        }

        @Override
        public int process() {
            return -1;
        }

        @Override
        public void close() {}
    }

    /** A process is there for us. */
    private record Helped(NamespaceHelper helper) implements Maker {
        @Override
        public void make(int family, int[] out) throws IOException {
            helper.make(family, out);
        }

        @Override
        public Path network() {
            return Path.of("/proc", Integer.toString(helper.pid()), "net");
        }

        @Override
        public int process() {
            return helper.pidfd();
        }

        @Override
        public void close() {
            helper.close();
        }
    }
}
