package dev.sluice.stack.tcp;

/** Placeholder. */
public record TcpProfile(int superSegment) {}
