package dev.sluice.link.tap;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import org.jspecify.annotations.Nullable;

/**
 * The TAP interface that a namespace shall get.
 *
 * @param name interface name, at most 15 bytes
 * @param mtu largest IP packet in bytes, 576–65521
 * @param guest the namespace's address and prefix length; only with {@code configure}
 * @param gateway where its default route leads; only with {@code configure}
 * @param mac its hardware address; null leaves the choice to the kernel
 * @param configure whether to set lo up, the address and the default route; false leaves all of that to whoever runs the namespace
 * @param ipv6 what to configure of IPv6; null for nothing
 */
public record TapSpec(
        String name,
        int mtu,
        Ipv4Cidr guest,
        Ipv4Address gateway,
        @Nullable MacAddress mac,
        boolean configure,
        @Nullable Ipv6Setup ipv6) {

    /** One without IPv6. */
    public TapSpec(
            String name, int mtu, Ipv4Cidr guest, Ipv4Address gateway, @Nullable MacAddress mac, boolean configure) {
        this(name, mtu, guest, gateway, mac, configure, null);
    }

    /** One that its owner configures, or that needs no configuration, as a bridge's port does not. */
    public static TapSpec unconfigured(String name, int mtu) {
        return new TapSpec(name, mtu, new Ipv4Cidr(Ipv4Address.ANY, 0), Ipv4Address.ANY, null, false);
    }

    public TapSpec {
        if (mtu < 576 || mtu > 65521) {
            throw new IllegalArgumentException("an MTU of " + mtu + " is not within 576…65521");
        }
        checkName(name);
    }

    /**
     * Checks an interface name as Linux does (dev_valid_name).
     *
     * @throws IllegalArgumentException saying what is wrong
     */
    public static void checkName(String name) {
        if (!name.matches("[A-Za-z0-9_.-]{1,15}") || name.equals(".") || name.equals("..")) {
            throw new IllegalArgumentException(
                    "'" + name + "' cannot be an interface name; use 1 to 15 letters, digits, '-', '_' or '.'");
        }
    }
}
