package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.link.Frame;
import dev.sluice.stack.ip.Fragmenter;
import dev.sluice.stack.ip.Ipv6Fragmenter;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** {@link PacketOutput} for everything but TCP, which builds its own frames. Confined to the loop. */
final class PacketSender implements PacketOutput {
    private final AddressPlan plan;
    private final Counters counters;
    private final Frame frame = new Frame();
    private final Fragmenter fragmenter = new Fragmenter(Arena.ofAuto());
    private final Ipv6Fragmenter fragmenter6 = new Ipv6Fragmenter(Arena.ofAuto());
    private final Fragmenter.Output fragments = this::sendFragment;
    private @Nullable Guest fragmentTarget;

    PacketSender(AddressPlan plan, Counters counters) {
        this.plan = plan;
        this.counters = counters;
    }

    @Override
    public boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int protocol,
            int hopLimit,
            int trafficClass,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        boolean ipv4 = guest.isIpv4();
        int header = IpHeader.length(ipv4);
        int total = header + length;
        int mtu = Math.min(plan.mtu(), guest.link.mtu());
        int first = protocol == Ipv4Header.PROTOCOL_UDP ? UdpHeader.length(memory, at) : length;
        boolean several = first < length;
        boolean tooBig = (ipv4 ? total : length) > 0xffff;
        if (tooBig && !several) {
            counters.drop(Drop.TOO_BIG);
            return false;
        }
        if (several && (tooBig || header + first > mtu)) {
            return sendEach(
                    guest, sourceHigh, sourceLow, hopLimit, trafficClass, memory, at, length, first - UdpHeader.LENGTH);
        }
        if (several) {
            UdpHeader.write(
                    memory, at, UdpHeader.sourcePort(memory, at), UdpHeader.destinationPort(memory, at), length);
        }
        long ip = at - header;
        long ethernet = ip - EthernetHeader.LENGTH;
        EthernetHeader.write(memory, ethernet, guest.mac, plan.mac().bits(), type(guest));
        if (ipv4) {
            int source = (int) sourceLow;
            Ipv4Header.write(
                    memory,
                    ip,
                    trafficClass,
                    total,
                    guest.identification++ & 0xffff,
                    0,
                    hopLimit,
                    protocol,
                    source,
                    guest.address);
        } else {
            Ipv6Header.write(
                    memory,
                    ip,
                    trafficClass,
                    0,
                    length,
                    protocol,
                    hopLimit,
                    sourceHigh,
                    sourceLow,
                    guest.high,
                    guest.low);
        }
        long pseudo = checksumOffset == COMPLETE
                ? 0
                : IpHeader.pseudoHeader(sourceHigh, sourceLow, guest.high, guest.low, protocol, length);
        if (total > mtu && !several) {
            if (checksumOffset != COMPLETE) {
                Bytes.put16(memory, at + checksumOffset, 0);
                long sum = Checksum.add(pseudo, memory, at, length);
                Bytes.put16(memory, at + checksumOffset, UdpHeader.checksumField(sum));
            }
            fragmentTarget = guest;
            int pieces = ipv4
                    ? fragmenter.fragment(memory, ip, total, mtu, fragments)
                    : fragmenter6.fragment(memory, ip, guest.identification++, mtu, fragments);
            return pieces > 0;
        }
        frame.set(memory, ethernet, EthernetHeader.LENGTH + total);
        if (checksumOffset != COMPLETE) {
            Bytes.put16(memory, at + checksumOffset, Checksum.fold(pseudo));
            frame.checksumStart = EthernetHeader.LENGTH + header;
            frame.checksumOffset = checksumOffset;
        }
        if (several) {
            // The link, or the kernel behind it, counts up the identification of each (RFC 791 §2.3).
            frame.gso = Frame.GSO_UDP;
            frame.gsoSize = first - UdpHeader.LENGTH;
            int more = (length - UdpHeader.LENGTH - 1) / frame.gsoSize;
            guest.identification += more;
            boolean sent = hand(guest);
            for (int i = 0; i < more && !sent; i++) {
                counters.drop(Drop.LINK_FULL);
            }
            return sent;
        }
        return hand(guest);
    }

    private static int type(Guest guest) {
        return guest.isIpv4() ? EthernetHeader.TYPE_IPV4 : EthernetHeader.TYPE_IPV6;
    }

    /** Sends datagrams one by one that have to be fragmented; each one's header goes over the end of the one before. */
    private boolean sendEach(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int hopLimit,
            int trafficClass,
            MemorySegment memory,
            long at,
            int length,
            int size) {
        int sourcePort = UdpHeader.sourcePort(memory, at);
        int guestPort = UdpHeader.destinationPort(memory, at);
        boolean all = true;
        for (int from = 0; from < length - UdpHeader.LENGTH; from += size) {
            int bytes = UdpHeader.LENGTH + Math.min(size, length - UdpHeader.LENGTH - from);
            UdpHeader.write(memory, at + from, sourcePort, guestPort, bytes);
            all &= send(
                    guest,
                    sourceHigh,
                    sourceLow,
                    Ipv4Header.PROTOCOL_UDP,
                    hopLimit,
                    trafficClass,
                    memory,
                    at + from,
                    bytes,
                    UdpHeader.CHECKSUM);
        }
        return all;
    }

    private void sendFragment(MemorySegment s, long at, int length) {
        Guest guest = fragmentTarget;
        if (guest != null) {
            long ethernet = at - EthernetHeader.LENGTH;
            EthernetHeader.write(s, ethernet, guest.mac, plan.mac().bits(), type(guest));
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
