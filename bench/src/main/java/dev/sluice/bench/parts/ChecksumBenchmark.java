package dev.sluice.bench.parts;

import dev.sluice.wire.Checksum;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** The Internet checksum over a header, a usual segment and a large one. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ChecksumBenchmark {
    @Param({"20", "1480", "65500"})
    public int bytes;

    private final MemorySegment memory = Arena.ofAuto().allocate(70_000, 8);

    @Benchmark
    public int checksum() {
        return Checksum.finish(Checksum.add(0, memory, 34, bytes));
    }
}
