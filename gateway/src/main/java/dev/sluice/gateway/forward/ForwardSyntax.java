package dev.sluice.gateway.forward;

import dev.sluice.gateway.forward.ForwardSpec.Listen;
import dev.sluice.gateway.forward.ForwardSpec.Target;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv6Address;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How people write forwards: {@code [ADDRESS:]PORTS[:[GUEST:]PORTS][/tcp|/udp][,proxy]} or {@code unix:PATH:[GUEST:]PORT[,proxy]}, where
 * PORTS is a number or a range {@code 8000-8999}, ADDRESS an IPv4 address or an IPv6 address in brackets, GUEST an address or a name.
 */
public final class ForwardSyntax {
    /** More than there are ports is a mistake. */
    private static final int HIGHEST = 65_535;

    private static final String EXAMPLES =
            "8080:80, 127.0.0.1:8080:80, 8000-8099:9000-9099, 5353:53/udp, 8080:vm1:80 or unix:/tmp/web.sock:80";

    private ForwardSyntax() {}

    /** From a first to a last port. */
    private record Range(int first, int last) {
        int size() {
            return last - first + 1;
        }
    }

    /**
     * One forward for each port that {@code text} names.
     *
     * @throws IllegalArgumentException saying what is wrong and how to write it
     */
    public static List<ForwardSpec> parse(String text) {
        String rest = text;
        boolean proxy = rest.endsWith(",proxy");
        if (proxy) {
            rest = rest.substring(0, rest.length() - ",proxy".length());
        }
        boolean udp = rest.endsWith("/udp");
        if (udp || rest.endsWith("/tcp")) {
            rest = rest.substring(0, rest.length() - 4);
        }
        try {
            return rest.startsWith("unix:") ? unix(rest, proxy) : ports(parts(rest), udp, proxy);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "' is no port to publish: " + e.getMessage(), e);
        }
    }

    /**
     * The places that {@code text} names, as {@code 8080}, {@code 127.0.0.1:8080}, {@code 8000-8999/udp} or {@code unix:PATH}.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static List<Listen> listens(String text) {
        if (text.startsWith("unix:")) {
            return List.of(new ForwardSpec.UnixSocket(path(text.substring(5))));
        }
        boolean udp = text.endsWith("/udp");
        String rest = udp || text.endsWith("/tcp") ? text.substring(0, text.length() - 4) : text;
        List<String> parts = parts(rest);
        IpAddress address = parts.size() == 2 ? address(parts.getFirst()) : null;
        Range range = parts.size() > 2 ? null : range(parts.getLast(), 1);
        if (range == null || parts.size() == 2 && address == null) {
            throw new IllegalArgumentException("'" + text
                    + "' is no place that is published; write 8080, 127.0.0.1:8080, 8000-8999/udp or unix:PATH");
        }
        List<Listen> listens = new ArrayList<>();
        for (int port = range.first; port <= range.last; port++) {
            listens.add(new ForwardSpec.Port(address, port, udp));
        }
        return listens;
    }

    private static List<ForwardSpec> unix(String text, boolean proxy) {
        int port = text.lastIndexOf(':');
        String path = text.substring(5, Math.max(5, port));
        Target target = new ForwardSpec.Only();
        int before = path.endsWith("]") ? path.lastIndexOf(":[") : path.lastIndexOf(':');
        if (before >= 0) {
            target = target(path.substring(before + 1));
            path = path.substring(0, before);
        }
        return List.of(new ForwardSpec(
                new ForwardSpec.UnixSocket(path(path)), target, range(text.substring(port + 1), 1).first, proxy));
    }

    static String path(String path) {
        if (!path.startsWith("/")) {
            throw new IllegalArgumentException(
                    "'" + path + "' is no absolute path; write unix:/PATH:PORT, as in unix:/tmp/web.sock:80");
        }
        return path;
    }

    private static List<ForwardSpec> ports(List<String> parts, boolean udp, boolean proxy) {
        int at = 0;
        IpAddress address = null;
        if (parts.size() > 1 && !isRange(parts.getFirst())) {
            address = address(parts.getFirst());
            if (address == null) {
                throw new IllegalArgumentException("'" + parts.getFirst() + "' is neither an address nor a port");
            }
            at = 1;
        }
        int left = parts.size() - at;
        if (left < 1 || left > 3) {
            throw new IllegalArgumentException("write [ADDRESS:]HOST:[GUEST:]PORT, as in " + EXAMPLES);
        }
        Range host = range(parts.get(at), 0);
        Range guest = left == 1 ? host : range(parts.getLast(), 1);
        Target target = left == 3 ? target(parts.get(at + 1)) : new ForwardSpec.Only();
        if (guest.first == 0) {
            throw new IllegalArgumentException("port 0 means one that the system chooses: say which one of the guest"
                    + " it leads to, as in 0:80");
        }
        if (host.size() != guest.size() && guest.size() != 1) {
            throw new IllegalArgumentException(
                    host.size() + " ports of the host cannot lead to " + guest.size() + " of the guest");
        }
        List<ForwardSpec> all = new ArrayList<>();
        for (int i = 0; i < host.size(); i++) {
            all.add(new ForwardSpec(
                    new ForwardSpec.Port(address, host.first + i, udp),
                    target,
                    guest.size() == 1 ? guest.first : guest.first + i,
                    proxy));
        }
        return all;
    }

    /** At the colons outside of brackets. */
    static List<String> parts(String text) {
        List<String> parts = new ArrayList<>();
        int start = 0;
        boolean inside = false;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            inside = c == '[' || inside && c != ']';
            if (c == ':' && !inside) {
                parts.add(text.substring(start, i));
                start = i + 1;
            }
        }
        parts.add(text.substring(start));
        return parts;
    }

    private static boolean isRange(String text) {
        return text.matches("[0-9]+(-[0-9]+)?");
    }

    private static Range range(String text, int lowest) {
        if (text.matches("[0-9]{1,5}(-[0-9]{1,5})?")) {
            int dash = text.indexOf('-');
            int first = Integer.parseInt(dash < 0 ? text : text.substring(0, dash));
            int last = dash < 0 ? first : Integer.parseInt(text.substring(dash + 1));
            int bottom = dash < 0 ? lowest : 1;
            if (first >= bottom && last <= HIGHEST && first <= last) {
                return new Range(first, last);
            }
        }
        throw new IllegalArgumentException(
                "'" + text + "' is not a port within 1…65535, nor a range of them as 8000-8999"
                        + " (a whole forward is " + EXAMPLES + ")");
    }

    static @Nullable IpAddress address(String text) {
        String bare = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        if (!bare.equals(text) || text.matches("[0-9.]+")) {
            return IpAddress.parse(bare);
        }
        return null;
    }

    private static Target target(String text) {
        IpAddress address = address(text);
        if (address != null) {
            return new ForwardSpec.Address(address);
        }
        if (!text.matches("[A-Za-z0-9]([A-Za-z0-9.-]{0,252})")) {
            throw new IllegalArgumentException("'" + text + "' is neither an address nor a name of a guest");
        }
        return new ForwardSpec.Name(text);
    }

    /** A single port. */
    static int port(String text) {
        Range range = range(text, 1);
        if (range.size() > 1) {
            throw new IllegalArgumentException("'" + text + "' is more than one port");
        }
        return range.first;
    }

    static String bracketed(IpAddress address) {
        return address instanceof Ipv6Address ? "[" + address + "]" : address.toString();
    }
}
