package dev.sluice.stack.tcp;

import java.lang.foreign.MemorySegment;

/**
 * Where a {@link Tcb} leaves segments and data; called only from within the {@code Tcb}'s own methods, on its owner's thread. Of the
 * {@code Tcb}'s methods, {@link Tcb#abort}, {@link Tcb#shutdownOutput} and the getters may be called from in here.
 */
public interface TcpOutput {
    /** Writable bytes before {@code at} in {@link #segment}: room for Ethernet and IP headers. */
    int HEADROOM = 96;

    /**
     * One segment leaves. The header, options included, stands at {@code at} with checksum 0; the payload is {@code length} bytes of
     * {@code tcb.sendRing()} from stream {@code position}. A payload above the send MSS is a super-segment, which occurs only
     * under {@link TcpProfile#superSegment}. Everything must be copied or sent before returning.
     */
    void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length);

    /**
     * In-order data for the user, in two parts of the same memory (the second is empty unless a ring wraps). What is not taken, the
     * {@code Tcb} keeps within its window and offers again by {@link Tcb#drain} only.
     *
     * @return bytes taken, 0 to {@code length + wrapLength}
     */
    int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength);

    /**
     * The peer has reset the connection, or is gone, while data that was acknowledged to it waits here to be taken: whether {@link
     * Tcb#drain} shall still offer that, until {@link Tcb#release}. Else it is forgotten (RFC 9293 §3.10.7.4).
     */
    default boolean wantsRest(Tcb tcb) {
        return false;
    }
}
