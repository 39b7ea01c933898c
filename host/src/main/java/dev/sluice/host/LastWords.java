package dev.sluice.host;

import dev.sluice.loop.Offload;
import dev.sluice.posix.Io;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;

/**
 * Resets of connections, that of which what was written before is still under way. Whoever closes a socket so that the other side gets a
 * reset (SO_LINGER with no time, socket(7)) has the kernel throw away what that has not acknowledged yet. Between two hosts such bytes
 * would have been the other side's long ago: those of a relay go first.
 *
 * <p>No event tells that everything was acknowledged, so a virtual thread asks, ever less often: until it was, or the connection is over,
 * or nothing was taken for {@link #PATIENCE}. Beyond {@link #MOST} connections that wait the reset goes out at once, and from those that
 * wait when this process ends. Any thread may call.
 */
final class LastWords {
    static final int MOST = 256;
    static final Duration PATIENCE = Duration.ofMinutes(1);

    private static final long FIRST_PAUSE_MILLIS = 1;
    private static final long LONGEST_PAUSE_MILLIS = 100;

    private final Semaphore room;
    private final long patience;
    private final LongAdder lost = new LongAdder();

    /** @param most connections that may wait at a time */
    LastWords(int most, Duration patience) {
        this.room = new Semaphore(most);
        this.patience = patience.toNanos();
    }

    /** Resets that went out so far although something was under way. */
    long lost() {
        return lost.sum();
    }

    /** Closes {@code fd}, now or later, with a reset if it is a TCP connection. */
    void reset(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment linger = arena.allocate(8, 4);
            linger.set(ValueLayout.JAVA_INT, 0, 1); // on, zero seconds: close sends RST
            Sockets.setOption(fd, Sockets.SOL_SOCKET, Sockets.SO_LINGER, linger, 0, 8);
        }
        boolean waits = underWay(fd) > 0;
        if (waits && room.tryAcquire()) {
            if (Offload.start("last words", () -> await(fd))) {
                return;
            }
            room.release();
        }
        if (waits) {
            lost.increment();
        }
        Io.close(fd);
    }

    private void await(int fd) {
        try {
            int least = Integer.MAX_VALUE;
            long since = System.nanoTime();
            long pause = FIRST_PAUSE_MILLIS;
            for (int left = underWay(fd); left > 0; left = underWay(fd)) {
                long now = System.nanoTime();
                if (left < least) {
                    least = left;
                    since = now;
                } else if (now - since >= patience) {
                    lost.increment();
                    break;
                }
                Thread.sleep(pause);
                pause = Math.min(pause * 2, LONGEST_PAUSE_MILLIS);
            }
        } catch (InterruptedException e) {
            // nobody does that; then it goes at once
        } finally {
            Io.close(fd);
            room.release();
        }
    }

    /** Bytes that may still arrive. A connection that is over has some, too, by the kernel's count, and other sockets have no reset. */
    private static int underWay(int fd) {
        int state = Sockets.tcpState(fd);
        return state < 0 || state == Sockets.TCP_CLOSE ? 0 : Sockets.unacknowledged(fd);
    }
}
