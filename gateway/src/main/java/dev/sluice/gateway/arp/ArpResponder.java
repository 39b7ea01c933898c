package dev.sluice.gateway.arp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Answers, announces and defends the gateway's addresses. */
public final class ArpResponder {
    private static final System.Logger LOG = System.getLogger("dev.sluice.gateway");
    private static final long DEFEND_INTERVAL = 10_000_000_000L;
    private static final int FRAME = EthernetHeader.LENGTH + ArpHeader.LENGTH;

    private final AddressPlan plan;
    private final Counters counters;
    private final MemorySegment memory = Arena.ofAuto().allocate(64, 8);
    private final Frame frame = new Frame();
    private long lastDefence;
    private boolean defended;
    private long lastOffender = -1;

    public ArpResponder(AddressPlan plan, Counters counters) {
        this.plan = plan;
        this.counters = counters;
    }

    /** Tells a new link who the gateway and the host are. */
    public void announce(Link link) {
        announce(link, plan.gateway().bits());
        announce(link, plan.host().bits());
    }

    private void announce(Link link, int address) {
        send(link, MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, address, 0, address);
    }

    /**
     * Handles an ARP message of a frame.
     *
     * @param length bytes available at {@code at}
     */
    public void onArp(Link link, long frameSource, MemorySegment s, long at, int length, long now) {
        if (ArpHeader.check(s, at, length) != Flaw.NONE || ArpHeader.senderMac(s, at) != frameSource) {
            counters.drop(Drop.BAD_ARP);
            return;
        }
        int sender = ArpHeader.senderAddress(s, at);
        if (isOurs(sender)) {
            defend(link, frameSource, sender, now);
            return;
        }
        int target = ArpHeader.targetAddress(s, at);
        if (ArpHeader.operation(s, at) == ArpHeader.REQUEST && isOurs(target)) {
            counters.arpReplies++;
            send(link, frameSource, ArpHeader.REPLY, target, frameSource, sender);
        }
    }

    private boolean isOurs(int address) {
        return address == plan.gateway().bits() || address == plan.host().bits();
    }

    private void defend(Link link, long offender, int address, long now) {
        counters.drop(Drop.SPOOFED_SOURCE);
        if (offender != lastOffender) {
            lastOffender = offender;
            LOG.log(
                    System.Logger.Level.WARNING,
                    "a guest ({0}) claims the gateway's address {1}; give it an address by DHCP or another static one",
                    new MacAddress(offender),
                    new Ipv4Address(address));
        }
        if (!defended || now - lastDefence >= DEFEND_INTERVAL) {
            defended = true;
            lastDefence = now;
            announce(link, address);
        }
    }

    private void send(
            Link link, long destination, int operation, int senderAddress, long targetMac, int targetAddress) {
        long mac = plan.mac().bits();
        EthernetHeader.write(memory, 0, destination, mac, EthernetHeader.TYPE_ARP);
        ArpHeader.write(memory, EthernetHeader.LENGTH, operation, mac, senderAddress, targetMac, targetAddress);
        link.send(frame.set(memory, 0, FRAME));
    }
}
