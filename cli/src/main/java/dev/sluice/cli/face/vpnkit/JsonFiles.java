package dev.sluice.cli.face.vpnkit;

import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The settings files that are JSON. Every method throws {@link IllegalArgumentException} saying what is wrong. */
final class JsonFiles {
    /** More entries are a mistake. */
    private static final int MAX_ENTRIES = 4096;

    private JsonFiles() {}

    /** What {@code --dhcp-path} says; the domain null if it says none. */
    record Dhcp(@Nullable String domain, List<String> search) {}

    static Dhcp dhcp(String text) {
        if (text.isBlank()) {
            return new Dhcp(null, List.of());
        }
        Map<?, ?> object = object(JsonReader.read(text));
        List<String> search = new ArrayList<>();
        if (object.get("searchDomains") instanceof List<?> list) {
            for (Object domain : list) {
                search.add(string("searchDomains", domain));
            }
        }
        Object domain = object.get("domainName");
        return new Dhcp(domain == null ? null : string("domainName", domain), search);
    }

    /** What {@code --gateway-forwards} says. */
    static List<GatewayForward> gatewayForwards(String text) {
        List<GatewayForward> forwards = new ArrayList<>();
        for (Map<?, ?> one : objects(text)) {
            forwards.add(new GatewayForward(
                    port(one, "external_port", 1),
                    isUdp(one),
                    new GatewayForward.Address(
                            Ipv4Address.parse(string("internal_ip", one.get("internal_ip"))),
                            port(one, "internal_port", 1))));
        }
        return forwards;
    }

    private static boolean isUdp(Map<?, ?> object) {
        String protocol = string("protocol", object.get("protocol"));
        return switch (protocol) {
            case "udp" -> true;
            case "tcp" -> false;
            default -> throw new IllegalArgumentException("protocol is \"tcp\" or \"udp\", not \"" + protocol + "\"");
        };
    }

    /**
     * Destinations that go through a Unix socket.
     *
     * @param prefix {@link Ipv4Cidr} or {@link Ipv6Cidr}
     * @param port 0 for any
     */
    record Tunnel(Object prefix, int port, String path) {
        boolean leads(IpAddress address, int to) {
            return (port == 0 || port == to)
                    && switch (address) {
                        case Ipv4Address v4 -> prefix instanceof Ipv4Cidr cidr && cidr.contains(v4);
                        case Ipv6Address v6 -> prefix instanceof Ipv6Cidr cidr && cidr.contains(v6);
                    };
        }
    }

    /** What {@code --forwards} says. */
    static List<Tunnel> tunnels(String text) {
        List<Tunnel> tunnels = new ArrayList<>();
        for (Map<?, ?> one : objects(text)) {
            if (isUdp(one)) {
                throw new IllegalArgumentException("only tcp goes through a socket");
            }
            String prefix = string("dst_prefix", one.get("dst_prefix"));
            String path = string("path", one.get("path"));
            tunnels.add(new Tunnel(
                    prefix.indexOf(':') >= 0 ? Ipv6Cidr.parse(prefix) : Ipv4Cidr.parse(prefix),
                    one.get("dst_port") == null ? 0 : port(one, "dst_port", 0),
                    path));
        }
        return tunnels;
    }

    private static List<Map<?, ?>> objects(String text) {
        List<Map<?, ?>> all = new ArrayList<>();
        if (text.isBlank()) {
            return all;
        }
        if (!(JsonReader.read(text) instanceof List<?> list)) {
            throw new IllegalArgumentException("a list of objects is expected: [{…}, {…}]");
        }
        if (list.size() > MAX_ENTRIES) {
            throw new IllegalArgumentException("more than " + MAX_ENTRIES + " entries");
        }
        for (Object one : list) {
            all.add(object(one));
        }
        return all;
    }

    private static Map<?, ?> object(@Nullable Object value) {
        if (value instanceof Map<?, ?> object) {
            return object;
        }
        throw new IllegalArgumentException("an object is expected: {…}");
    }

    private static String string(String name, @Nullable Object value) {
        if (value instanceof String text) {
            return text;
        }
        throw new IllegalArgumentException("\"" + name + "\" must be a string");
    }

    private static int port(Map<?, ?> object, String name, int lowest) {
        if (object.get(name) instanceof Long number && number >= lowest && number <= 65_535) {
            return number.intValue();
        }
        throw new IllegalArgumentException("\"" + name + "\" must be a port");
    }
}
