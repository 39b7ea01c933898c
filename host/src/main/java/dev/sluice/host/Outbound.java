package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import org.jspecify.annotations.Nullable;

/**
 * Which of the host's addresses outgoing sockets speak from; null leaves the choice to the system's routes.
 *
 * @param ipv4 of IPv4 sockets
 * @param ipv6 of IPv6 sockets
 */
public record Outbound(@Nullable Ipv4Address ipv4, @Nullable Ipv6Address ipv6) {
    /** The system chooses. */
    public static final Outbound ANY = new Outbound(null, null);

    @Nullable
    IpAddress of(boolean wantsIpv6) {
        return wantsIpv6 ? ipv6 : ipv4;
    }
}
