package dev.sluice.net;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;

/** An address with a port, as text. */
final class Endpoint {
    private Endpoint() {}

    /** {@code 10.0.0.1:80}, or {@code [fd00::1]:80} (RFC 5952 §6). */
    static String text(IpAddress address, int port) {
        return switch (address) {
            case Ipv4Address four -> four + ":" + port;
            case Ipv6Address six -> "[" + six + "]:" + port;
        };
    }
}
