/**
 * What hostile bytes may do: nothing but be refused.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>A <em>target</em> is a class with {@code public static void fuzzerTestOneInput(byte[])}, which coverage-guided fuzzers for the JVM call
 * with inputs of their making. It fails by throwing: an exception that the code under test lets out, or an {@link
 * java.lang.AssertionError} where something that must always hold does not. Targets have no state between inputs, no clock and no
 * randomness, so that an input always does the same.
 *
 * <p>Parsers are given their input at odd offsets in memory of exactly its size, so that reading one byte too far throws. Where a
 * protocol has a reader and a writer, what was understood is written and read again.
 *
 * <p>{@link dev.sluice.fuzz.HostFrames} is a whole {@code NetStack} under frames and time; {@code packetdrill.SegmentsTarget} is TCP
 * under segments, user calls and time. Both repair the checksums that a fuzzer cannot guess. Targets of what other packages keep to
 * themselves stand in packages of the same name.
 *
 * <p>{@code corpus/TARGET} has inputs for each, which {@code CorpusTest} replays in every build, each with a few changes. {@code tools/fuzz}
 * runs a fuzzer from them. An input that once failed stays there, named after what it showed.
 */
@NullMarked
package dev.sluice.fuzz;

import org.jspecify.annotations.NullMarked;
