package dev.sluice.stack.tcp;

/** Placeholder for the transmission control block. */
public final class Tcb {}
