package dev.sluice.gateway;

/** Placeholder for the assembly. */
public final class Gateway {}
