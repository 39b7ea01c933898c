package dev.sluice.bench.parts;

import dev.sluice.wire.Checksum;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** The Internet checksum over a header, a usual segment and a large one. */
public class ChecksumBenchmark extends Part {
    @Param({"20", "1480", "65500"})
    public int bytes;

    private final MemorySegment memory = Arena.ofAuto().allocate(70_000, 8);

    @Benchmark
    public int checksum() {
        return Checksum.finish(Checksum.add(0, memory, 34, bytes));
    }
}
