package dev.sluice.link;

import java.lang.foreign.MemorySegment;

/**
 * One Ethernet frame on its way, with what its sender left for the device to finish. A mutable descriptor that the loop's thread
 * fills again and again; it owns no memory, and what it points at is valid only during the call it is passed to.
 *
 * <p>The bytes are {@code headLength} bytes of {@code head}, then {@code bodyLength} bytes of {@code body}, then {@code bodyWrapLength}
 * bytes of the same {@code body} segment from {@code bodyWrapAt} (a ring's second part). Received frames are all head.
 */
public final class Frame {
    public static final int GSO_NONE = 0;
    /** A TCP/IPv4 super-segment: the payload is cut every {@link #gsoSize} bytes. */
    public static final int GSO_TCP4 = 1;
    /** A TCP/IPv6 super-segment. */
    public static final int GSO_TCP6 = 4;
    /** A UDP super-datagram: every {@link #gsoSize} bytes of payload are a datagram of their own. */
    public static final int GSO_UDP = 5;

    /** Where the frame starts; never empty, at least its headers lie here in one piece. */
    public MemorySegment head = MemorySegment.NULL;
    /** Offset in {@link #head}, bytes, as all offsets and lengths. */
    public long headAt;

    public int headLength;
    /** What follows the head; nothing where {@link #bodyLength} is 0. */
    public MemorySegment body = MemorySegment.NULL;

    public long bodyAt;
    public int bodyLength;
    /** Where a ring's second part starts in {@link #body}; nothing where {@link #bodyWrapLength} is 0. */
    public long bodyWrapAt;

    public int bodyWrapLength;

    /**
     * Where the checksum that is still to be made starts, counted from the frame's first byte; 0 if all checksums are complete or
     * known to be good. While non-zero, the field at {@code checksumStart + checksumOffset} holds the folded pseudo-header sum.
     */
    public int checksumStart;

    /** Of the checksum's field, counted from {@link #checksumStart}: 16 for TCP, 6 for UDP. */
    public int checksumOffset;
    /** One of the {@code GSO_…} kinds. */
    public int gso;
    /** Payload bytes per segment; 0 without {@link #gso}. */
    public int gsoSize;
    /** On receive: the transport checksum needs no check (the kernel vouches for it, or it was never made). */
    public boolean checksumTrusted;

    /** Describes a complete frame that lies in one piece. */
    public Frame set(MemorySegment segment, long at, int length) {
        head = segment;
        headAt = at;
        headLength = length;
        body = MemorySegment.NULL;
        bodyLength = 0;
        bodyWrapLength = 0;
        checksumStart = 0;
        checksumOffset = 0;
        gso = GSO_NONE;
        gsoSize = 0;
        checksumTrusted = false;
        return this;
    }

    /** Bytes in all. */
    public int length() {
        return headLength + bodyLength + bodyWrapLength;
    }
}
