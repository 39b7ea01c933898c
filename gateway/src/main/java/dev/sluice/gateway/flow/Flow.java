package dev.sluice.gateway.flow;

/** A conversation of a guest with somebody else, of any protocol. Confined to the loop. */
public interface Flow {
    /** What went through it. */
    Traffic traffic();

    /** How it is; allocates, and takes a new sample of its rates. */
    FlowInfo info(long now);

    /** True once it has ended. */
    boolean isOver();

    /** Ends it: TCP with a reset to both sides. */
    void cut(long now);
}
