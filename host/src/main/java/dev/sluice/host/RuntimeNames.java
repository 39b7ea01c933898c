package dev.sluice.host;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The system's own resolver by way of the JDK: what macOS and Windows look names up with, per-interface servers and mDNS included. Tested on
 * Linux only, where it is not used. Blocks; the JDK keeps answers for half a minute.
 */
final class RuntimeNames implements NameSwitch.Lookups {
    @Override
    public List<InetAddress> addresses(String name, boolean ipv6) {
        try {
            return Arrays.stream(InetAddress.getAllByName(name))
                    .filter(address -> address instanceof Inet6Address == ipv6)
                    .toList();
        } catch (UnknownHostException e) {
            return List.of(); // or could not be found out: the JDK does not tell
        }
    }

    @Override
    public @Nullable String name(InetAddress address) {
        String name = address.getCanonicalHostName();
        return name.equals(address.getHostAddress()) ? null : name;
    }
}
