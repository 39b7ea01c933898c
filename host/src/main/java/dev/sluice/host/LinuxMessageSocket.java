package dev.sluice.host;

import dev.sluice.loop.Watch;
import dev.sluice.loop.Watcher;
import dev.sluice.loop.Work;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.SocketAddress;
import dev.sluice.wire.Icmpv6Header;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** What UDP, ping and raw sockets share: receiving in batches, and the error queue (IP_RECVERR in ip(7)). */
abstract class LinuxMessageSocket extends Work implements Watcher {
    /** Errors and batches taken per call before others get their turn. */
    private static final int ERRORS_PER_TURN = 16;

    private static final int ATTEMPTS = 4;

    /** Values of {@code ee_origin}. */
    private static final int ORIGIN_LOCAL = 1;

    private static final int ORIGIN_ICMP = 2;
    private static final int ORIGIN_ICMP6 = 3;

    final LinuxDatagramHost host;
    final int fd;
    final DatagramInbox inbox;
    private @Nullable Watch watch;
    boolean closed;

    LinuxMessageSocket(LinuxDatagramHost host, int fd) {
        this.host = host;
        this.fd = fd;
        this.inbox = host.inbox();
    }

    /** Starts the events; on failure closes and returns why. */
    @Nullable
    PosixException watch() {
        try {
            watch = host.loop.watch(fd, Epoll.IN, this);
            return null;
        } catch (PosixException e) {
            closed = true;
            Io.close(fd);
            return e;
        }
    }

    @Override
    public final void onReady(int events) {
        if ((events & Epoll.ERR) != 0) {
            drainErrors();
        }
        run();
    }

    /** Receives one batch; comes back through the work queue if there may be more. */
    @Override
    protected final void run() {
        for (int i = 0; i < ATTEMPTS && !closed; i++) {
            int n = inbox.receive(fd);
            if (n == -Errno.EAGAIN) {
                return;
            }
            if (n < 0) {
                // An ICMP error is reported once by whatever call comes next, and is in the error queue as well.
                if (drainErrors() == 0 && i > 0) {
                    return; // Something else, such as no memory: the next datagram is the next attempt.
                }
                continue;
            }
            for (int slot = 0; slot < n && !closed; ) {
                slot += deliver(slot, n);
            }
            if (n == DatagramInbox.SLOTS && !closed) {
                host.loop.enqueue(this);
            }
            // A shorter batch means the queue was empty: the next datagram is a new edge.
            return;
        }
        if (!closed) {
            host.loop.enqueue(this);
        }
    }

    /** Hands on what is in {@code slot} of the inbox, and what belongs to it in those after it before {@code end}; how many slots. */
    abstract int deliver(int slot, int end);

    /** Hands on an error, as {@link DatagramSocket.Events#onError}; its data is {@code errorData} of the inbox after the headroom. */
    abstract void deliverError(
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            long offenderHigh,
            long offenderLow,
            long high,
            long low,
            int port,
            int length);

    /** Takes errors from the queue; how many there were. */
    final int drainErrors() {
        int count = 0;
        while (count < ERRORS_PER_TURN && !closed) {
            int n = inbox.receiveError(fd);
            if (n < 0) {
                return count;
            }
            count++;
            deliverError(n);
        }
        if (!closed) {
            host.loop.enqueue(this);
        }
        return count;
    }

    private void deliverError(int length) {
        long error = inbox.extendedError();
        if (error < 0) {
            return;
        }
        MemorySegment s = inbox.errorControl;
        int errno = s.get(ValueLayout.JAVA_INT, error);
        int origin = s.get(ValueLayout.JAVA_BYTE, error + 4);
        if (origin != ORIGIN_LOCAL && origin != ORIGIN_ICMP && origin != ORIGIN_ICMP6) {
            return;
        }
        boolean icmp = origin != ORIGIN_LOCAL;
        int type = icmp ? s.get(ValueLayout.JAVA_BYTE, error + 5) & 0xff : DatagramSocket.LOCAL;
        int code = icmp ? s.get(ValueLayout.JAVA_BYTE, error + 6) & 0xff : 0;
        if (origin == ORIGIN_ICMP6) {
            int translated = Icmpv6Header.toIcmpv4(type, code);
            if (translated < 0) {
                return;
            }
            type = translated >>> 8;
            code = translated & 0xff;
        }
        int mtu = errno == Errno.EMSGSIZE ? Math.max(0, s.get(ValueLayout.JAVA_INT, error + 8)) : 0;
        boolean offender = icmp && inbox.hasOffender(error);
        deliverError(
                errno,
                type,
                code,
                mtu,
                offender ? DatagramInbox.high(s, error + 16) : 0,
                offender ? DatagramInbox.low(s, error + 16) : 0,
                DatagramInbox.high(inbox.errorName, 0),
                DatagramInbox.low(inbox.errorName, 0),
                SocketAddress.port(inbox.errorName, 0),
                length);
    }

    void closeDescriptor() {
        closed = true;
        if (watch != null) {
            watch.close();
        }
        Io.close(fd);
    }
}
