package dev.sluice.wire;

/**
 * An IPv4 network, or an address with its network's prefix length.
 *
 * @param address an address in the network; host bits may be set
 * @param prefix number of network bits, 0–32
 */
public record Ipv4Cidr(Ipv4Address address, int prefix) {
    public Ipv4Cidr {
        if (prefix < 0 || prefix > 32) {
            throw new IllegalArgumentException("prefix length " + prefix + " is not within 0…32");
        }
    }

    /**
     * Reads {@code a.b.c.d/n}.
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static Ipv4Cidr parse(String text) {
        int slash = text.indexOf('/');
        if (slash < 0) {
            throw new IllegalArgumentException("'" + text + "' has no prefix length; write it as in 192.168.65.0/24");
        }
        String bits = text.substring(slash + 1);
        int prefix = Digits.parse(bits, 2);
        if (prefix < 0) {
            throw new IllegalArgumentException("'" + bits + "' is not a prefix length within 0…32");
        }
        return new Ipv4Cidr(Ipv4Address.parse(text.substring(0, slash)), prefix);
    }

    /** The netmask as bits: /24 is 0xFFFFFF00. */
    public int mask() {
        return prefix == 0 ? 0 : -1 << (32 - prefix);
    }

    public Ipv4Address network() {
        return new Ipv4Address(address.bits() & mask());
    }

    public Ipv4Address broadcast() {
        return new Ipv4Address(address.bits() | ~mask());
    }

    public boolean contains(int bits) {
        return ((bits ^ address.bits()) & mask()) == 0;
    }

    public boolean contains(Ipv4Address other) {
        return contains(other.bits());
    }

    public boolean overlaps(Ipv4Cidr other) {
        return prefix <= other.prefix ? contains(other.address) : other.contains(address);
    }

    @Override
    public String toString() {
        return address + "/" + prefix;
    }
}
