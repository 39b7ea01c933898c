package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import org.jspecify.annotations.Nullable;

/** Names that stand for addresses: {@code 1.65.168.192.in-addr.arpa} (RFC 1035 §3.5), {@code …ip6.arpa} (RFC 3596 §2.5). */
final class ReverseName {
    private static final String FOUR = ".in-addr.arpa";
    private static final String SIX = ".ip6.arpa";

    private ReverseName() {}

    /** The address {@code name} (in lower case) stands for; null if it is no reverse name of a whole address. */
    static @Nullable IpAddress parse(String name) {
        if (name.endsWith(FOUR)) {
            return four(name.substring(0, name.length() - FOUR.length()));
        }
        return name.endsWith(SIX) ? six(name.substring(0, name.length() - SIX.length())) : null;
    }

    private static @Nullable IpAddress four(String reversed) {
        String[] parts = reversed.split("\\.", 5);
        if (parts.length != 4) {
            return null;
        }
        try {
            return Ipv4Address.parse(parts[3] + "." + parts[2] + "." + parts[1] + "." + parts[0]);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }

    private static @Nullable IpAddress six(String nibbles) {
        if (nibbles.length() != 63) {
            return null;
        }
        long high = 0;
        long low = 0;
        for (int i = 0; i < 32; i++) {
            char c = nibbles.charAt(2 * i);
            int nibble = c < 128 ? Character.digit(c, 16) : -1;
            if (nibble < 0 || i < 31 && nibbles.charAt(2 * i + 1) != '.') {
                return null;
            }
            // The least significant nibble stands first.
            if (i < 16) {
                low |= (long) nibble << 4 * i;
            } else {
                high |= (long) nibble << 4 * (i - 16);
            }
        }
        return new Ipv6Address(high, low);
    }
}
