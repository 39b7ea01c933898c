package dev.sluice.gateway;

import dev.sluice.link.Frame;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import java.lang.foreign.MemorySegment;

/**
 * Tags of IEEE 802.1Q that name no VLAN, only a priority: what they are put around belongs to the network of untagged frames (§6.9), as the
 * guests' kernels and drivers, which may put them there, expect.
 */
final class PriorityTag {
    /** Of the tag's first 16 bits. */
    static final int VLAN = 0x0fff;

    private PriorityTag() {}

    /** Takes the tag from a frame that has one: its addresses move to where the tag ends. False, with nothing changed, for every other frame. */
    static boolean strip(Frame frame) {
        MemorySegment s = frame.head;
        long at = frame.headAt;
        if (frame.headLength < EthernetHeader.LENGTH + EthernetHeader.TAG_LENGTH
                || EthernetHeader.type(s, at) != EthernetHeader.TYPE_TAG
                || (Bytes.u16(s, at + EthernetHeader.LENGTH) & VLAN) != 0) {
            return false;
        }
        long first = Bytes.i64(s, at);
        int rest = Bytes.i32(s, at + 8);
        Bytes.put64(s, at + EthernetHeader.TAG_LENGTH, first);
        Bytes.put32(s, at + EthernetHeader.TAG_LENGTH + 8, rest);
        frame.headAt += EthernetHeader.TAG_LENGTH;
        frame.headLength -= EthernetHeader.TAG_LENGTH;
        if (frame.checksumStart > 0) {
            frame.checksumStart -= EthernetHeader.TAG_LENGTH;
        }
        return true;
    }
}
