package dev.sluice.gateway.ndp;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.NdpMessage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Puts IPv6 and Ethernet around neighbour discovery messages that are written in its memory. Confined to the loop. */
final class NdpSender {
    /** Where messages start; room for {@link #MAX_MESSAGE} bytes follows. */
    static final long MESSAGE_AT = EthernetHeader.LENGTH + Ipv6Header.LENGTH;

    static final int MAX_MESSAGE = 1240;
    /** Ethernet address of ff02::1 (RFC 2464 §7). */
    static final long ALL_NODES_MAC = 0x3333_0000_0001L;

    private final long mac;
    private final MemorySegment memory;
    private final Frame frame = new Frame();

    NdpSender(Arena arena, long mac) {
        this.mac = mac;
        this.memory = arena.allocate(MESSAGE_AT + MAX_MESSAGE, 8);
    }

    MemorySegment memory() {
        return memory;
    }

    /** Sends the {@code length} bytes written at {@link #MESSAGE_AT}. */
    void send(Link link, long to, long high, long low, long sourceHigh, long sourceLow, int length) {
        long ip = EthernetHeader.LENGTH;
        EthernetHeader.write(memory, 0, to, mac, EthernetHeader.TYPE_IPV6);
        Ipv6Header.write(
                memory, ip, 0, 0, length, Ipv6Header.ICMPV6, NdpMessage.HOP_LIMIT, sourceHigh, sourceLow, high, low);
        Icmpv6Header.updateChecksum(memory, ip, MESSAGE_AT, length);
        link.send(frame.set(memory, 0, (int) MESSAGE_AT + length));
    }
}
