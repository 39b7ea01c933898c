package dev.sluice.net.ip;

import dev.sluice.stack.ndp.Reachability;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.util.ArrayDeque;

/**
 * One station on the link, of either family, and what waits for its hardware address. Confined to the loop. Flows keep a reference
 * instead of looking up each packet; {@link #gone} tells them to look again.
 */
public final class Neighbour {
    private final long high;
    private final long low;
    final Reachability reachability;
    final ArrayDeque<PendingFrame> pending = new ArrayDeque<>(0);
    /** Bytes of {@link #pending}. */
    int pendingBytes;

    /** Something was sent to it since the cache last looked for one to forget. */
    boolean used;

    private boolean gone;

    Neighbour(long high, long low, Reachability reachability) {
        this.high = high;
        this.low = low;
        this.reachability = reachability;
    }

    long high() {
        return high;
    }

    long low() {
        return low;
    }

    boolean is(long high, long low) {
        return this.low == low && this.high == high;
    }

    public IpAddress address() {
        return IpHeader.address(high, low);
    }

    public boolean isIpv4() {
        return IpHeader.isIpv4(high, low);
    }

    /** True if this object is out of use; ask the interface for a new one. */
    public boolean gone() {
        return gone;
    }

    void leave() {
        gone = true;
    }

    @Override
    public String toString() {
        return address() + " " + reachability;
    }
}
