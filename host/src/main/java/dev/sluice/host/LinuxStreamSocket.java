package dev.sluice.host;

import dev.sluice.loop.Watch;
import dev.sluice.loop.Watcher;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A stream socket under epoll: registered once for both directions, edge-triggered, so readiness never costs a system call. */
final class LinuxStreamSocket implements StreamSocket, Watcher {
    /** Seconds between probes that nobody answers: what Linux waits by itself; after nine the connection is broken (tcp(7)). */
    private static final int LONGEST_INTERVAL = 75;

    private final LinuxStreamHost host;
    /** −1 while it waits for one, and if it never gets one. */
    int fd;

    private StreamSocket.Events events;
    private @Nullable Watch watch;
    private boolean connecting;
    private boolean closed;
    /** See {@link #mayHoldMore}. */
    private boolean mayHoldMore;

    /** It is TCP's: other streams have borders that splicing does not keep. */
    private boolean tcp = true;

    private boolean broken;
    private boolean keptAlive;
    private int errno;

    private LinuxStreamSocket(LinuxStreamHost host, int fd, Events events) {
        this.host = host;
        this.fd = fd;
        this.events = events;
    }

    /** A socket that has no descriptor yet: {@link #connecting} or {@link #fail} comes next. */
    static LinuxStreamSocket waiting(LinuxStreamHost host, Events events) {
        return new LinuxStreamSocket(host, -1, events);
    }

    /** Its connection is under way, on a descriptor that is its own from now on. */
    void connecting(int descriptor) {
        fd = descriptor;
        connecting = true;
        register();
    }

    /** It never comes to be: tells its owner so in a later turn. */
    void fail(int number) {
        closed = true;
        errno = number;
        host.loop.execute(() -> events.onConnectFailed(error()));
    }

    boolean isClosed() {
        return closed;
    }

    /** Its stream has borders that stop reads; so it may be with vsock. */
    LinuxStreamSocket ofUnixDomain() {
        mayHoldMore = true;
        tcp = false;
        return this;
    }

    /** A socket that is connected; {@link #attach} starts its events. */
    static LinuxStreamSocket connected(LinuxStreamHost host, int fd, Events placeholder) {
        return new LinuxStreamSocket(host, fd, placeholder);
    }

    void attach(Events events) {
        this.events = events;
        if (!closed) { // whoever accepted it may have refused it already
            register();
        }
    }

    private void register() {
        try {
            watch = host.loop.watch(fd, Epoll.IN | Epoll.OUT | Epoll.RDHUP | Epoll.PRI, this);
        } catch (PosixException e) {
            errno = e.errno();
            boolean wasConnecting = connecting;
            close();
            host.loop.execute(() -> {
                if (wasConnecting) {
                    events.onConnectFailed(error());
                } else {
                    events.onReadable(); // the read will fail and tell
                }
            });
        }
    }

    @Override
    public void onReady(int bits) {
        if (connecting) {
            if ((bits & (Epoll.OUT | Epoll.ERR | Epoll.HUP)) == 0) {
                return;
            }
            connecting = false;
            int failure = Sockets.option(fd, Sockets.SOL_SOCKET, Sockets.SO_ERROR);
            if (failure != 0) {
                errno = Math.abs(failure);
                close();
                events.onConnectFailed(error());
                return;
            }
            events.onConnected();
        }
        mayHoldMore |= (bits & (Epoll.RDHUP | Epoll.HUP | Epoll.ERR | Epoll.PRI)) != 0;
        broken |= (bits & Epoll.ERR) != 0;
        // A callback may close the socket: look before each.
        if (!closed && (bits & (Epoll.IN | Epoll.RDHUP | Epoll.HUP | Epoll.ERR | Epoll.PRI)) != 0) {
            events.onReadable();
        }
        if (!closed && (bits & Epoll.OUT) != 0) {
            events.onWritable();
        }
    }

