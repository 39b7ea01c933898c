package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A non-blocking byte stream of the host (TCP or Unix), owned by one loop. Reads and writes take two memory parts because rings
 * wrap; a second part of length 0 is none. Nothing here throws.
 */
public interface StreamSocket {
    /** Result of a read or write that would block; the matching event follows. */
    int WOULD_BLOCK = -1;
    /** Result of a read at the end of the stream. */
    int END = -2;
    /** Result of a read or write on a broken stream; {@link #error} tells why. */
    int FAILED = -3;

    /** Most pieces in one write. */
    int MAX_PIECES = 64;

    /** Bytes read into the two parts (at least 1), or one of the constants. */
    int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength);

    /** Bytes copied of what {@link #read} would give, which stay to be read; or one of the constants. */
    int peek(MemorySegment memory, long at, int length);

    /** Takes away the next {@code length} bytes, which {@link #peek} has shown; may overwrite {@code memory}. */
    void skip(MemorySegment memory, long at, int length);

    /** Bytes written from the two parts (at least 1), or a constant ({@link #END} never). */
    int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength);

    /**
     * Writes several pieces of {@code memory}, in order, at the cost of one.
     *
     * @param at offsets of the pieces
     * @param lengths their lengths, at least 1 each
     * @param count pieces, 1–{@value #MAX_PIECES}
     * @return as {@link #write}
     */
    default int write(MemorySegment memory, long[] at, int[] lengths, int count) {
        int total = 0;
        for (int i = 0; i < count; i++) {
            int n = write(memory, at[i], lengths[i], 0, 0);
            if (n < 0) {
                return total > 0 ? total : n;
            }
            total += n;
            if (n < lengths[i]) {
                break;
            }
        }
        return total;
    }

    /** Whether bytes can go to and from it through a {@link KernelPipe}. */
    default boolean splices() {
        return false;
    }

    /**
     * Takes bytes out of the stream into an empty pipe.
     *
     * @param length at most so many, at least 1
     * @return how many, 0 if the system can't after all ({@link #splices} says so from then on), or one of the constants
     */
    default int spliceInto(KernelPipe pipe, int length) {
        return 0;
    }

    /** Bytes written of what lies in a pipe (at least 1), or a constant ({@link #END} never). */
    default int spliceFrom(KernelPipe pipe) {
        return FAILED;
    }

    /**
     * Whether there may be more after a short read: the other side's end has been signalled, urgent data stops reads where it lies, or
     * the medium has borders within the stream, as a Unix socket where descriptors were passed. Then the reader goes on until
     * {@link #WOULD_BLOCK} or {@link #END}; else the next event tells of more (epoll(7)).
     */
    boolean mayHoldMore();

    /** True once an error has ended both directions, such as a reset, whether or not a read or write has met it yet. */
    boolean broken();

    /** Our own address, as a client asked for it; null where there is none. Slow path: allocates. */
    default @Nullable IpAddress localAddress() {
        return null;
    }

    /** Our own port; 0 where there is none. Slow path. */
    default int localPort() {
        return 0;
    }

    /**
     * Has the other side asked from now on, whenever the stream has been idle for so long, whether it is still there: so that whatever is on
     * the way remembers the connection, and an end that nobody told of comes out. The first call counts.
     */
    default void keepAlive(int seconds) {}

    /** Sends the end of our stream (FIN); reading goes on. */
    void shutdownOutput();

    /** Closes in order; pending output is still delivered by the host. Idempotent. */
    void close();

    /**
     * Closes with a reset, if the medium knows one; what was written before still goes first, as far as the other side takes it.
     * Idempotent.
     */
    void reset();

    /** Why the last operation failed. */
    HostError error();

    /** Told of readiness on the loop's thread. Edge-triggered: an event comes once, until the operation would block again. */
    interface Events {
        /** Hears nothing, where nobody listens yet, or any more. */
        Events NOBODY = new Events() {
            @Override
            public void onConnected() {}

            @Override
            public void onConnectFailed(HostError error) {}

            @Override
            public void onReadable() {}

            @Override
            public void onWritable() {}
        };

        void onConnected();

        /** The connection attempt failed; the socket has closed itself. */
        void onConnectFailed(HostError error);

        void onReadable();

        void onWritable();
    }
}
