package dev.sluice.stack.ip;

/** Placeholder until the package is filled. */
final class Placeholder {
    private Placeholder() {}
}
