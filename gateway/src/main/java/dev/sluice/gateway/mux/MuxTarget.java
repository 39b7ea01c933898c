package dev.sluice.gateway.mux;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv6Address;

/** What a channel is to be connected to, as the side sees it that accepts it. */
public sealed interface MuxTarget {
    record Tcp(IpAddress address, int port) implements MuxTarget {
        @Override
        public String toString() {
            return "tcp:" + text(address) + ":" + port;
        }
    }

    record Udp(IpAddress address, int port) implements MuxTarget {
        @Override
        public String toString() {
            return "udp:" + text(address) + ":" + port;
        }
    }

    /** A socket in the file system. */
    record Unix(String path) implements MuxTarget {
        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    private static String text(IpAddress address) {
        return address instanceof Ipv6Address ? "[" + address + "]" : address.toString();
    }
}
