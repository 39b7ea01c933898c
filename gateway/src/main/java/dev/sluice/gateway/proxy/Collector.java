package dev.sluice.gateway.proxy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/**
 * Takes bytes from a stream until a {@link Scan} says that they are whole, and not one more: what follows stays where it is. Filled on the
 * loop, awaited on a virtual thread.
 */
final class Collector {
    /** Why it took no more. */
    enum End {
        WHOLE,
        /** The limit came first. */
        TOO_LONG,
        /** The stream ended, or broke. */
        STREAM_ENDED
    }

    /** What was taken. */
    record Taken(byte[] bytes, End end) {
        boolean isWhole() {
            return end == End.WHOLE;
        }
    }

    private static final int FIRST_SIZE = 512;

    private final Scan scan;
    private final int limit;
    private byte[] bytes = new byte[0];
    private int length;
    private volatile boolean stopped;
    /** Done when the first byte has come, or none will. */
    private final CompletableFuture<Boolean> begun = new CompletableFuture<>();

    private final CompletableFuture<Taken> taken = new CompletableFuture<>();

    Collector(Scan scan, int limit) {
        this.scan = scan;
        this.limit = limit;
    }

    CompletableFuture<Boolean> begun() {
        return begun;
    }

    CompletableFuture<Taken> taken() {
        return taken;
    }

    /** Nobody waited for the rest: what has come is all there is. */
    boolean isStopped() {
        return stopped;
    }

    /** What has come has to do. */
    void stop() {
        stopped = true;
        end(End.STREAM_ENDED);
    }

    boolean isDone() {
        return taken.isDone();
    }

    /** Takes what it needs of the next bytes; how many that were. */
    int offer(MemorySegment memory, long at, int available) {
        int n = 0;
        boolean whole = false;
        boolean all = scan == Scan.ANYTHING;
        while (n < available && !whole && length < limit) {
            byte b = memory.get(ValueLayout.JAVA_BYTE, at + n);
            if (length == bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.min(limit, Math.max(FIRST_SIZE, length * 2)));
            }
            bytes[length++] = b;
            n++;
            whole = !all && scan.ends(b);
        }
        if (whole || all && length > 0) {
            end(End.WHOLE);
        } else if (length == limit) {
            end(End.TOO_LONG);
        } else if (length > 0) {
            begun.complete(true);
        }
        return n;
    }

    /** There will be no more. */
    void end(End how) {
        taken.complete(new Taken(Arrays.copyOf(bytes, length), how));
        begun.complete(length > 0);
    }
}
