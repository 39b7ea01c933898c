package dev.sluice.stack.tcp;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * One shared arena per block. Closing one stops all threads for a moment, which is why {@link BufferPool} keeps blocks and frees
 * them only when it must.
 */
final class ArenaMemory implements NativeMemory {
    private static final int ALIGNMENT = 64;

    private final Map<Long, Arena> arenas = new HashMap<>();

    @Override
    public MemorySegment allocate(long bytes) {
        Arena arena = Arena.ofShared();
        try {
            MemorySegment block = arena.allocate(bytes, ALIGNMENT);
            arenas.put(block.address(), arena);
            return block;
        } catch (OutOfMemoryError e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public void free(MemorySegment block) {
        Arena arena = arenas.remove(block.address());
        if (arena == null) {
            throw new IllegalArgumentException("Not a block of this memory: " + block);
        }
        arena.close();
    }
}
