package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/** Where blocks of native memory come from: the system, or a test that counts them. Called on the owner's thread only. */
public interface NativeMemory {
    /**
     * A block of its own.
     *
     * @throws OutOfMemoryError if the system has none; the caller goes on without
     */
    MemorySegment allocate(long bytes);

    /** Takes back a whole block that {@link #allocate} gave. */
    void free(MemorySegment block);

    /** Blocks from arenas of the JDK, one each, so that every block can be freed by itself. */
    static NativeMemory ofArenas() {
        return new ArenaMemory();
    }
}
