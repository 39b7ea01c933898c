package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Sends ARP messages (RFC 826, RFC 5227). Confined to the loop. */
final class Arp {
    private static final long BROADCAST = MacAddress.BROADCAST.bits();

    private final HostLink link;
    private final Frame frame = new Frame();
    private final MemorySegment memory = Arena.ofAuto().allocate(EthernetHeader.LENGTH + ArpHeader.LENGTH, 8);

    Arp(HostLink link) {
        this.link = link;
    }

    /** Asks everybody, or only {@code to} if it is not 0, for {@code target}. */
    void ask(int ownAddress, int target, long to) {
        send(ArpHeader.REQUEST, to == 0 ? BROADCAST : to, ownAddress, 0, target);
    }

    void answer(int ownAddress, long to, int target) {
        send(ArpHeader.REPLY, to, ownAddress, to, target);
    }

    /** Asks for an address without claiming it (RFC 5227 §1.1). */
    void probe(int address) {
        send(ArpHeader.REQUEST, BROADCAST, 0, 0, address);
    }

    /** Tells everybody whose {@code address} is. */
    void announce(int address) {
        send(ArpHeader.REQUEST, BROADCAST, address, 0, address);
    }

    private void send(int operation, long to, int senderAddress, long targetMac, int targetAddress) {
        EthernetHeader.write(memory, 0, to, link.mac(), EthernetHeader.TYPE_ARP);
        ArpHeader.write(memory, EthernetHeader.LENGTH, operation, link.mac(), senderAddress, targetMac, targetAddress);
        link.send(frame.set(memory, 0, EthernetHeader.LENGTH + ArpHeader.LENGTH));
    }
}
