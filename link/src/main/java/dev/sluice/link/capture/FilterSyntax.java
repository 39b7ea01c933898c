package dev.sluice.link.capture;

import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads filter expressions; the words are tcpdump's, and {@code guest}.
 *
 * <pre>
 *  expression := term { ("and" | "or") term }        "and" binds closer
 *  term       := "not" term | "(" expression ")" | primitive
 *  primitive  := [protocol] ["src" | "dst"] ("host" A | "net" N | "port" P | "portrange" P-P)
 *              | protocol | "proto" P | "guest" G
 *  protocol   := "tcp" | "udp" | "icmp" | "icmp6" | "arp" | "ip" | "ip6"
 * </pre>
 *
 * After {@code and} and {@code or} a value alone stands for the qualifiers before it: {@code port 80 or 443}.
 */
final class FilterSyntax {
    private static final int MAX_LENGTH = 2000;
    /** What a frame may cost. */
    private static final int MAX_PRIMITIVES = 64;

    private static final int MAX_DEPTH = 32;
    private static final String PRIMITIVES =
            "host, net, port, portrange, src, dst, tcp, udp, icmp, icmp6, arp, ip, ip6, proto, guest, not, (";

    private final List<String> words;
    private final Function<String, @Nullable MacAddress> guests;
    private int at;
    private int primitives;
    private @Nullable Qualifiers last;

    /** What stands before a value. */
    private record Qualifiers(@Nullable Filter protocol, Filter.Side side, String kind) {}

    private FilterSyntax(List<String> words, Function<String, @Nullable MacAddress> guests) {
        this.words = words;
        this.guests = guests;
    }

    static Filter parse(String expression, Function<String, @Nullable MacAddress> guests) {
        if (expression.length() > MAX_LENGTH) {
            throw wrong("it is longer than " + MAX_LENGTH + " characters");
        }
        FilterSyntax syntax = new FilterSyntax(words(expression), guests);
        if (syntax.words.isEmpty()) {
            return Filter.ALL;
        }
        Filter filter = syntax.alternatives(0);
        if (syntax.at < syntax.words.size()) {
            throw wrong("'" + syntax.words.get(syntax.at) + "' can't follow here; 'and' or 'or' can");
        }
        return filter;
    }

    private static List<String> words(String expression) {
        String spaced = expression
                .replace("(", " ( ")
                .replace(")", " ) ")
                .replace("&&", " and ")
                .replace("||", " or ")
                .replace("!", " not ");
        List<String> words = new ArrayList<>();
        for (String word : spaced.split("\\s+")) {
            if (!word.isEmpty()) {
                words.add(word);
            }
        }
        return words;
    }

    private Filter alternatives(int depth) {
        Filter filter = together(depth);
        while (skip("or")) {
            filter = new Filter.Or(filter, together(depth));
        }
        return filter;
    }

    private Filter together(int depth) {
        Filter filter = term(depth);
        while (skip("and")) {
            filter = new Filter.And(filter, term(depth));
        }
        return filter;
    }

    private Filter term(int depth) {
        if (depth > MAX_DEPTH) {
            throw wrong("it is nested deeper than " + MAX_DEPTH);
        }
        if (skip("not")) {
            return new Filter.Not(term(depth + 1));
        }
        if (skip("(")) {
            Filter inner = alternatives(depth + 1);
            if (!skip(")")) {
                throw wrong("a ')' is missing" + (at < words.size() ? " before '" + words.get(at) + "'" : ""));
            }
            return inner;
        }
        if (++primitives > MAX_PRIMITIVES) {
            throw wrong("it has more than " + MAX_PRIMITIVES + " parts");
        }
        return primitive();
    }

    private Filter primitive() {
        String word = peek();
        Filter protocol = protocol(word);
        if (protocol != null) {
            at++;
        }
        Filter.Side side = Filter.Side.EITHER;
        if (skip("src")) {
            side = Filter.Side.SOURCE;
        } else if (skip("dst")) {
            side = Filter.Side.DESTINATION;
        }
        String kind = at < words.size() ? words.get(at).toLowerCase(Locale.ROOT) : "";
        switch (kind) {
            case "host", "net", "port", "portrange" -> {
                at++;
                Qualifiers qualifiers = new Qualifiers(protocol, side, kind);
                last = qualifiers;
                return qualified(qualifiers, value(kind));
            }
            default -> {}
        }
        if (side != Filter.Side.EITHER) {
            throw wrong("after src and dst comes host, net, port or portrange"
                    + (kind.isEmpty() ? "" : ", not '" + kind + "'"));
        }
        if (protocol != null) {
            last = null;
            return protocol;
        }
        Qualifiers before = last;
        switch (kind) {
            case "proto" -> {
                at++;
                return numbered(value("proto"));
            }
            case "guest" -> {
                at++;
                return guest(value("guest"));
            }
            default -> {
                if (before != null && at > 0) {
                    return qualified(before, words.get(at++));
                }
                throw wrong("'" + word + "' means nothing here; known are " + PRIMITIVES);
            }
        }
    }

