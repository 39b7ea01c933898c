package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts IPv4 packets to an MTU (RFC 791 §3.2). Every piece but the last carries a multiple of eight bytes; options with the copy bit go
 * into every piece, the others into the first only. A packet that is itself a fragment may be cut again.
 */
public final class Fragmenter {
    /** Receives the pieces, in order. */
    public interface Output {
        /**
         * One whole IPv4 packet, header checksum included.
         *
         * @param s memory valid during the call; {@link Fragmenter#HEADROOM} bytes before {@code at} are free for a link header
         */
        void fragment(MemorySegment s, long at, int length);
    }

    /** Free bytes before each piece. */
    public static final int HEADROOM = 64;

    /** The smallest MTU (RFC 791 §3.2). */
    public static final int MIN_MTU = 68;

    private final MemorySegment piece;
    /** The header of all pieces but the first. */
    private final MemorySegment laterHeader;

    public Fragmenter(Arena arena) {
        this.piece = arena.allocate(HEADROOM + 65_536L, 8);
        this.laterHeader = arena.allocate(Ipv4Header.MAX_LENGTH, 8);
    }

    /**
     * Cuts the packet that lies in {@code head}, then {@code body}, then the same {@code body} segment from {@code wrapAt}. The head holds
     * at least the whole IPv4 header, which has passed {@link Ipv4Header#check}; the transport checksum must be complete. The Don't
     * Fragment bit is the caller's business.
     *
     * @param mtu largest packet to emit, header included
     * @return number of pieces emitted; 0 if the parts are shorter than the total length, the packet is a fragment that ends past
     *     65,535, or the MTU has no room for a header and eight bytes
     */
    public int fragment(
            MemorySegment head,
            long headAt,
            int headLength,
            MemorySegment body,
            long bodyAt,
            int bodyLength,
            long wrapAt,
            int wrapLength,
            int mtu,
            Output output) {
        int header = Ipv4Header.headerLength(head, headAt);
        int payload = Ipv4Header.totalLength(head, headAt) - header;
        if (headLength < header || headLength + bodyLength + wrapLength < header + payload) {
            return 0;
        }
        if (Ipv4Header.fragmentOffset(head, headAt) + header + payload > 65_535) {
            return 0;
        }
        int later = laterHeader(head, headAt, header);
        if (header + payload > mtu && mtu - header < 8) {
            return 0;
        }
        int flags = Ipv4Header.flagsAndOffset(head, headAt);
        int pieces = 0;
        for (int done = 0; done < payload || pieces == 0; pieces++) {
            MemorySegment source = pieces == 0 ? head : laterHeader;
            int length = pieces == 0 ? header : later;
            int size = payload - done <= mtu - length ? payload - done : mtu - length & ~7;
            MemorySegment.copy(source, pieces == 0 ? headAt : 0, piece, HEADROOM, length);
            gather(head, headAt + header, headLength - header, body, bodyAt, bodyLength, wrapAt, done, size, length);
            Bytes.put16(piece, HEADROOM + 2, length + size);
            int more = done + size < payload ? Ipv4Header.MORE_FRAGMENTS : 0;
            Bytes.put16(piece, HEADROOM + 6, flags + done / 8 | more);
            Ipv4Header.updateChecksum(piece, HEADROOM);
            output.fragment(piece, HEADROOM, length + size);
            done += size;
        }
        return pieces;
    }

    /** As above, for a packet in one part. */
    public int fragment(MemorySegment packet, long at, int length, int mtu, Output output) {
        return fragment(packet, at, length, MemorySegment.NULL, 0, 0, 0, 0, mtu, output);
    }

    private void gather(
            MemorySegment head,
            long headAt,
            int headLength,
            MemorySegment body,
            long bodyAt,
            int bodyLength,
            long wrapAt,
            int from,
            int size,
            int header) {
        long to = HEADROOM + header;
        int done = 0;
        if (from < headLength) {
            done = Math.min(size, headLength - from);
            MemorySegment.copy(head, headAt + from, piece, to, done);
        }
        int inBody = from + done - headLength;
        if (done < size && inBody < bodyLength) {
            int part = Math.min(size - done, bodyLength - inBody);
            MemorySegment.copy(body, bodyAt + inBody, piece, to + done, part);
            done += part;
            inBody += part;
        }
        if (done < size) {
            MemorySegment.copy(body, wrapAt + (inBody - bodyLength), piece, to + done, size - done);
        }
    }

    /** Builds the header of later pieces and returns its length. Malformed options end the copying; nothing is invented. */
    private int laterHeader(MemorySegment head, long at, int header) {
        MemorySegment.copy(head, at, laterHeader, 0, Ipv4Header.MIN_LENGTH);
        int length = Ipv4Header.MIN_LENGTH;
        for (int i = Ipv4Header.MIN_LENGTH; i < header; ) {
            int type = Bytes.u8(head, at + i);
            if (type == 0) {
                break;
            }
            if (type == 1) {
                i++;
                continue;
            }
            int size = i + 1 < header ? Bytes.u8(head, at + i + 1) : 0;
            if (size < 2 || i + size > header) {
                break;
            }
            if ((type & 0x80) != 0) {
                MemorySegment.copy(head, at + i, laterHeader, length, size);
                length += size;
            }
            i += size;
        }
        while (length % 4 != 0) {
            Bytes.put8(laterHeader, length++, 0);
        }
        Bytes.put8(laterHeader, 0, 0x40 | length / 4);
        return length;
    }
}
