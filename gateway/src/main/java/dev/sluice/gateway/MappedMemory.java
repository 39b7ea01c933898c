package dev.sluice.gateway;

import dev.sluice.posix.Memory;
import dev.sluice.posix.PosixException;
import dev.sluice.stack.tcp.NativeMemory;
import java.lang.foreign.MemorySegment;

/** Buffer blocks straight from the kernel: pages cost memory only once touched, and go back when freed. */
final class MappedMemory implements NativeMemory {
    @Override
    public MemorySegment allocate(long bytes) {
        try {
            return Memory.map(bytes);
        } catch (PosixException e) {
            throw new OutOfMemoryError(e.getMessage());
        }
    }

    @Override
    public void free(MemorySegment block) {
        Memory.unmap(block);
    }
}
