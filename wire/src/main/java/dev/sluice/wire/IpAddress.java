package dev.sluice.wire;

/** An IP address of either family, without a zone. */
public sealed interface IpAddress permits Ipv4Address, Ipv6Address {

    /**
     * Reads the usual text forms of both families.
     *
     * @throws IllegalArgumentException if {@code text} is neither; host names are never looked up
     */
    static IpAddress parse(String text) {
        return text.indexOf(':') >= 0 ? Ipv6Address.parse(text) : Ipv4Address.parse(text);
    }
}
