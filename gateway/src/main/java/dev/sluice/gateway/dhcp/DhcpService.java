package dev.sluice.gateway.dhcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.loop.LateLogger;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.LongSupplier;

/** The DHCP server on its links: datagrams in, frames out. Confined to the loop. */
public final class DhcpService {
    private static final System.Logger LOG = LateLogger.of(DhcpService.class.getName());
    private static final int HEADERS = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH;
    private static final int MAX_MESSAGE = 1472;
    private static final long WARN_EVERY = 60_000_000_000L;
    private static final int TIME_TO_LIVE = 64;

    private final AddressPlan plan;
    private final DhcpServer server;
    private final Counters counters;
    private final LeaseListener listener;
    private final MemorySegment buffer;
    private final Frame frame = new Frame();
    private boolean warned;
    private long warnedAt;

    /** @param arena for the one reply buffer; must outlive this object and be usable by the loop's thread */
    public DhcpService(Arena arena, AddressPlan plan, DhcpServer server, Counters counters, LeaseListener listener) {
        this.plan = plan;
        this.server = server;
        this.counters = counters;
        this.listener = listener;
        this.buffer = arena.allocate(HEADERS + MAX_MESSAGE, 8);
    }

    public DhcpServer server() {
        return server;
    }

    /**
     * True for an IPv4 packet from a client that makes no header checksum, which must be let through all the same: VPNKit's Go client
     * sends its DISCOVER so. Call it when {@link Ipv4Header#check} said {@code BAD_CHECKSUM}: version and lengths are known to be good
     * then. Only 0.0.0.0:68 to 255.255.255.255:67, unfragmented, without options, with the checksum field 0.
     */
    public static boolean isDiscoverWithoutChecksum(MemorySegment s, long at, int length) {
        return length >= Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH + DhcpMessage.FIXED_LENGTH
                && Bytes.u8(s, at) == 0x45
                && Ipv4Header.totalLength(s, at) <= length
                && Ipv4Header.totalLength(s, at) >= Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH + DhcpMessage.FIXED_LENGTH
                && Bytes.u16(s, at + 10) == 0
                && !Ipv4Header.isFragment(s, at)
                && Ipv4Header.protocol(s, at) == Ipv4Header.PROTOCOL_UDP
                && Ipv4Header.source(s, at) == 0
                && Ipv4Header.destination(s, at) == -1
                && UdpHeader.sourcePort(s, at + Ipv4Header.MIN_LENGTH) == DhcpMessage.CLIENT_PORT
                && UdpHeader.destinationPort(s, at + Ipv4Header.MIN_LENGTH) == DhcpMessage.SERVER_PORT;
    }

    /**
     * A datagram to port 67 of the gateway or of broadcast; its reply, if any, is sent before this returns.
     *
     * @param link where it came from and the reply goes
     * @param sourceMac Ethernet source of its frame
     * @param s holds the UDP payload at {@code at} during this call
     * @param length payload bytes
     * @param now the loop's clock
     */
    public void onDatagram(Link link, long sourceMac, MemorySegment s, long at, int length, long now) {
        switch (DhcpMessage.decode(s, at, length)) {
            case DhcpMessage.Decoded.Malformed malformed -> counters.drop(Drop.BAD_DHCP);
            case DhcpMessage.Decoded.Message(DhcpMessage message) -> {
                MacAddress source = new MacAddress(sourceMac);
                switch (server.handle(message, source, link, now)) {
                    case DhcpAnswer.Send reply -> send(link, message, reply);
                    case DhcpAnswer.Returned returned -> returned(returned, now);
                    case DhcpAnswer.Silence silence -> silent(silence.reason(), source, now);
                }
            }
        }
    }

    private void send(Link link, DhcpMessage request, DhcpAnswer.Send reply) {
        if (reply.binds()) {
            listener.onLease(reply.message().hardwareAddress(), reply.message().yourAddress(), link);
        }
        int dhcp = HEADERS;
        int length = reply.message().encode(buffer, dhcp, capacity(request));
        int udp = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
        int source = plan.gateway().bits();
        int destination = reply.destination().bits();
        EthernetHeader.write(buffer, 0, reply.mac().bits(), plan.mac().bits(), EthernetHeader.TYPE_IPV4);
        // Never fragmented, so the identification means nothing (RFC 6864 §4.1).
        Ipv4Header.write(
                buffer,
                EthernetHeader.LENGTH,
                0,
                Ipv4Header.MIN_LENGTH + UdpHeader.LENGTH + length,
                0,
                Ipv4Header.DONT_FRAGMENT,
                TIME_TO_LIVE,
                Ipv4Header.PROTOCOL_UDP,
                source,
                destination);
        UdpHeader.write(buffer, udp, DhcpMessage.SERVER_PORT, reply.port(), UdpHeader.LENGTH + length);
        long sum = Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_UDP, UdpHeader.LENGTH + length);
        sum = Checksum.add(sum, buffer, udp, UdpHeader.LENGTH + length);
        Bytes.put16(buffer, udp + UdpHeader.CHECKSUM, UdpHeader.checksumField(sum));
        if (link.send(frame.set(buffer, 0, HEADERS + length))) {
            counters.dhcpReplies++;
        }
    }

    /** What the client said it takes, within what the network carries; at least what every client must take. */
    private int capacity(DhcpMessage request) {
        int most = Math.min(MAX_MESSAGE, plan.mtu() - Ipv4Header.MIN_LENGTH - UdpHeader.LENGTH);
        int accepted =
                request.options().number16(DhcpOptions.MAXIMUM_MESSAGE_SIZE) - Ipv4Header.MIN_LENGTH - UdpHeader.LENGTH;
        return Math.min(most, Math.max(accepted, DhcpMessage.MIN_ACCEPTED));
    }

    private void returned(DhcpAnswer.Returned returned, long now) {
        if (returned.declined() && mayWarn(now)) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "DHCP client {0} found its address {1} in use by somebody else; it is set aside for ten minutes",
                    returned.mac(),
                    returned.address());
        }
        listener.onRelease(returned.mac(), returned.address());
    }

    private void silent(DhcpAnswer.Reason reason, MacAddress source, long now) {
        switch (reason) {
            case NOT_FOR_SERVERS, BAD_FIELDS -> counters.drop(Drop.BAD_DHCP);
            case SPOOFED -> counters.drop(Drop.SPOOFED_SOURCE);
            case OTHER_SERVER, NO_RECORD -> {}
            case EXHAUSTED -> {
                counters.drop(Drop.GUEST_LIMIT);
                if (mayWarn(now)) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "no address left for DHCP client {0}: all {1} of {2}-{3} are leased; choose a larger network",
                            source,
                            server.table().capacity(),
                            plan.firstGuest(),
                            plan.lastGuest());
                }
            }
        }
    }

    private boolean mayWarn(long now) {
        if (warned && now - warnedAt < WARN_EVERY) {
            return false;
        }
        warned = true;
        warnedAt = now;
        return true;
    }

    /** The server's reservations as others claim them; on the loop's thread, like everything here. */
    public AddressClaims claims(LongSupplier clock) {
        return new AddressClaims() {
            @Override
            public boolean claim(Ipv4Address address, MacAddress mac) {
                return server.reserve(mac, address, clock.getAsLong());
            }

            @Override
            public void release(Ipv4Address address, MacAddress mac) {
                server.unreserve(mac, address);
            }
        };
    }
}
