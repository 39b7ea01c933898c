package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class MemoryTest {
    @Test
    void mappedMemoryIsZeroAndZeroAgainAfterRelease() throws Exception {
        MemorySegment memory = Memory.map(1 << 20);
        assertThat(memory.byteSize()).isEqualTo(1 << 20);
        assertThat(memory.get(ValueLayout.JAVA_LONG, 65536)).isZero();
        memory.set(ValueLayout.JAVA_LONG, 65536, 42);
        assertThat(Memory.release(memory, 65536, 65536)).isZero();
        assertThat(memory.get(ValueLayout.JAVA_LONG, 65536)).isZero();
        Memory.unmap(memory);
    }

    @Test
    void memoryOfAnArenaIsGivenBackWithIt() throws Exception {
        String range;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment memory = Memory.map(1 << 20, arena);
            assertThat(memory.get(ValueLayout.JAVA_LONG, 65536)).isZero();
            range = Long.toHexString(memory.address());
            assertThat(memory.scope()).isEqualTo(arena.scope());
        }
        assertThat(Files.readString(Path.of("/proc/self/maps"))).doesNotContain(range + "-");
    }

    @Test
    void whatCannotBeMappedIsAnError() {
        assertThatThrownBy(() -> Memory.map(1L << 60)).isInstanceOf(PosixException.class);
    }

    @Test
    void theDescriptorLimitIsRaisedToWhatIsAllowed() {
        long limit = Resources.raiseDescriptorLimit();
        assertThat(limit).isGreaterThanOrEqualTo(1024);
        assertThat(Resources.raiseDescriptorLimit()).isEqualTo(limit);
    }
}
