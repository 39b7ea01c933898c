package dev.sluice.gateway.dhcp;

import dev.sluice.link.Link;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;

/** Told who owns which address; on the loop's thread, before the reply leaves. */
public interface LeaseListener {
    /** {@code mac}, which spoke through {@code link}, may use {@code address} from now on; also called for each renewal. */
    void onLease(MacAddress mac, Ipv4Address address, Link link);

    /** {@code mac} gave {@code address} back or found it in use. A lease that merely ends is not told. */
    default void onRelease(MacAddress mac, Ipv4Address address) {}
}
