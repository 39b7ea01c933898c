package dev.sluice.gateway.dns;

/** Told what a lookup does, step by step; any thread. Lookups of guests leave none. */
@FunctionalInterface
interface Trail {
    Trail NONE = (_, _) -> {};

    /**
     * @param who a source or a server
     * @param said what it said, for people
     */
    void step(String who, String said);
}
