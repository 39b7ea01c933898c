package dev.sluice.gateway.flow;

import dev.sluice.link.Link;
import dev.sluice.stack.ip.RateLimiter;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A neighbour on the guest network: one address of either family, and where frames to it go. A machine with several addresses is
 * several of these; what it holds is counted in one place all the same ({@link Shares}). Confined to the loop.
 */
public final class Guest {
    /** Its address, with {@link #low}: IPv4 mapped into IPv6, as in {@link IpHeader}. */
    public final long high;

    public final long low;
    /** IPv4 address bits; of no meaning unless {@link #isIpv4}. */
    public final int address;
    /** MAC bits of the last frame that proved the binding. */
    public long mac;
    /** Link that frames to it leave by. */
    public Link link;
    /** When a frame from it was last seen, on the loop's clock. */
    public long lastSeen;
    /** True if the DHCP server gave the address to this MAC: then no other MAC may use it until {@link #leaseEnds}. */
    public boolean leased;
    /** On the loop's clock; of no meaning unless {@link #leased}. */
    public long leaseEnds;
    /** How many ICMP errors it may still get; made with the first. */
    public @Nullable RateLimiter icmpErrors;

    /**
     * Identification of the next packet to it that may travel in pieces (RFC 791, RFC 8200 §4.5). Its own, from a number that nobody knows: with
     * one counter for all, a guest could tell how much others are sent (RFC 7739 §5).
     */
    public int identification = ThreadLocalRandom.current().nextInt();

    private final boolean ipv4;

    public Guest(int address, long mac, Link link) {
        this(IpHeader.MAPPED_HIGH, IpHeader.mapped(address), mac, link);
    }

    public Guest(long high, long low, long mac, Link link) {
        this.high = high;
        this.low = low;
        this.address = (int) low;
        this.ipv4 = IpHeader.isIpv4(high, low);
        this.mac = mac;
        this.link = link;
    }

    /** Whether the address is this MAC's alone, now. */
    public boolean isLeased(long now) {
        return leased && leaseEnds - now > 0;
    }

    public boolean isIpv4() {
        return ipv4;
    }

    public boolean hasAddress(long high, long low) {
        return this.low == low && this.high == high;
    }

    /** Allocates; for the slow paths. */
    public IpAddress ipAddress() {
        return IpHeader.address(high, low);
    }
}
