package dev.sluice.link;

import dev.sluice.wire.Bytes;
import java.lang.foreign.MemorySegment;

/** How a byte stream marks where a frame starts: a length before each. */
public enum Framing {
    /** 32 bits, big-endian: QEMU {@code stream} and {@code socket}, passt, socket_vmnet, libkrun. */
    BE32(4),
    /** 16 bits, little-endian: VPNKit's vmnet, gvproxy's stdio. */
    LE16(2);

    /** Longest frame a peer may send, in bytes. Peers with TSO send more than their MTU. */
    public static final int MAX_FRAME = 65_535;

    /** Bytes of the length field. */
    final int prefix;

    Framing(int prefix) {
        this.prefix = prefix;
    }

    // Not a method of each: both in one process would cost every frame a call that is not inlined.

    /** The length field at {@code at}; not judged yet. */
    long length(MemorySegment s, long at) {
        return this == BE32 ? Bytes.u32(s, at) : Bytes.u16LE(s, at);
    }

    void putLength(MemorySegment s, long at, int length) {
        if (this == BE32) {
            Bytes.put32(s, at, length);
        } else {
            Bytes.put16LE(s, at, length);
        }
    }
}