    @Override
    public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (closed) {
            return FAILED;
        }
        while (true) {
            int n;
            if (wrapLength == 0) {
                n = Io.read(fd, memory, at, length);
            } else {
                Io.putIovec(host.iovecs, 0, memory, at, length);
                Io.putIovec(host.iovecs, 1, memory, wrapAt, wrapLength);
                n = Io.readv(fd, host.iovecs, 2);
            }
            if (n > 0) {
                return n;
            }
            if (n == 0) {
                return END;
            }
            if (n != -Errno.EINTR) {
                return failure(-n);
            }
        }
    }

    @Override
    public int peek(MemorySegment memory, long at, int length) {
        if (closed) {
            return FAILED;
        }
        while (true) {
            int n = Sockets.recv(fd, memory, at, length, Sockets.MSG_PEEK);
            if (n > 0) {
                return n;
            }
            if (n == 0) {
                return END;
            }
            if (n != -Errno.EINTR) {
                return failure(-n);
            }
        }
    }

    /** TCP throws the bytes away without copying them (MSG_TRUNC of tcp(7)); Unix sockets and vsock ignore the flag and copy. */
    @Override
    public void skip(MemorySegment memory, long at, int length) {
        int left = length;
        while (left > 0 && !closed) {
            int n = Sockets.recv(fd, memory, at, left, Sockets.MSG_TRUNC);
            if (n > 0) {
                left -= n;
            } else if (n != -Errno.EINTR) {
                return; // cannot be: the bytes are there
            }
        }
    }

    @Override
    public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
        if (closed) {
            return FAILED;
        }
        while (true) {
            int n;
            if (wrapLength == 0) {
                n = Sockets.send(fd, memory, at, length, Sockets.MSG_NOSIGNAL);
            } else {
                Io.putIovec(host.iovecs, 0, memory, at, length);
                Io.putIovec(host.iovecs, 1, memory, wrapAt, wrapLength);
                n = Io.writev(fd, host.iovecs, 2); // the JVM ignores SIGPIPE
            }
            if (n >= 0) {
                return n;
            }
            if (n != -Errno.EINTR) {
                return failure(-n);
            }
        }
    }

    @Override
    public int write(MemorySegment memory, long[] at, int[] lengths, int count) {
        if (closed) {
            return FAILED;
        }
        for (int i = 0; i < count; i++) {
            Io.putIovec(host.iovecs, i, memory, at[i], lengths[i]);
        }
        while (true) {
            int n = Io.writev(fd, host.iovecs, count);
            if (n >= 0) {
                return n;
            }
            if (n != -Errno.EINTR) {
                return failure(-n);
            }
        }
    }

    @Override
    public boolean splices() {
        return tcp && host.splices;
    }

    @Override
    public int spliceInto(KernelPipe pipe, int length) {
        if (closed) {
            return FAILED;
        }
        int n = pipe.fill(fd, length);
        if (n == -Errno.EINVAL || n == -Errno.ENOSYS || n == -Errno.EPERM) {
            host.splices = false; // a kernel, or a filter around this process, without it
            return 0;
        }
        return n > 0 ? n : n == 0 ? END : failure(-n);
    }

    @Override
    public int spliceFrom(KernelPipe pipe) {
        if (closed) {
            return FAILED;
        }
        int n = pipe.drain(fd);
        return n > 0 ? n : failure(n == 0 ? Errno.EIO : -n);
    }

    private int failure(int number) {
        if (number == Errno.EAGAIN) {
            return WOULD_BLOCK;
        }
        errno = number;
        return FAILED;
    }

    @Override
    public boolean mayHoldMore() {
        return mayHoldMore;
    }

    @Override
    public @Nullable IpAddress localAddress() {
        return closed ? null : host.localAddress(fd);
    }

    @Override
    public int localPort() {
        return closed ? 0 : host.localPort(fd);
    }

    @Override
    public boolean broken() {
        return broken;
    }

    @Override
    public void keepAlive(int seconds) {
        if (!closed && fd >= 0 && !keptAlive) {
            keptAlive = true;
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_KEEPALIVE, 1);
            Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_KEEPINTVL, Math.min(seconds, LONGEST_INTERVAL));
            // last, as it looks how long the stream has been idle: perhaps the first probe is due
            Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_KEEPIDLE, seconds);
        }
    }

    @Override
    public void shutdownOutput() {
        if (!closed) {
            Sockets.shutdown(fd, Sockets.SHUT_WR);
        }
    }

    @Override
    public void close() {
        int open = release();
        if (open >= 0) {
            Io.close(open);
        }
    }

    @Override
    public void reset() {
        int open = release();
        if (open >= 0) {
            host.lastWords.reset(open);
        }
    }

    /** Nothing happens here any more; the descriptor is the caller's, -1 if there is none to close. */
    private int release() {
        if (closed) {
            return -1;
        }
        closed = true;
        if (watch != null) {
            watch.close();
        }
        return fd;
    }

    @Override
    public HostError error() {
        return LinuxStreamHost.error(errno);
    }
}
