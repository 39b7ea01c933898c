package dev.sluice.net.ip;

/** Told, on the loop, how the claim of an address ended. */
@FunctionalInterface
public interface Claimed {
    /** @param ours false if somebody else has the address */
    void done(boolean ours);
}
