package dev.sluice.posix;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class KernelRandomTest {
    private final KernelRandom random = new KernelRandom();

    @Test
    void numbersDoNotRepeat() {
        Set<Long> seen = new HashSet<>();
        for (int i = 0; i < 1000; i++) {
            seen.add(random.nextLong());
        }
        assertEquals(1000, seen.size(), "of 64 random bits, two in a thousand are equal once in 10¹³ runs");
    }

    @Test
    void everyBitIsSometimesSetAndSometimesNot() {
        long ever = 0;
        long always = -1;
        for (int i = 0; i < 1000; i++) {
            long bits = random.nextLong();
            ever |= bits;
            always &= bits;
        }
        assertEquals(-1, ever);
        assertEquals(0, always);
    }

    @Test
    void aBoundIsKept() {
        for (int i = 0; i < 1000; i++) {
            int n = random.nextInt(1 << 16);
            assertTrue(n >= 0 && n < 1 << 16, () -> "out of bounds: " + n);
        }
    }
}
