package dev.sluice.gateway.flow;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;

/** The one place that decides about a new flow; called on the loop's thread, must not block. */
@FunctionalInterface
public interface FlowPolicy {
    /**
     * What a guest asks for.
     *
     * @param guestPort 1–65535; of a ping its identifier
     * @param destination as the guest wrote it, before any translation
     * @param destinationPort 0–65535; of a ping 0
     */
    record Request(Protocol protocol, IpAddress guest, int guestPort, IpAddress destination, int destinationPort) {}

    /** What is spoken. */
    enum Protocol {
        TCP,
        UDP,
        PING
    }

    /** What becomes of a flow. */
    sealed interface Decision {}

    /** Go ahead, to this host-side address and port (after translation of the host's address). */
    record Allow(IpAddress address, int port) implements Decision {}

    /**
     * Go ahead through a tunnel: a socket in the file system whose owner is told where the connection leads, and may refuse. TCP only; for
     * the rest as {@link Reject}.
     */
    record Tunnel(String path, IpAddress address, int port) implements Decision {}

    /** Refuse, and tell the guest that policy forbids it: ICMP "administratively prohibited", for TCP also RST. */
    record Prohibit() implements Decision {}

    /** Refuse as if nothing listened: RST for TCP, port unreachable for UDP. */
    record Reject() implements Decision {}

    /** Decides; at once, as the packets of all guests wait meanwhile. */
    Decision decide(Request request);

    /** Allows everything but the host's loopback where that is closed; translates the plan's host address to loopback. */
    static FlowPolicy of(AddressPlan plan) {
        return request -> {
            Ipv6Plan six = plan.ipv6();
            boolean host4 = request.destination().equals(plan.host());
            boolean host6 = six != null && request.destination().equals(six.host());
            if (host4 || host6) {
                return plan.hostLoopback()
                        ? new Allow(host4 ? Ipv4Address.LOOPBACK : Ipv6Address.LOOPBACK, request.destinationPort())
                        : new Prohibit();
            }
            return new Allow(request.destination(), request.destinationPort());
        };
    }
}
