package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Ipv4Output;
import dev.sluice.link.Frame;
import dev.sluice.stack.ip.Fragmenter;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link Ipv4Output} for everything but TCP, which builds its own frames. Confined to the loop. */
final class PacketSender implements Ipv4Output {
    private final AddressPlan plan;
    private final Counters counters;
    private final Frame frame = new Frame();
    private final Fragmenter fragmenter = new Fragmenter(Arena.ofAuto());
    private final Fragmenter.Output fragments = this::sendFragment;
    private @Nullable Guest fragmentTarget;
    private int identification;

    PacketSender(AddressPlan plan, Counters counters, int firstIdentification) {
        this.plan = plan;
        this.counters = counters;
        this.identification = firstIdentification;
    }

    @Override
    public boolean send(
            Guest guest,
            int source,
            int protocol,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        int total = Ipv4Header.MIN_LENGTH + length;
        if (total > 0xffff) {
            counters.drop(Drop.TOO_BIG);
            return false;
        }
        long ip = at - Ipv4Header.MIN_LENGTH;
        long ethernet = ip - EthernetHeader.LENGTH;
        EthernetHeader.write(memory, ethernet, guest.mac, plan.mac().bits(), EthernetHeader.TYPE_IPV4);
        Ipv4Header.write(
                memory,
                ip,
                typeOfService,
                total,
                identification++ & 0xffff,
                0,
                timeToLive,
                protocol,
                source,
                guest.address);
        long pseudo = checksumOffset == COMPLETE ? 0 : Checksum.pseudoHeader(source, guest.address, protocol, length);
        int mtu = Math.min(plan.mtu(), guest.link.mtu());
        if (total > mtu) {
            if (checksumOffset != COMPLETE) {
                Bytes.put16(memory, at + checksumOffset, 0);
                long sum = Checksum.add(pseudo, memory, at, length);
                Bytes.put16(memory, at + checksumOffset, UdpHeader.checksumField(sum));
            }
            fragmentTarget = guest;
            return fragmenter.fragment(memory, ip, total, mtu, fragments) > 0;
        }
        frame.set(memory, ethernet, EthernetHeader.LENGTH + total);
        if (checksumOffset != COMPLETE) {
            Bytes.put16(memory, at + checksumOffset, Checksum.fold(pseudo));
            frame.checksumStart = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
            frame.checksumOffset = checksumOffset;
        }
        return hand(guest);
    }

    private void sendFragment(MemorySegment s, long at, int length) {
        Guest guest = fragmentTarget;
        if (guest != null) {
            long ethernet = at - EthernetHeader.LENGTH;
            EthernetHeader.write(s, ethernet, guest.mac, plan.mac().bits(), EthernetHeader.TYPE_IPV4);
            frame.set(s, ethernet, EthernetHeader.LENGTH + length);
            hand(guest);
        }
    }

    private boolean hand(Guest guest) {
        if (guest.link.send(frame)) {
            return true;
        }
        counters.drop(Drop.LINK_FULL);
        return false;
    }
}
