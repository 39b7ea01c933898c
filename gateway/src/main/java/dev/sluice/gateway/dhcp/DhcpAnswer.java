package dev.sluice.gateway.dhcp;

import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;

/** What the server makes of one message. */
public sealed interface DhcpAnswer {
    /**
     * Send this.
     *
     * @param destination IPv4 destination, 255.255.255.255 for broadcast (RFC 2131 §4.1)
     * @param mac Ethernet destination
     * @param port UDP destination
     * @param binds whether the client may use {@code message.yourAddress()} from now on
     */
    record Send(DhcpMessage message, Ipv4Address destination, MacAddress mac, int port, boolean binds)
            implements DhcpAnswer {}

    /** The client gave this address back, or found somebody else there; no reply. */
    record Returned(MacAddress mac, Ipv4Address address, boolean declined) implements DhcpAnswer {}

    /** Say nothing. */
    record Silence(Reason reason) implements DhcpAnswer {}

    /** Why the server says nothing. */
    enum Reason {
        /** Not a request, plain BOOTP, or of a type that only servers send. */
        NOT_FOR_SERVERS,
        /** Fields contradict each other or the network. */
        BAD_FIELDS,
        /** The client's hardware address is not the one the frame came from. */
        SPOOFED,
        /** The client chose another server. */
        OTHER_SERVER,
        /** A rebooting client that this server knows nothing of (RFC 2131 §4.3.2), or a release of what nobody has. */
        NO_RECORD,
        /** No address is left. */
        EXHAUSTED
    }
}
