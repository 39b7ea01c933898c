package dev.sluice.examples;

import dev.sluice.link.TapLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where a host is and who it is, as its command line says: {@code --tap tap0 --address 10.0.0.2/24}.
 *
 * @param options values by name, without the two dashes
 */
record Station(Map<String, String> options) {
    static final String USAGE =
            "--tap NAME (tap0), --address ADDRESS/PREFIX or --dhcp yes, --gateway ADDRESS, --ipv6 ADDRESS/PREFIX or auto,"
                    + " --mtu BYTES (1500), --netns PATH";

    private static final Set<String> NAMES = Set.of("tap", "address", "dhcp", "gateway", "ipv6", "mtu", "netns");

    /** Reads {@code --name value} pairs. */
    static Station parse(String... arguments) {
        return parse(Set.of(), arguments);
    }

    /**
     * The same for a program with options of its own.
     *
     * @param more their names
     */
    static Station parse(Set<String> more, String... arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length) {
                throw new IllegalArgumentException(
                        "expected --name value, got '" + arguments[i] + "'; there are " + USAGE);
            }
            String name = arguments[i].substring(2);
            if (!NAMES.contains(name) && !more.contains(name)) {
                String others = more.isEmpty() ? "" : ", and here --" + String.join(", --", new TreeSet<>(more));
                throw new IllegalArgumentException("there is no option --" + name + "; there are " + USAGE + others);
            }
            options.put(name, arguments[i + 1]);
        }
        return new Station(options);
    }

    String option(String name, String otherwise) {
        return options.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        String given = options.get(name);
        if (given == null) {
            return otherwise;
        }
        if (!given.matches("[0-9]{1,9}") || given.matches("0+")) {
            throw new IllegalArgumentException("--" + name + " needs a number from 1, not '" + given + "'");
        }
        return Integer.parseInt(given);
    }

    /** The addresses of a host, without the link-local one. */
    static String addresses(NetStack net) {
        return Stream.concat(
                        Stream.ofNullable(net.address()),
                        net.ipv6Addresses().stream().skip(1))
                .map(Object::toString)
                .collect(Collectors.joining(" and "));
    }

    /** The address of a host that has one of either family. */
    static IpAddress address(NetStack net) {
        Ipv4Cidr four = net.address();
        return four == null ? net.ipv6Addresses().getLast().address() : four.address();
    }

    private NetConfig config() {
        String six = option("ipv6", "");
        return switch (six) {
            case "" -> ipv4();
            case "auto" -> ipv4().withIpv6();
            default -> ipv4().withIpv6(six);
        };
    }

    private NetConfig ipv4() {
        if (option("dhcp", "no").equals("yes")) {
            return NetConfig.dhcp();
        }
        String address = option("address", "10.0.0.2/24");
        @Nullable String gateway = options.get("gateway");
        return gateway == null ? NetConfig.of(address) : NetConfig.of(address, gateway);
    }

    /** Opens the TAP interface, which is made if it does not exist, and a host behind it. */
    NetStack open() throws IOException {
        int mtu = number("mtu", 1500);
        TapSpec spec = TapSpec.unconfigured(option("tap", "tap0"), mtu); // the kernel's side is its owner's
        @Nullable String netns = options.get("netns");
        OpenTap tap = netns == null ? NamespaceTap.open(spec) : NamespaceTap.openByPath(Path.of(netns), spec);
        return NetStack.open(loop -> new TapLink(loop, tap, mtu), config());
    }
}
