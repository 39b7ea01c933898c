package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Both families behind one door, for those who need not know which: addresses are two halves, IPv4 mapped into IPv6 ({@link IpHeader}).
 * Confined to the loop but for {@link #noRoute}.
 */
public final class IpInterface {
    /** Bytes that must be free before the transport header in {@link #send}. */
    public static final int HEADROOM = 64;

    /** {@code checksumOffset} of a transport whose checksum is already complete. */
    public static final int COMPLETE = -1;

    public final Ipv4Interface four;
    public final Ipv6Interface six;

    public IpInterface(Ipv4Interface four, Ipv6Interface six) {
        this.four = four;
        this.six = six;
    }

    /** The next hop to an address, or null if there is none. */
    public @Nullable Neighbour route(long high, long low) {
        return IpHeader.isIpv4(high, low) ? four.route((int) low) : six.route(high, low);
    }

    /** The address of ours to talk to an address from, or null if there is none. */
    public @Nullable LocalAddress source(long high, long low) {
        return IpHeader.isIpv4(high, low) ? four.local() : six.source(high, low);
    }

    /** Whether an address is one of this host's. */
    public boolean isOurs(long high, long low) {
        return IpHeader.isIpv4(high, low) ? (int) low != 0 && (int) low == four.address() : six.isOurs(high, low);
    }

    /** Whether an address is that of one host, not of a group or everybody. */
    public boolean isUnicast(long high, long low) {
        return IpHeader.isIpv4(high, low)
                ? (int) low >>> 28 < 0xe && !four.isBroadcast((int) low)
                : high >>> 56 != 0xff;
    }

    /** Hop limit of packets that nobody has set another for. */
    public int hopLimit(boolean ipv4) {
        return ipv4 ? Ipv4Interface.TTL : six.hopLimit();
    }

    /** Sends a frame that is complete but for its Ethernet destination. */
    public boolean send(Neighbour to, Frame complete) {
        return to.isIpv4() ? four.send(to, complete) : six.send(to, complete);
    }

    /**
     * Sends one datagram: writes the IP and Ethernet headers into the headroom before {@code at}, fragments it if it must.
     *
     * @param memory native, with {@link #HEADROOM} writable bytes before {@code at}
     * @param at where the transport header starts
     * @param length transport header and payload
     * @param checksumOffset where in the transport header the checksum goes, made here or left to the link; or {@link #COMPLETE}
     * @return false if it was dropped, which has been counted
     */
    public boolean send(
            Neighbour to,
            long sourceHigh,
            long sourceLow,
            long high,
            long low,
            int protocol,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset) {
        return IpHeader.isIpv4(high, low)
                ? four.send(to, (int) sourceLow, (int) low, protocol, memory, at, length, checksumOffset)
                : six.send(to, sourceHigh, sourceLow, high, low, protocol, memory, at, length, checksumOffset);
    }

    /** Why there can be no way to an address, as far as that can be said at once; null if there may be one. Any thread. */
    public @Nullable String noRoute(IpAddress to) {
        return switch (to) {
            case Ipv4Address address -> four.noRoute(address);
            case Ipv6Address address -> six.noRoute(address);
        };
    }
}
