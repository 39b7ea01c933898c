package dev.sluice.gateway.dhcp6;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.Dhcpv6Message;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Connects guests' DHCPv6 messages with the server. Confined to the loop; see the package. */
public final class Dhcpv6Service {
    /** Told of addresses given and returned, and asked about those in use; on the loop's thread. */
    public interface Bindings {
        /** @param seconds from now on */
        void onLease(long mac, Ipv6Address address, Link link, int seconds);

        /** It was given back, or found to be somebody else's. */
        void onReturn(long mac, Ipv6Address address);

        /** Whether somebody with another MAC has the address. */
        boolean isForeign(long mac, Ipv6Address address);
    }

    private static final int SERVER_PORT = 547;
    private static final int CLIENT_PORT = 546;
    private static final int HEADERS = EthernetHeader.LENGTH + Ipv6Header.LENGTH + UdpHeader.LENGTH;
    private static final int MAX_REPLY = 1200;

    private final AddressPlan plan;
    private final Ipv6Plan six;
    private final Counters counters;
    private final Bindings bindings;
    private final Dhcpv6Server server;
    private final MemorySegment memory = Arena.ofAuto().allocate(HEADERS + MAX_REPLY, 8);
    private final Frame frame = new Frame();

    public Dhcpv6Service(
            AddressPlan plan, Ipv6Plan six, Limits limits, SearchList search, Counters counters, Bindings bindings) {
        this.plan = plan;
        this.six = six;
        this.counters = counters;
        this.bindings = bindings;
        // DUID-LL (RFC 8415 §11.4): a server without memory of its own is best known by its interface.
        String id = "00030001" + plan.mac().toString().replace(":", "");
        this.server = new Dhcpv6Server(six, id, search::all, limits.guests());
    }

    /**
     * A datagram to port 547.
     *
     * @param ip where its IPv6 header starts
     * @param at where its UDP header starts, whose {@code length} counts it as well
     */
    public void onDatagram(Link link, long mac, MemorySegment s, long ip, long at, int length, long now) {
        long high = Ipv6Header.sourceHigh(s, ip);
        // Clients use their link-local addresses (RFC 8415 §13); those are theirs alone, so that is where answers may
        // go.
        if (high >>> 54 != 0xfe80 >>> 6 || MacAddress.isGroup(mac)) {
            counters.drop(Drop.BAD_DHCP);
            return;
        }
        Dhcpv6Message message = Dhcpv6Message.parse(s, at + UdpHeader.LENGTH, length - UdpHeader.LENGTH);
        if (message == null) {
            counters.drop(Drop.BAD_DHCP);
            return;
        }
        Dhcpv6Server.Answer answer = server.answer(message, mac, address -> bindings.isForeign(mac, address), now);
        if (answer == null || answer.message().length > MAX_REPLY) {
            counters.drop(Drop.BAD_DHCP);
            return;
        }
        answer.given().forEach(address -> bindings.onLease(mac, address, link, Dhcpv6Server.VALID));
        answer.returned().forEach(address -> bindings.onReturn(mac, address));
        counters.dhcpReplies++;
        send(link, mac, high, Ipv6Header.sourceLow(s, ip), UdpHeader.sourcePort(s, at), answer.message());
    }

    private void send(Link link, long mac, long high, long low, int port, byte[] message) {
        int length = UdpHeader.LENGTH + message.length;
        long ip = EthernetHeader.LENGTH;
        long udp = ip + Ipv6Header.LENGTH;
        EthernetHeader.write(memory, 0, mac, plan.mac().bits(), EthernetHeader.TYPE_IPV6);
        Ipv6Header.write(
                memory,
                ip,
                0,
                0,
                length,
                Ipv4Header.PROTOCOL_UDP,
                64,
                six.linkLocal().high(),
                six.linkLocal().low(),
                high,
                low);
        UdpHeader.write(memory, udp, SERVER_PORT, port == 0 ? CLIENT_PORT : port, length);
        MemorySegment.copy(message, 0, memory, ValueLayout.JAVA_BYTE, udp + UdpHeader.LENGTH, message.length);
        long sum =
                Checksum.add(Ipv6Header.pseudoHeader(memory, ip, Ipv4Header.PROTOCOL_UDP, length), memory, udp, length);
        Bytes.put16(memory, udp + UdpHeader.CHECKSUM, UdpHeader.checksumField(sum));
        link.send(frame.set(memory, 0, HEADERS + message.length));
    }
}
