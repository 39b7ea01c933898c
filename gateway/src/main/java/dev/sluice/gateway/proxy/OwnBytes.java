package dev.sluice.gateway.proxy;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A session's own bytes on their way to its guest: heads and error pages. Whoever makes them waits until they are taken before it makes more, so
 * there are never more than a few. Owns nothing while it is empty. Confined to the loop.
 */
final class OwnBytes {
    private @Nullable ArrayDeque<byte[]> queue;
    /** How much of the first was taken. */
    private int at;

    private @Nullable Runnable whenTaken;

    boolean isEmpty() {
        return queue == null;
    }

    void add(byte[] bytes) {
        ArrayDeque<byte[]> made = queue == null ? new ArrayDeque<>(2) : queue;
        queue = made;
        made.add(bytes);
    }

    /** Runs it as soon as all are taken or dropped, which may be now. */
    void whenTaken(Runnable task) {
        if (queue == null) {
            task.run();
        } else {
            whenTaken = task;
        }
    }

    /** Moves some of them into a flow's memory; how many. */
    int take(MemorySegment memory, long to, int length) {
        ArrayDeque<byte[]> from = queue;
        int done = 0;
        while (from != null && done < length && !from.isEmpty()) {
            byte[] first = from.getFirst();
            int n = Math.min(length - done, first.length - at);
            MemorySegment.copy(first, at, memory, ValueLayout.JAVA_BYTE, to + done, n);
            done += n;
            at += n;
            if (at == first.length) {
                from.removeFirst();
                at = 0;
            }
        }
        if (from != null && from.isEmpty()) {
            gone();
        }
        return done;
    }

    /** Nobody will take them. */
    void drop() {
        at = 0;
        gone();
    }

    private void gone() {
        queue = null;
        Runnable task = whenTaken;
        if (task != null) {
            whenTaken = null;
            task.run();
        }
    }
}
