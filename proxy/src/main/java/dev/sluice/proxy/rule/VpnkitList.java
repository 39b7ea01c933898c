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
 * A list of hosts as VPNKit's settings file means it: names are compared label by label from the right; the pattern must be used up, the
 * host may have more labels on the left; {@code *} and an empty label stand for any one label. So {@code mit.edu} is {@code mit.edu} and
 * {@code dave.mit.edu}; {@code *.mit.edu} and {@code .mit.edu} are the latter only; {@code *} is every name and no address. An address is
 * compared with addresses and networks only, a name with patterns only. Ports are unknown to it.
 *
 * <p>Two things differ from VPNKit, where they were faults: letter case does not count, and IPv6 addresses and networks are known.
 */
public final class VpnkitList implements HostList {
    private sealed interface Entry {
        String text();
    }

    private record Pattern(String text, String[] labels) implements Entry {}

    private record Network4(String text, Ipv4Cidr cidr) implements Entry {}

    private record Network6(String text, Ipv6Cidr cidr) implements Entry {}

    private final List<Entry> entries;

    private VpnkitList(List<Entry> entries) {
        this.entries = entries;
    }

    /** Reads entries that commas or white space part. */
    public static VpnkitList parse(String text) {
        return of(HostList.tokens(text));
    }

    /** The same of entries that have been split. */
    public static VpnkitList of(List<String> tokens) {
        List<Entry> entries = new ArrayList<>();
        for (String token : tokens) {
            entries.add(entry(token));
        }
        return new VpnkitList(List.copyOf(entries));
    }

    private static Entry entry(String token) {
        try {
            if (token.indexOf('/') >= 0) {
                return token.indexOf(':') >= 0
                        ? new Network6(token, Ipv6Cidr.parse(token))
                        : new Network4(token, Ipv4Cidr.parse(token));
            }
            return switch (IpAddress.parse(token)) {
                case Ipv4Address v4 -> new Network4(token, new Ipv4Cidr(v4, 32));
                case Ipv6Address v6 -> new Network6(token, new Ipv6Cidr(v6, 128));
            };
        } catch (IllegalArgumentException _) {
            return new Pattern(token, token.toLowerCase(Locale.ROOT).split("\\.", -1));
        }
    }

    @Override
    public @Nullable String match(ProxyTarget target) {
        IpAddress address = NoProxy.address(target.host());
        String[] labels = address == null ? target.host().split("\\.", -1) : new String[0];
        for (Entry entry : entries) {
            boolean is = switch (entry) {
                case Pattern pattern -> address == null && matches(pattern.labels, labels);
                case Network4 network -> address instanceof Ipv4Address v4 && network.cidr.contains(v4);
                case Network6 network -> address instanceof Ipv6Address v6 && network.cidr.contains(v6);
            };
            if (is) {
                return entry.text();
            }
        }
        return null;
    }

    private static boolean matches(String[] pattern, String[] host) {
        if (pattern.length > host.length) {
            return false;
        }
        for (int i = 1; i <= pattern.length; i++) {
            String wanted = pattern[pattern.length - i];
            if (!wanted.isEmpty() && !wanted.equals("*") && !wanted.equals(host[host.length - i])) {
                return false;
            }
        }
        return true;
    }
}
