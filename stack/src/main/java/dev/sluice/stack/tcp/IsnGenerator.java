package dev.sluice.stack.tcp;

/**
 * Initial sequence numbers after RFC 6528: a 4 µs clock plus a keyed hash of the connection's addresses and ports, so that numbers of
 * one 4-tuple grow and those of others tell nothing. The hash is SipHash-2-4 (Aumasson and Bernstein).
 */
public final class IsnGenerator {
    private final long k0;
    private final long k1;

    /** With a secret of 128 bits. */
    public IsnGenerator(long k0, long k1) {
        this.k0 = k0;
        this.k1 = k1;
    }

    /**
     * @param high with {@code low} the 4-tuple, in any encoding that is the same each time
     * @param now ns of the shard's clock
     */
    public int next(long high, long low, long now) {
        return (int) (now / 4000) + (int) hash(high, low);
    }

    /** SipHash-2-4 of the 16 bytes {@code high}, {@code low}. */
    public long hash(long high, long low) {
        long v0 = k0 ^ 0x736f6d6570736575L;
        long v1 = k1 ^ 0x646f72616e646f6dL;
        long v2 = k0 ^ 0x6c7967656e657261L;
        long v3 = k1 ^ 0x7465646279746573L;
        for (int block = 0; block < 4; block++) {
            // Two words, the length word (16 bytes), then finalization.
            long m = block == 0 ? high : block == 1 ? low : block == 2 ? 16L << 56 : 0;
            int rounds = 2;
            if (block == 3) {
                v2 ^= 0xff;
                rounds = 4;
            }
            v3 ^= m;
            for (int i = 0; i < rounds; i++) {
                v0 += v1;
                v2 += v3;
                v1 = Long.rotateLeft(v1, 13) ^ v0;
                v3 = Long.rotateLeft(v3, 16) ^ v2;
                v0 = Long.rotateLeft(v0, 32);
                v2 += v1;
                v0 += v3;
                v1 = Long.rotateLeft(v1, 17) ^ v2;
                v3 = Long.rotateLeft(v3, 21) ^ v0;
                v2 = Long.rotateLeft(v2, 32);
            }
            v0 ^= m;
        }
        return v0 ^ v1 ^ v2 ^ v3;
    }
}
