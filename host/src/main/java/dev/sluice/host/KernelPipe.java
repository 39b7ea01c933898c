package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import org.jspecify.annotations.Nullable;

/**
 * A pipe of the kernel's through which bytes go from socket to socket without being copied (pipe(7), splice(2)): what lies in it are
 * references to the pages that the writer has filled. Confined to its loop; never blocks.
 */
public final class KernelPipe {
    /** Bytes that it is given at a time, and so the most it ever holds. */
    static final int MOST = 1 << 20;

    private final int out;
    private final int in;
    private int held;

    private KernelPipe(int out, int in) {
        this.out = out;
        this.in = in;
    }

    /** An empty one; null where the system has none to give. */
    static @Nullable KernelPipe open() {
        try {
            int[] ends = Io.pipe(Io.O_NONBLOCK);
            // As much as an ordinary user may have; where even that is refused it takes less at a time, and works.
            Io.setPipeSize(ends[0], MOST);
            return new KernelPipe(ends[0], ends[1]);
        } catch (PosixException e) {
            return null;
        }
    }

    /** Bytes that lie in it, 0–{@value #MOST}. */
    int held() {
        return held;
    }

    /** Takes at most {@code length} bytes out of a socket, if it is empty; how many, 0 at the end of the stream, or negated errno. */
    int fill(int socket, int length) {
        while (true) {
            int n = Io.splice(socket, in, Math.min(length, MOST), Io.SPLICE_F_MOVE | Io.SPLICE_F_NONBLOCK);
            if (n != -Errno.EINTR) {
                held += Math.max(n, 0);
                return n;
            }
        }
    }

    /** Gives a socket what it takes of what lies here; how many bytes, or negated errno. */
    int drain(int socket) {
        while (true) {
            int n = Io.splice(out, socket, held, Io.SPLICE_F_MOVE | Io.SPLICE_F_NONBLOCK);
            if (n != -Errno.EINTR) {
                held -= Math.max(n, 0);
                return n;
            }
        }
    }

    /** What lies in it is lost. */
    void close() {
        Io.close(in);
        Io.close(out);
    }
}
