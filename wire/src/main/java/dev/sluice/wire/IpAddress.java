package dev.sluice.wire;

/** An IP address of either family, without a zone. */
public sealed interface IpAddress permits Ipv4Address, Ipv6Address {
    /** The first 64 of its 128 bits; of an IPv4 address those of its mapped form, ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). */
    long high();

    /** The last 64 of its 128 bits; of an IPv4 address those of its mapped form. */
    long low();

    /**
     * Reads the usual text forms of both families.
     *
     * @throws IllegalArgumentException if {@code text} is neither; host names are never looked up
     */
    static IpAddress parse(String text) {
        return text.indexOf(':') >= 0 ? Ipv6Address.parse(text) : Ipv4Address.parse(text);
    }

    /** Whether it names the machine itself, and never leaves it (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3). */
    boolean isLoopback();
}
