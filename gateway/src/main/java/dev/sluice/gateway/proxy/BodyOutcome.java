package dev.sluice.gateway.proxy;

/** How a body went. */
enum BodyOutcome {
    WHOLE,
    /** It ended with its stream, as it may. */
    STREAM_ENDED,
    /** Its stream ended in the middle. */
    CUT_OFF,
    /** It is none, so that nobody knows where it ends. */
    BROKEN,
    /** Whoever it is for does not take it any more. */
    REFUSED
}
