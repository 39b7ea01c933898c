package dev.sluice.examples;

import dev.sluice.link.TapLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
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

    /** Reads {@code --name value} pairs. */
    static Station parse(String... arguments) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            if (!arguments[i].startsWith("--") || i + 1 == arguments.length) {
                throw new IllegalArgumentException(
                        "expected --name value, got '" + arguments[i] + "'; there are " + USAGE);
            }
            options.put(arguments[i].substring(2), arguments[i + 1]);
        }
        return new Station(options);
    }

    String option(String name, String otherwise) {
        return options.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        String given = options.get(name);
        return given == null ? otherwise : Integer.parseInt(given);
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
        if (options.containsKey("dhcp")) {
            return NetConfig.dhcp();
        }
        String address = option("address", "10.0.0.2/24");
        @Nullable String gateway = options.get("gateway");
        return gateway == null ? NetConfig.of(address) : NetConfig.of(address, gateway);
    }

    /** Opens the TAP interface, which is made if it does not exist, and a host behind it. */
    NetStack open() throws IOException {
        int mtu = number("mtu", 1500);
        // Address and gateway of a TapSpec are for the kernel's side, which we leave to its owner.
        Ipv4Cidr unused = Ipv4Cidr.parse("10.0.0.1/24");
        TapSpec spec = new TapSpec(option("tap", "tap0"), mtu, unused, Ipv4Address.ANY, null, false);
        OpenTap tap = NamespaceTap.openByPath(Path.of(option("netns", "/proc/self/ns/net")), spec);
        return NetStack.open(loop -> new TapLink(loop, tap, mtu), config());
    }
}
