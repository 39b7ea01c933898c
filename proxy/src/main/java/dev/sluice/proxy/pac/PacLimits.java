package dev.sluice.proxy.pac;

/**
 * How much one question may take.
 *
 * @param millis of time
 * @param bytes of allocations, which are not all in use at once
 * @param lookups of names
 */
record PacLimits(long millis, long bytes, int lookups) {
    static final PacLimits USUAL = new PacLimits(2_000, 64 << 20, 32);
}
