package dev.sluice.posix;

import static dev.sluice.posix.Native.LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.random.RandomGenerator;

/**
 * The kernel's random numbers (getrandom(2)), fit for secrets. They are what the JDK's secure generators hand on; those cost some twenty
 * milliseconds of a start, for the providers that they are looked up among. A system call for each number: not for packets. Any thread.
 */
public final class KernelRandom implements RandomGenerator {
    private static final Call GETRANDOM = Call.of("getrandom");

    @Override
    public long nextLong() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment bits = arena.allocate(LONG);
            int n;
            do { // a signal may come in only while the kernel has never had any randomness
                n = GETRANDOM.call(bits.address(), Long.BYTES, 0);
            } while (n == -Errno.EINTR);
            if (n != Long.BYTES) {
                throw new IllegalStateException("the kernel gives no random numbers: " + Errno.text(-n));
            }
            return bits.get(LONG, 0);
        }
    }
}
