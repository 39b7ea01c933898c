package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MldMessage;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Puts IPv6 and Ethernet around messages about the link itself that are written in its memory. Confined to the loop. */
final class Icmpv6Sender {
    /** Where messages start. */
    static final long MESSAGE_AT = EthernetHeader.LENGTH + Ipv6Header.LENGTH + MldMessage.ALERT_LENGTH;

    private static final long IP_AFTER_ALERT = EthernetHeader.LENGTH;

    private final HostLink link;
    private final MemorySegment memory;
    private final Frame frame = new Frame();

    /** @param longest message */
    Icmpv6Sender(HostLink link, int longest) {
        this.link = link;
        this.memory = Arena.ofAuto().allocate(MESSAGE_AT + longest, 8);
    }

    MemorySegment memory() {
        return memory;
    }

    /** The Ethernet address of a multicast group (RFC 2464 §7). */
    static long groupMac(long groupLow) {
        return 0x3333_0000_0000L | groupLow & 0xffff_ffffL;
    }

    /** Sends the {@code length} bytes written at {@link #MESSAGE_AT}. */
    void send(long to, int hopLimit, long sourceHigh, long sourceLow, long high, long low, int length) {
        long ip = IP_AFTER_ALERT + MldMessage.ALERT_LENGTH;
        Ipv6Header.write(memory, ip, 0, 0, length, Ipv6Header.ICMPV6, hopLimit, sourceHigh, sourceLow, high, low);
        Icmpv6Header.updateChecksum(memory, ip, MESSAGE_AT, length);
        send(to, ip, length);
    }

    /** Sends them with a router alert in front (RFC 3810 §5). */
    void sendWithAlert(long to, int hopLimit, long sourceHigh, long sourceLow, long high, long low, int length) {
        long ip = IP_AFTER_ALERT;
        Ipv6Header.write(
                memory,
                ip,
                0,
                0,
                MldMessage.ALERT_LENGTH + length,
                Ipv6Header.HOP_BY_HOP,
                hopLimit,
                sourceHigh,
                sourceLow,
                high,
                low);
        MldMessage.writeAlert(memory, ip + Ipv6Header.LENGTH);
        Icmpv6Header.updateChecksum(memory, ip, MESSAGE_AT, length);
        send(to, ip, MldMessage.ALERT_LENGTH + length);
    }

    private void send(long to, long ip, int payload) {
        long ethernet = ip - EthernetHeader.LENGTH;
        EthernetHeader.write(memory, ethernet, to, link.mac(), EthernetHeader.TYPE_IPV6);
        link.send(frame.set(memory, ethernet, EthernetHeader.LENGTH + Ipv6Header.LENGTH + payload));
    }
}
