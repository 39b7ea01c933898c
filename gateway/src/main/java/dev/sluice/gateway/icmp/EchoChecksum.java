package dev.sluice.gateway.icmp;

import dev.sluice.wire.Bytes;
import java.lang.foreign.MemorySegment;

/** Keeps an ICMP checksum right while one 16-bit word of the message changes (RFC 1624 §3, equation 3). */
final class EchoChecksum {
    private EchoChecksum() {}

    /** Adjusts the checksum of the message at {@code at} for a word that was {@code before} and is {@code after}. */
    static void replaceWord(MemorySegment memory, long at, int before, int after) {
        int sum = (~Bytes.u16(memory, at + 2) & 0xffff) + (~before & 0xffff) + after;
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        Bytes.put16(memory, at + 2, ~sum & 0xffff);
    }

    /** Writes another identifier. */
    static void replaceIdentifier(MemorySegment memory, long at, int identifier) {
        int before = Bytes.u16(memory, at + 4);
        Bytes.put16(memory, at + 4, identifier);
        replaceWord(memory, at, before, identifier);
    }
}
