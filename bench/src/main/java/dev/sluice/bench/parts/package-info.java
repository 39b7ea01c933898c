/**
 * The inner pieces by themselves, measured with JMH: what one operation takes and how many bytes of the heap.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>{@code bench/jmh [PATTERN]} runs them, each in a JVM of its own with the flags of {@code ./sluice}. Pieces that only their own
 * package knows are measured from there ({@code dev.sluice.loop}, {@code dev.sluice.stack.tcp}, {@code dev.sluice.gateway.tcp}), on the
 * class path, so that nothing is made public for it. All work on native memory, as the data path does, and on more of it than fits
 * the first level of the cache only where that is said. Nothing here is a figure of Sluice by itself: it tells where to look.
 */
@NullMarked
package dev.sluice.bench.parts;

import org.jspecify.annotations.NullMarked;
