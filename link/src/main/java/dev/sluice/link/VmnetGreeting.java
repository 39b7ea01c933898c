package dev.sluice.link;

import dev.sluice.link.vmnet.VmnetHandshake;
import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Watch;
import dev.sluice.posix.Epoll;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Carries out one {@link VmnetHandshake} on a connection, on the loop's thread, within a given time. */
final class VmnetGreeting {
    /** Told how it ended; exactly one of the two is called, unless {@link #cancel}led. */
    interface Outcome {
        /** The guest is known; the descriptor, which holds its frames next, is the outcome's now. */
        void welcomed(VmnetGreeting greeting, int fd, VmnetHandshake handshake);

        /** The connection is closed. */
        void failed(VmnetGreeting greeting, String reason);
    }

    static final long TIMEOUT_NANOS = 10_000_000_000L;

    private final EventLoop loop;
    private final int fd;
    private final VmnetHandshake handshake;
    private final Outcome outcome;
    private final MemorySegment buffer = Arena.ofAuto().allocate(VmnetHandshake.RESPONSE_LENGTH);
    private final byte[] bytes = new byte[VmnetHandshake.INIT_LENGTH];
    private final long patience;
    private final Timer timeout;
    private @Nullable Watch watch;
    private boolean over;

    /** @param patience nanoseconds for all of it; {@link #TIMEOUT_NANOS} but for tests */
    VmnetGreeting(EventLoop loop, int fd, VmnetHandshake handshake, long patience, Outcome outcome) {
        this.patience = patience;
        this.timeout = Timer.of(
                () -> fail("did not complete its handshake within " + patience / 1_000_000_000.0 + " seconds"));
        this.loop = loop;
        this.fd = fd;
        this.handshake = handshake;
        this.outcome = outcome;
    }

    void start() {
        loop.schedule(timeout, loop.now() + patience);
        try {
            watch = loop.watch(fd, Epoll.IN | Epoll.RDHUP, _ -> read());
        } catch (PosixException e) {
            fail(e.getMessage() == null ? "can't be watched" : e.getMessage());
        }
    }

    private void read() {
        while (!over && handshake.wanted() > 0) {
            int n = Io.read(fd, buffer, 0, handshake.wanted());
            if (n == -Errno.EAGAIN) {
                return;
            } else if (n == 0) {
                fail("disconnected before its handshake was complete");
            } else if (n < 0 && n != -Errno.EINTR) {
                fail("the connection failed: " + Errno.text(-n));
            } else if (n > 0) {
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, 0, n);
                answer(handshake.feed(bytes, 0, n));
            }
        }
    }

    private void answer(byte[] reply) {
        MemorySegment.copy(reply, 0, buffer, ValueLayout.JAVA_BYTE, 0, reply.length);
        // At most 307 bytes in all, into an empty socket buffer: a short write means that something is very wrong.
        int sent = reply.length == 0 ? 0 : Sockets.send(fd, buffer, 0, reply.length, Sockets.MSG_NOSIGNAL);
        switch (handshake.state()) {
            case FAILED -> fail(handshake.failure());
            case DONE -> {
                end();
                // The frames are the link's concern, which closes itself if the guest is gone already.
                outcome.welcomed(this, fd, handshake);
            }
            case INIT, COMMAND -> {
                if (sent != reply.length) {
                    fail("did not take our part of the handshake");
                }
            }
        }
    }

    private void fail(String reason) {
        if (!over) {
            end();
            // What the guest sent ahead must not turn the end of the stream, which it waits for, into a reset.
            Io.read(fd, buffer, 0, buffer.byteSize());
            Io.close(fd);
            outcome.failed(this, reason);
        }
    }

    private void end() {
        over = true;
        loop.cancel(timeout);
        if (watch != null) {
            watch.close();
        }
    }

    /** Closes the connection and tells nobody. */
    void cancel() {
        if (!over) {
            end();
            Io.close(fd);
        }
    }
}
