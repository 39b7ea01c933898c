package dev.sluice.gateway.forward;

import dev.sluice.wire.IpAddress;
import java.util.List;

/**
 * The other direction: a port of the gateway's address that leads guests to one place of the host, and nowhere else.
 *
 * @param port of the gateway, 1…65535
 * @param udp datagrams rather than connections
 */
public record GatewayForward(int port, boolean udp, Place to) {
    /** A place of the host, or beyond. */
    public sealed interface Place {}

    /** Reached as from the host itself, loopback included, whatever else of that is closed to guests. */
    public record Address(IpAddress address, int port) implements Place {
        @Override
        public String toString() {
            return ForwardSyntax.bracketed(address) + ":" + port;
        }
    }

    /** A listening socket in the file system. */
    public record UnixSocket(String path) implements Place {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /**
     * Reads {@code PORT:ADDRESS:PORT[/tcp|/udp]} or {@code PORT:unix:PATH}.
     *
     * @throws IllegalArgumentException saying what is wrong and how to write it
     */
    public static GatewayForward parse(String text) {
        try {
            int unix = text.indexOf(":unix:");
            if (unix > 0) {
                String path = ForwardSyntax.path(text.substring(unix + 6));
                return new GatewayForward(ForwardSyntax.port(text.substring(0, unix)), false, new UnixSocket(path));
            }
            boolean udp = text.endsWith("/udp");
            List<String> parts =
                    ForwardSyntax.parts(udp || text.endsWith("/tcp") ? text.substring(0, text.length() - 4) : text);
            IpAddress address = parts.size() == 3 ? ForwardSyntax.address(parts.get(1)) : null;
            if (address == null) {
                throw new IllegalArgumentException("write PORT:ADDRESS:PORT, as in 5432:127.0.0.1:5432 or"
                        + " 123:127.0.0.1:1123/udp, or PORT:unix:PATH");
            }
            return new GatewayForward(
                    ForwardSyntax.port(parts.getFirst()),
                    udp,
                    new Address(address, ForwardSyntax.port(parts.getLast())));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is no gateway forward: " + e.getMessage(), e);
        }
    }

    @Override
    public String toString() {
        return port + ":" + to + (udp ? "/udp" : "");
    }
}
