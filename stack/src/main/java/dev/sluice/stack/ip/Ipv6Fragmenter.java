package dev.sluice.stack.ip;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Cuts IPv6 packets of our own to an MTU (RFC 8200 §4.5): only their source may do that. Every piece gets the header, a fragment header
 * and, but the last, a multiple of eight bytes.
 */
public final class Ipv6Fragmenter {
    /** Length of a fragment header. */
    public static final int FRAGMENT_HEADER = 8;

    private final MemorySegment piece;

    public Ipv6Fragmenter(Arena arena) {
        this.piece = arena.allocate(Fragmenter.HEADROOM + Ipv6Header.LENGTH + FRAGMENT_HEADER + 65_536L, 8);
    }

    /**
     * Cuts the packet at {@code at}, which has no extension headers; its checksum must be complete.
     *
     * @param identification differs from that of other packets between the same addresses for a while
     * @param mtu largest packet to emit, header included
     * @return number of pieces emitted; 0 if the MTU has no room for the headers and eight bytes
     */
    public int fragment(MemorySegment packet, long at, int identification, int mtu, Fragmenter.Output output) {
        int payload = Ipv6Header.payloadLength(packet, at);
        int most = mtu - Ipv6Header.LENGTH - FRAGMENT_HEADER & ~7;
        if (most < 8) {
            return 0;
        }
        long ip = Fragmenter.HEADROOM;
        long fragment = ip + Ipv6Header.LENGTH;
        int pieces = 0;
        for (int done = 0; done < payload; pieces++) {
            int size = Math.min(most, payload - done);
            boolean more = done + size < payload;
            MemorySegment.copy(packet, at, piece, ip, Ipv6Header.LENGTH);
            Bytes.put16(piece, ip + 4, FRAGMENT_HEADER + size);
            Bytes.put8(piece, ip + 6, Ipv6Header.FRAGMENT);
            Bytes.put8(piece, fragment, Ipv6Header.nextHeader(packet, at));
            Bytes.put8(piece, fragment + 1, 0);
            Bytes.put16(piece, fragment + 2, done | (more ? 1 : 0));
            Bytes.put32(piece, fragment + 4, identification);
            MemorySegment.copy(packet, at + Ipv6Header.LENGTH + done, piece, fragment + FRAGMENT_HEADER, size);
            output.fragment(piece, ip, Ipv6Header.LENGTH + FRAGMENT_HEADER + size);
            done += size;
        }
        return pieces;
    }
}
