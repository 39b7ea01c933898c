package dev.sluice.proxy.pac;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.LambdaFunction;
import org.mozilla.javascript.ScriptableObject;

/** The functions that scripts may call. What they are asked is hostile text; what makes no sense is false, empty or null, never an error. */
final class PacFunctions {
    private static final int MAX_PATTERN = 1024;

    private PacFunctions() {}

    private interface Body {
        @Nullable
        Object call(Sandbox.Limited context, Words words);
    }

    /** The arguments of a call. */
    private record Words(Object[] given) {
        int count() {
            return given.length;
        }

        String text(int index) {
            return index < given.length ? Context.toString(given[index]) : "";
        }
    }

    static void define(ScriptableObject scope, PacHost host) {
        put(
                scope,
                "isPlainHostName",
                (_, w) -> w.text(0).indexOf('.') < 0 && w.text(0).indexOf(':') < 0);
        put(scope, "dnsDomainIs", (_, w) -> lower(w.text(0)).endsWith(lower(w.text(1))));
        put(scope, "localHostOrDomainIs", (_, w) -> localHostOrDomainIs(lower(w.text(0)), lower(w.text(1))));
        put(scope, "dnsDomainLevels", (_, w) ->
                (double) w.text(0).chars().filter(c -> c == '.').count());
        put(scope, "shExpMatch", (context, w) -> matches(context, w.text(0), w.text(1)));
        put(scope, "isResolvable", (context, w) -> first(find(context, host, w.text(0)), true) != null);
        put(
                scope,
                "isResolvableEx",
                (context, w) -> !find(context, host, w.text(0)).isEmpty());
        put(scope, "dnsResolve", (context, w) -> first(find(context, host, w.text(0)), true));
        put(scope, "dnsResolveEx", (context, w) -> joined(find(context, host, w.text(0))));
        put(scope, "myIpAddress", (_, _) -> {
            String own = first(host.own(), true);
            return own == null ? "127.0.0.1" : own;
        });
        put(scope, "myIpAddressEx", (_, _) -> joined(host.own()));
        put(
                scope,
                "isInNet",
                (context, w) -> isInNet(first(find(context, host, w.text(0)), true), w.text(1), w.text(2)));
        put(scope, "isInNetEx", (context, w) -> isInNetEx(find(context, host, w.text(0)), w.text(1)));
        put(scope, "convert_addr", (_, w) -> {
            Ipv4Address address = v4(w.text(0));
            return address == null ? 0.0 : (double) (address.bits() & 0xffff_ffffL);
        });
        put(scope, "sortIpAddressList", (_, w) -> sorted(w.text(0)));
        put(scope, "getClientVersion", (_, _) -> "1.0");
        put(scope, "weekdayRange", (_, w) -> PacTimes.weekdayRange(host, words(w)));
        put(scope, "dateRange", (_, w) -> PacTimes.dateRange(host, words(w)));
        put(scope, "timeRange", (_, w) -> PacTimes.timeRange(host, words(w)));
        put(scope, "alert", (_, w) -> {
            System.getLogger("dev.sluice.proxy").log(System.Logger.Level.DEBUG, "PAC alert: {0}", w.text(0));
            return null;
        });
    }

    private static void put(ScriptableObject scope, String name, Body body) {
        LambdaFunction function = new LambdaFunction(scope, name, 0, (context, _, _, arguments) -> {
            Object result = body.call((Sandbox.Limited) context, new Words(arguments));
            return result;
        });
        scope.defineProperty(name, function, ScriptableObject.DONTENUM);
    }

    private static List<String> words(Words words) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < words.count(); i++) {
            all.add(words.text(i));
        }
        return all;
    }

    private static String lower(String text) {
        return text.toLowerCase(Locale.ROOT);
    }

    private static boolean localHostOrDomainIs(String host, String name) {
        int dot = name.indexOf('.');
        return host.equals(name)
                || host.indexOf('.') < 0 && dot > 0 && name.substring(0, dot).equals(host);
    }

    private static List<InetAddress> find(Sandbox.Limited context, PacHost host, String name) {
        return context.lookUp(() -> name.isEmpty() || name.length() > 255 ? List.of() : host.addresses(name));
    }

    /** As text, without a zone; null for none. */
    private static @Nullable String first(List<InetAddress> addresses, boolean onlyIpv4) {
        for (InetAddress address : addresses) {
            if (!onlyIpv4 || address instanceof Inet4Address) {
                return text(address);
            }
        }
        return null;
    }

    private static String joined(List<InetAddress> addresses) {
        return String.join(";", addresses.stream().map(PacFunctions::text).toList());
    }

    private static String text(InetAddress address) {
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }

    private static @Nullable Ipv4Address v4(@Nullable String text) {
        try {
            return text == null ? null : Ipv4Address.parse(text);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static boolean isInNet(@Nullable String address, String pattern, String mask) {
        Ipv4Address is = v4(address);
        Ipv4Address in = v4(pattern);
        Ipv4Address bits = v4(mask);
        return is != null && in != null && bits != null && ((is.bits() ^ in.bits()) & bits.bits()) == 0;
    }

    private static boolean isInNetEx(List<InetAddress> addresses, String prefix) {
        try {
            for (InetAddress one : addresses) {
                boolean in = switch (IpAddress.parse(text(one))) {
                    case Ipv4Address v4 ->
                        prefix.indexOf(':') < 0 && Ipv4Cidr.parse(prefix).contains(v4);
                    case Ipv6Address v6 ->
                        prefix.indexOf(':') >= 0 && Ipv6Cidr.parse(prefix).contains(v6);
                };
                if (in) {
                    return true;
                }
            }
            return false;
        } catch (IllegalArgumentException _) {
            return false;
        }
    }

    /** IPv6 before IPv4, each as it came; false if one is no address. */
    private static Object sorted(String list) {
        List<String> six = new ArrayList<>();
        List<String> four = new ArrayList<>();
        try {
            for (String one : list.split(";")) {
                (IpAddress.parse(one.strip()) instanceof Ipv6Address ? six : four).add(one.strip());
            }
        } catch (IllegalArgumentException _) {
            return false;
        }
        six.addAll(four);
        return String.join(";", six);
    }

    /** Shell patterns: {@code *} and {@code ?}. Never more than a multiple of both lengths' product. */
    private static boolean matches(Sandbox.Limited context, String text, String pattern) {
        if (pattern.length() > MAX_PATTERN) {
            return false;
        }
        int at = 0;
        int in = 0;
        int star = -1;
        int mark = 0;
        while (at < text.length()) {
            char wanted = in < pattern.length() ? pattern.charAt(in) : 0;
            if (wanted == '*') {
                star = in++;
                mark = at;
            } else if (in < pattern.length() && (wanted == '?' || wanted == text.charAt(at))) {
                in++;
                at++;
            } else if (star >= 0) {
                in = star + 1;
                at = ++mark;
                context.check();
            } else {
                return false;
            }
        }
        while (in < pattern.length() && pattern.charAt(in) == '*') {
            in++;
        }
        return in == pattern.length();
    }
}
