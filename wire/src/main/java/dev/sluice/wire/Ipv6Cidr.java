package dev.sluice.wire;

/**
 * An IPv6 network, or an address with its network's prefix length.
 *
 * @param address an address in the network; host bits may be set
 * @param prefix number of network bits, 0–128
 */
public record Ipv6Cidr(Ipv6Address address, int prefix) {
    public Ipv6Cidr {
        if (prefix < 0 || prefix > 128) {
            throw new IllegalArgumentException("prefix length " + prefix + " is not within 0…128");
        }
    }

    /**
     * Reads {@code address/n}.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Ipv6Cidr parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException(
                    "'" + text + "' has no prefix length; write it as in fd00:5109:5ce::/64");
        }
        String bits = text.substring(slash + 1);
        int prefix = Digits.parse(bits, 3);
        if (prefix < 0) {
            throw new IllegalArgumentException("'" + bits + "' is not a prefix length within 0…128");
        }
        return new Ipv6Cidr(Ipv6Address.parse(text.substring(0, slash)), prefix);
    }

    private long highMask() {
        return prefix == 0 ? 0 : prefix >= 64 ? -1L : -1L << (64 - prefix);
    }

    private long lowMask() {
        return prefix <= 64 ? 0 : -1L << (128 - prefix);
    }

    /** The address with its host bits cleared. */
    public Ipv6Address network() {
        return new Ipv6Address(address.high() & highMask(), address.low() & lowMask());
    }

    public boolean contains(Ipv6Address other) {
        return contains(other.high(), other.low());
    }

    /** The same of an address in two halves. */
    public boolean contains(long high, long low) {
        return ((high ^ address.high()) & highMask()) == 0 && ((low ^ address.low()) & lowMask()) == 0;
    }

    public boolean overlaps(Ipv6Cidr other) {
        return prefix <= other.prefix ? contains(other.address) : other.contains(address);
    }

    @Override
    public String toString() {
        return address + "/" + prefix;
    }
}
