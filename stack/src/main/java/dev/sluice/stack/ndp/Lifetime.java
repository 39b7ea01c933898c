package dev.sluice.stack.ndp;

/** How long an address that was not given for ever may be used (RFC 4862 §5.5.4). */
public interface Lifetime {
    /** Whether it is still one to use for what is new. */
    boolean isPreferred(long now);
}
