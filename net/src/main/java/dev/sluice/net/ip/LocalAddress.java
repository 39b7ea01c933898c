package dev.sluice.net.ip;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;

/** One of the host's own addresses, of either family, as two halves. */
public class LocalAddress {
    public final long high;
    public final long low;

    LocalAddress(long high, long low) {
        this.high = high;
        this.low = low;
    }

    final boolean is(long high, long low) {
        return this.low == low && this.high == high;
    }

    public final boolean isIpv4() {
        return IpHeader.isIpv4(high, low);
    }

    public final IpAddress address() {
        return IpHeader.address(high, low);
    }

    @Override
    public String toString() {
        return address().toString();
    }
}
