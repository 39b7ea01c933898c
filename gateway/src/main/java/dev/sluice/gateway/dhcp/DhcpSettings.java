package dev.sluice.gateway.dhcp;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Address;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the DHCP server says beyond the address plan.
 *
 * @param leaseSeconds how long a lease lasts, 60–2³¹; clients may ask for less, never for more
 * @param router option 3; null for the plan's gateway
 * @param dns option 6; empty for none
 * @param ntp option 42, given only to clients that ask; empty for none
 * @param authoritative whether to confirm an address that a rebooting client remembers but the server does not, if it is free. RFC
 *     2131 §4.3.2 wants silence there, for the sake of other servers on the wire; without one, the client gets its address sooner
 */
public record DhcpSettings(
        long leaseSeconds,
        @Nullable Ipv4Address router,
        List<Ipv4Address> dns,
        List<Ipv4Address> ntp,
        boolean authoritative) {
    public static final long DEFAULT_LEASE_SECONDS = 86_400;
    static final long MIN_LEASE_SECONDS = 60;

    public DhcpSettings {
        if (leaseSeconds < MIN_LEASE_SECONDS || leaseSeconds > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a DHCP lease lasts 60…2147483647 seconds, not " + leaseSeconds);
        }
        dns = List.copyOf(dns);
        ntp = List.copyOf(ntp);
    }

    /** One whose router is the plan's gateway. */
    public DhcpSettings(long leaseSeconds, List<Ipv4Address> dns, List<Ipv4Address> ntp, boolean authoritative) {
        this(leaseSeconds, null, dns, ntp, authoritative);
    }

    /** A day's lease; the gateway is DNS and time server; the RFC's silence. */
    public static DhcpSettings of(AddressPlan plan) {
        return new DhcpSettings(DEFAULT_LEASE_SECONDS, List.of(plan.gateway()), List.of(plan.gateway()), false);
    }

    /** The same for the only server on its wire: a client that remembers a free address gets it back at once. */
    public static DhcpSettings alone(AddressPlan plan) {
        DhcpSettings usual = of(plan);
        return new DhcpSettings(usual.leaseSeconds, usual.dns, usual.ntp, true);
    }
}