    private static @Nullable Filter protocol(String word) {
        return switch (word.toLowerCase(Locale.ROOT)) {
            case "tcp" -> new Filter.Protocol(Ipv4Header.PROTOCOL_TCP);
            case "udp" -> new Filter.Protocol(Ipv4Header.PROTOCOL_UDP);
            case "icmp" ->
                new Filter.Or(new Filter.Protocol(Ipv4Header.PROTOCOL_ICMP), new Filter.Protocol(Ipv6Header.ICMPV6));
            case "icmp6" -> new Filter.Protocol(Ipv6Header.ICMPV6);
            case "arp" -> new Filter.EtherType(EthernetHeader.TYPE_ARP);
            case "ip" -> new Filter.EtherType(EthernetHeader.TYPE_IPV4);
            case "ip6" -> new Filter.EtherType(EthernetHeader.TYPE_IPV6);
            default -> null;
        };
    }

    private static Filter qualified(Qualifiers qualifiers, String value) {
        Filter filter = switch (qualifiers.kind) {
            case "host" -> host(qualifiers.side, value);
            case "net" -> net(qualifiers.side, value);
            case "port" -> {
                int port = port(value);
                yield new Filter.Ports(qualifiers.side, port, port);
            }
            default -> range(qualifiers.side, value);
        };
        return qualifiers.protocol == null ? filter : new Filter.And(qualifiers.protocol, filter);
    }

    private static Filter host(Filter.Side side, String text) {
        IpAddress address;
        try {
            address = IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw wrong("'host " + text
                    + "' needs an address as 192.168.65.3 or fd00::3; a guest's name goes with 'guest'");
        }
        return new Filter.Net(side, address.high(), address.low(), -1, -1);
    }

    private static Filter net(Filter.Side side, String text) {
        try {
            if (text.indexOf(':') >= 0) {
                Ipv6Cidr net = Ipv6Cidr.parse(text);
                int bits = net.prefix();
                // IPv4's addresses are in ::/96 here, and are not meant
                return new Filter.And(
                        new Filter.EtherType(EthernetHeader.TYPE_IPV6),
                        new Filter.Net(side, net.address().high(), net.address().low(), mask(bits), mask(bits - 64)));
            }
            Ipv4Cidr net = Ipv4Cidr.parse(text);
            return new Filter.Net(
                    side, IpHeader.MAPPED_HIGH, IpHeader.mapped(net.address().bits()), -1, mask(32 + net.prefix()));
        } catch (IllegalArgumentException e) {
            throw wrong("'net " + text + "' needs a network as 192.168.65.0/24 or fd00::/64");
        }
    }

    /** The first {@code bits} of 64. */
    private static long mask(int bits) {
        return bits <= 0 ? 0 : bits >= 64 ? -1 : -1L << 64 - bits;
    }

    private static Filter range(Filter.Side side, String text) {
        int dash = text.indexOf('-');
        if (dash < 0) {
            throw wrong("'portrange " + text + "' needs two ports, as 8000-8099");
        }
        int from = port(text.substring(0, dash));
        int to = port(text.substring(dash + 1));
        return new Filter.Ports(side, Math.min(from, to), Math.max(from, to));
    }

    private static int port(String text) {
        int port = number(text);
        if (port < 0 || port > 0xffff) {
            throw wrong("'" + text + "' is no port; they are numbers from 0 to 65535");
        }
        return port;
    }

    private static Filter numbered(String text) {
        Filter named = protocol(text);
        if (named != null) {
            return named;
        }
        int protocol = number(text);
        if (protocol < 0 || protocol > 0xff) {
            throw wrong("'proto " + text + "' needs tcp, udp, icmp, icmp6, or a number up to 255");
        }
        return new Filter.Protocol(protocol);
    }

    private static int number(String text) {
        return text.matches("[0-9]{1,6}") ? Integer.parseInt(text) : -1;
    }

    private Filter guest(String text) {
        MacAddress address = null;
        if (text.matches("([0-9A-Fa-f]{1,2}[:-]){5}[0-9A-Fa-f]{1,2}")) {
            try {
                address = MacAddress.parse(text);
            } catch (IllegalArgumentException e) {
                throw wrong("'guest " + text + "': " + e.getMessage());
            }
        } else {
            address = guests.apply(text);
        }
        if (address == null) {
            throw wrong("there is no guest '" + text + "' now; it can be named by its address, hardware address,"
                    + " or the name it gave when it asked for an address ('sluice status' lists them)");
        }
        return new Filter.Mac(address.bits());
    }

    private String peek() {
        if (at >= words.size()) {
            throw wrong(
                    at == 0 ? "it is empty" : "it ends with '" + words.get(at - 1) + "', where something must follow");
        }
        return words.get(at);
    }

    private String value(String after) {
        if (at >= words.size()) {
            throw wrong("something must follow '" + after + "'");
        }
        return words.get(at++);
    }

    private boolean skip(String word) {
        if (at < words.size() && words.get(at).equalsIgnoreCase(word)) {
            at++;
            return true;
        }
        return false;
    }

    private static IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("the filter can't be read: " + why);
    }
}
