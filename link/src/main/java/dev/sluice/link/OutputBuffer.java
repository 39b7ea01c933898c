package dev.sluice.link;

import dev.sluice.posix.Io;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A bounded queue of bytes in native memory where every reservation is contiguous: a ring of two regions (a "bip buffer"). Bytes lie in
 * {@code [start, end)} and then, once that reached the memory's end, in {@code [0, wrapped)}. Nothing is ever moved.
 */
final class OutputBuffer {
    final MemorySegment memory;
    private final int capacity;
    private final MemorySegment iovecs = Arena.ofAuto().allocate(2L * Io.IOVEC, 8);
    private int start;
    private int end;
    /** Length of the second region; new bytes go there while it is not empty, or once {@link #wrapping}. */
    private int wrapped;

    private boolean wrapping;

    OutputBuffer(MemorySegment memory) {
        this.memory = memory;
        this.capacity = (int) memory.byteSize();
    }

    int capacity() {
        return capacity;
    }

    /** Bytes held. */
    int pending() {
        return end - start + wrapped;
    }

    /** The most that {@link #reserve} would grant now. */
    int room() {
        return wrapping ? start - wrapped : Math.max(capacity - end, start);
    }

    /** Where {@code length} bytes may be written, or -1. {@link #commit} what was written before reserving again. */
    int reserve(int length) {
        if (wrapping) {
            return start - wrapped >= length ? wrapped : -1;
        }
        if (capacity - end >= length) {
            return end;
        }
        if (start >= length) {
            wrapping = true;
            return 0;
        }
        return -1;
    }

    void commit(int length) {
        if (wrapping) {
            wrapped += length;
        } else {
            end += length;
        }
    }

    /** Writes what it holds with one call; bytes written, or negated errno. */
    int writeTo(int fd) {
        if (wrapped == 0) {
            return Io.write(fd, memory, start, end - start);
        }
        Io.putIovec(iovecs, 0, memory, start, end - start);
        Io.putIovec(iovecs, 1, memory, 0, wrapped);
        return Io.writev(fd, iovecs, 2);
    }

    /** Drops the first {@code length} bytes. */
    void consume(int length) {
        int first = Math.min(length, end - start);
        start += first;
        if (start == end) {
            start = length - first;
            end = wrapped;
            wrapped = 0;
            wrapping = false;
            if (start == end) {
                start = 0;
                end = 0;
            }
        }
    }
}
