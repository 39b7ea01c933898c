package dev.sluice.gateway.dns;

import dev.sluice.host.ResolverConfig;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A name server somewhere, and how it is spoken to.
 *
 * @param address resolved
 * @param name with TLS: what its certificate must be for; the address if null
 * @param timeout of one try; null for that of the {@link Upstreams} it belongs to
 * @param order servers of a lower order are preferred where all are asked at the same time
 */
public record DnsServer(
        Protocol protocol,
        InetSocketAddress address,
        @Nullable String name,
        @Nullable Duration timeout,
        int order) {
    /** How messages travel. */
    public enum Protocol {
        /** UDP, and TCP for what does not fit (RFC 1035 §4.2). */
        UDP(53),
        /** TCP only (RFC 7766). */
        TCP(53),
        /** TLS (RFC 7858), its certificate checked (RFC 8310 §8.1: strict). */
        TLS(853);

        private final int port;

        Protocol(int port) {
            this.port = port;
        }
    }

    public DnsServer {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("a name server needs an address, not a name: " + address);
        }
    }

    /** A plain one. */
    public static DnsServer udp(InetSocketAddress address) {
        return new DnsServer(Protocol.UDP, address, null, null, 0);
    }

    /**
     * Reads {@code [udp:|tcp:|tls:]ADDRESS[:PORT][#NAME]}; IPv6 addresses with a port stand in brackets.
     *
     * @throws IllegalArgumentException saying what is wrong and how it is written
     */
    public static DnsServer parse(String text) {
        String rest = text.strip();
        Protocol protocol = Protocol.UDP;
        for (Protocol p : Protocol.values()) {
            String prefix = p.name().toLowerCase(Locale.ROOT) + ":";
            if (rest.regionMatches(true, 0, prefix, 0, prefix.length())) {
                protocol = p;
                rest = rest.substring(prefix.length());
                break;
            }
        }
        int hash = rest.indexOf('#');
        String name = hash < 0 ? null : rest.substring(hash + 1);
        if (hash >= 0) {
            rest = rest.substring(0, hash);
        }
        if (name != null && (protocol != Protocol.TLS || DnsMessage.encodeName(name).length == 0)) {
            throw wrong(text, "a name after # belongs to tls: and is that of its certificate");
        }
        String host = rest;
        int port = protocol.port;
        int close = rest.startsWith("[") ? rest.indexOf(']') : -1;
        int colon = close >= 0 ? close + 1 : rest.indexOf(':');
        if (close >= 0) {
            host = rest.substring(1, close);
        } else if (colon >= 0 && rest.indexOf(':', colon + 1) < 0) {
            host = rest.substring(0, colon);
        } else {
            colon = rest.length();
        }
        if (colon < rest.length()) {
            port = port(rest.substring(colon), text);
        }
        try {
            return new DnsServer(protocol, new InetSocketAddress(literal(host), port), name, null, 0);
        } catch (IllegalArgumentException _) {
            throw wrong(text, "'" + host + "' is no address");
        }
    }

    private static InetAddress literal(String host) {
        // ofLiteral takes "1" and "1.2" as well, and those are typing errors here.
        if (host.indexOf(':') < 0 && host.chars().filter(c -> c == '.').count() != 3) {
            throw new IllegalArgumentException(host);
        }
        return InetAddress.ofLiteral(host);
    }

    private static int port(String suffix, String text) {
        try {
            int port = suffix.startsWith(":") ? Integer.parseInt(suffix.substring(1)) : 0;
            if (port >= 1 && port <= 65535) {
                return port;
            }
        } catch (NumberFormatException _) {
            // As below.
        }
        throw wrong(text, "'" + suffix + "' is no port");
    }

    private static IllegalArgumentException wrong(String text, String why) {
        return new IllegalArgumentException(
                "name server '" + text + "': " + why
                        + "; write 192.0.2.53, 192.0.2.53:5353, [2001:db8::53]:53, tcp:192.0.2.53 or tls:192.0.2.53#dns.example");
    }

    /** As {@link #parse} reads it. */
    @Override
    public String toString() {
        String host = address.getAddress().getHostAddress();
        boolean bracket = address.getAddress() instanceof Inet6Address && address.getPort() != protocol.port;
        return (protocol == Protocol.UDP ? "" : protocol.name().toLowerCase(Locale.ROOT) + ":")
                + (bracket ? "[" + host + "]" : host)
                + (address.getPort() == protocol.port ? "" : ":" + address.getPort())
                + (name == null ? "" : "#" + name);
    }

    /** The most servers that one list may have. */
    static final int MAX_SERVERS = 16;

    static final int PORT = ResolverConfig.PORT;
}
