package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Sends ARP messages (RFC 826, RFC 5227). Confined to the loop. */
final class Arp implements NeighbourProtocol {
    private static final long BROADCAST = MacAddress.BROADCAST.bits();

    private final HostLink link;
    private final Frame frame = new Frame();
    private final MemorySegment memory = Arena.ofAuto().allocate(EthernetHeader.LENGTH + ArpHeader.LENGTH, 8);
    private int ownAddress;

    Arp(HostLink link) {
        this.link = link;
    }

    /** The address to ask from, as bits. */
    void ownAddress(int address) {
        ownAddress = address;
    }

    @Override
    public void ask(long high, long low, long to) {
        send(ArpHeader.REQUEST, to == 0 ? BROADCAST : to, ownAddress, 0, (int) low);
    }

    void answer(long to, int target) {
        send(ArpHeader.REPLY, to, ownAddress, to, target);
    }

    /** As RFC 5227 §1.1 has it. */
    @Override
    public void probe(long high, long low) {
        send(ArpHeader.REQUEST, BROADCAST, 0, 0, (int) low);
    }

    @Override
    public void announce(long high, long low) {
        send(ArpHeader.REQUEST, BROADCAST, (int) low, 0, (int) low);
    }

    private void send(int operation, long to, int senderAddress, long targetMac, int targetAddress) {
        EthernetHeader.write(memory, 0, to, link.mac(), EthernetHeader.TYPE_ARP);
        ArpHeader.write(memory, EthernetHeader.LENGTH, operation, link.mac(), senderAddress, targetMac, targetAddress);
        link.send(frame.set(memory, 0, EthernetHeader.LENGTH + ArpHeader.LENGTH));
    }
}
