/**
 * Bytes on the wire: what every protocol of a guest network looks like in memory.
 *
 * <h2>Theory of operation</h2>
 *
 * <p>Each protocol has two forms. The <em>view</em> is a final class of static accessors over a native
 * {@link java.lang.foreign.MemorySegment} and the offset where the header starts ({@code TcpHeader.sequence(frame, at)}): it
 * allocates nothing and is what the data path uses. The <em>value</em> is a record for the slow paths (a DHCP
 * message, an address). A view's {@code check(segment, at, length)} validates everything once and answers with a {@link
 * dev.sluice.wire.Flaw}; accessors may be called only after {@code check} said {@link dev.sluice.wire.Flaw#NONE}, and then
 * never read outside {@code [at, at + length)}. No parser throws on any input.
 *
 * <p>All multi-byte fields are big-endian unless the name ends in {@code LE}. Lengths and offsets are in bytes.
 * Addresses inside the data path are primitive ({@code int} for IPv4, {@code long} for a MAC in its low 48 bits).
 *
 * <p>This module is pure: no I/O, no threads, no clock, no randomness.
 */
@NullMarked
package dev.sluice.wire;

import org.jspecify.annotations.NullMarked;
