package dev.sluice.wire;

/**
 * An IPv6 address without a zone.
 *
 * @param high the first 64 bits
 * @param low the last 64 bits
 */
public record Ipv6Address(long high, long low) implements IpAddress {

    /**
     * Reads the text forms of RFC 4291 §2.2, embedded IPv4 included.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Ipv6Address parse(String text) {
        throw new UnsupportedOperationException("IPv6 text");
    }
}
