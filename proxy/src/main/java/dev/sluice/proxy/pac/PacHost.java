package dev.sluice.proxy.pac;

import java.io.IOException;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/** What a script may learn of the host. */
public interface PacHost {
    /** The addresses of a name, or an address itself; empty if there are none. Blocks. */
    List<InetAddress> addresses(String name);

    /** The host's own addresses, the one that the default route leaves from first; never empty. */
    List<InetAddress> own();

    ZonedDateTime now(ZoneId zone);

    /** This machine, but for names, which somebody else looks up. */
    static PacHost with(Function<String, List<InetAddress>> names) {
        return new PacHost() {
            @Override
            public List<InetAddress> addresses(String name) {
                return names.apply(name);
            }

            @Override
            public List<InetAddress> own() {
                return THIS.own();
            }

            @Override
            public ZonedDateTime now(ZoneId zone) {
                return THIS.now(zone);
            }
        };
    }

    /** This machine. */
    PacHost THIS = new PacHost() {
        @Override
        public List<InetAddress> addresses(String name) {
            try {
                return List.of(InetAddress.getAllByName(name));
            } catch (UnknownHostException _) {
                return List.of();
            }
        }

        /** Asks for routes to addresses that are nobody's (RFC 5737, 3849); connecting a datagram socket sends nothing. */
        @Override
        public List<InetAddress> own() {
            List<InetAddress> own = new ArrayList<>();
            for (String somewhere : List.of("192.0.2.1", "2001:db8::1")) {
                try (DatagramSocket socket = new DatagramSocket()) {
                    socket.connect(new InetSocketAddress(somewhere, 9));
                    if (!socket.getLocalAddress().isAnyLocalAddress()) {
                        own.add(socket.getLocalAddress());
                    }
                } catch (IOException | RuntimeException _) {
                    // no route of that family
                }
            }
            return own.isEmpty() ? List.of(InetAddress.getLoopbackAddress()) : own;
        }

        @Override
        public ZonedDateTime now(ZoneId zone) {
            return ZonedDateTime.now(zone);
        }
    };
}
