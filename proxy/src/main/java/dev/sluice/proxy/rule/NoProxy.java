package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A list of hosts in the sense of curl's {@code no_proxy}, with what other readers of that variable and desktops add: ports, and {@code *.}
 * in front of a domain.
 *
 * <ul>
 *   <li>{@code *} is every host.
 *   <li>{@code example.com}, {@code .example.com} and {@code *.example.com} are that name and all below it, without regard to case or a final dot.
 *   <li>{@code 10.1.2.3}, {@code fd00::1} and {@code [fd00::1]} are that address; {@code 10.0.0.0/8} and {@code fd00::/8} those within. An
 *       address is compared with targets that are addresses only: no name is looked up.
 *   <li>{@code <local>} is every name without a dot (as Windows and KDE write it).
 *   <li>{@code :PORT} after any of them restricts it to that port.
 * </ul>
 */
public final class NoProxy implements HostList {
    /** Nobody. */
    public static final NoProxy NONE = new NoProxy(List.of());

    private sealed interface What {
        boolean has(ProxyTarget target, @Nullable IpAddress address);
    }

    private record Everything() implements What {
        @Override
        public boolean has(ProxyTarget target, @Nullable IpAddress address) {
            return true;
        }
    }

    private record PlainNames() implements What {
        @Override
        public boolean has(ProxyTarget target, @Nullable IpAddress address) {
            return address == null && target.host().indexOf('.') < 0;
        }
    }

    private record Domain(String name) implements What {
        @Override
        public boolean has(ProxyTarget target, @Nullable IpAddress address) {
            String host = target.host();
            int before = host.length() - name.length() - 1;
            return address == null
                    && !name.isEmpty()
                    && host.endsWith(name)
                    && (before < 0 || host.charAt(before) == '.');
        }
    }

    private record Network4(Ipv4Cidr cidr) implements What {
        @Override
        public boolean has(ProxyTarget target, @Nullable IpAddress address) {
            return address instanceof Ipv4Address v4 && cidr.contains(v4);
        }
    }

    private record Network6(Ipv6Cidr cidr) implements What {
        @Override
        public boolean has(ProxyTarget target, @Nullable IpAddress address) {
            return address instanceof Ipv6Address v6 && cidr.contains(v6);
        }
    }

    /**
     * One entry.
     *
     * @param port 0 for any
     */
    private record Entry(String text, What what, int port) {}

    private final List<Entry> entries;

    private NoProxy(List<Entry> entries) {
        this.entries = entries;
    }

    /** Reads a list; what is no host, domain, address or network matches nothing. */
    public static NoProxy parse(String text) {
        return of(HostList.tokens(text));
    }

    /** The same of entries that have been split. */
    public static NoProxy of(List<String> tokens) {
        List<Entry> entries = new ArrayList<>();
        for (String token : tokens) {
            entries.add(entry(token.strip()));
        }
        return entries.isEmpty() ? NONE : new NoProxy(List.copyOf(entries));
    }

    private static Entry entry(String token) {
        if (token.equals("*")) {
            return new Entry(token, new Everything(), 0);
        }
        if (token.equalsIgnoreCase("<local>")) {
            return new Entry(token, new PlainNames(), 0);
        }
        String host = token.toLowerCase(Locale.ROOT);
        int port = 0;
        int colon = host.lastIndexOf(':');
        boolean brackets = host.startsWith("[");
        boolean has = brackets ? host.indexOf("]:") > 0 : colon > 0 && host.indexOf(':') == colon;
        if (has && isPort(host.substring(colon + 1))) {
            port = Integer.parseInt(host.substring(colon + 1));
            host = host.substring(0, colon);
        }
        if (brackets) {
            host = host.replace("[", "").replace("]", "");
        }
        if (host.equals("*")) {
            return new Entry(token, new Everything(), port);
        }
        What network = network(host);
        return new Entry(token, network == null ? new Domain(domain(host)) : network, port);
    }

    private static boolean isPort(String text) {
        return text.matches("[0-9]{1,5}") && Integer.parseInt(text) >= 1 && Integer.parseInt(text) <= 65_535;
    }

    /** Null if it is neither address nor network. */
    private static @Nullable What network(String text) {
        try {
            if (text.indexOf('/') < 0) {
                return switch (IpAddress.parse(text)) {
                    case Ipv4Address v4 -> new Network4(new Ipv4Cidr(v4, 32));
                    case Ipv6Address v6 -> new Network6(new Ipv6Cidr(v6, 128));
                };
            }
            return text.indexOf(':') >= 0 ? new Network6(Ipv6Cidr.parse(text)) : new Network4(Ipv4Cidr.parse(text));
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static String domain(String text) {
        String name = text.startsWith("*.") ? text.substring(2) : text.startsWith(".") ? text.substring(1) : text;
        return name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }

    /** The address that a target's host is written as; null for a name. */
    static @Nullable IpAddress address(String host) {
        if (host.isEmpty() || host.indexOf(':') < 0 && !Character.isDigit(host.charAt(0))) {
            return null;
        }
        try {
            return IpAddress.parse(host);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    @Override
    public @Nullable String match(ProxyTarget target) {
        IpAddress address = address(target.host());
        for (Entry entry : entries) {
            if ((entry.port == 0 || entry.port == target.port()) && entry.what.has(target, address)) {
                return entry.text;
            }
        }
        return null;
    }
}
