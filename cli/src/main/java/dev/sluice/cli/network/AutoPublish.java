package dev.sluice.cli.network;

import dev.sluice.gateway.Ports;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.host.ListeningPorts;
import dev.sluice.host.NamespaceSockets;
import dev.sluice.loop.LateLogger;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Publishes the namespace's TCP and UDP services on the host's loopback as they come, and takes them back as they go. The kernel tells nobody of
 * new listeners, so the namespace's socket table is read twice a second, on a thread of its own.
 */
final class AutoPublish {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");
    private static final long EVERY_MILLIS = 500;
    /** Looks in a row that may fail. */
    static final int PATIENCE = 10;
    /** Linux chooses ports from here on for whoever does not care (ip(7), ip_local_port_range). */
    private static final int FIRST_CHOSEN = 32_768;

    private static final int DHCP_CLIENT = 68;
    private static final List<IpAddress> LOOPBACKS = List.of(Ipv4Address.LOOPBACK, Ipv6Address.LOOPBACK);

    /** The namespace's socket tables. */
    interface Tables {
        /** A file of its {@code /proc/net}. */
        String read(String file) throws IOException;
    }

    private final Tables inside;
    private final Ports ports;
    private final ForwardSpec.Target guest;
    private final List<Kind> kinds = List.of(new Kind(false), new Kind(true));

    private AutoPublish(Tables inside, Ports ports, ForwardSpec.Target guest) {
        this.inside = inside;
        this.ports = ports;
        this.guest = guest;
    }

    /** Goes on until the network ends. */
    static void start(NamespaceSockets inside, Ports ports, ForwardSpec.Target guest) {
        start(inside::read, ports, guest, EVERY_MILLIS);
    }

    /** The same for any tables, looked at every so many milliseconds; the thread that does it. */
    static Thread start(Tables inside, Ports ports, ForwardSpec.Target guest, long everyMillis) {
        AutoPublish publish = new AutoPublish(inside, ports, guest);
        return Thread.ofVirtual().name("publish-auto").start(() -> publish.run(everyMillis));
    }

    private void run(long everyMillis) {
        int failures = 0;
        try {
            while (failures < PATIENCE) {
                try {
                    look();
                    failures = 0;
                } catch (IOException e) {
                    // either it passes, or namespace and network end together and nobody is there to be told
                    if (++failures == PATIENCE) {
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "services are no longer published by themselves, the namespace's sockets can't be read ("
                                        + e.getMessage() + "); publish them with -p or sluice ports add");
                    }
                }
                Thread.sleep(everyMillis);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void look() throws IOException {
        for (Kind kind : kinds) {
            look(kind);
        }
    }

    private void look(Kind kind) throws IOException {
        Set<Integer> now = kind.ports();
        Set<Integer> asked = ports.list().stream()
                .filter(forward -> !forward.automatic() && forward.protocol().equals(kind.protocol()))
                .map(ForwardInfo::port)
                .collect(Collectors.toSet());
        for (int port : List.copyOf(kind.published)) {
            if (!now.contains(port)) {
                kind.published.remove(port);
                ports.remove(kind.places(port), false);
            }
        }
        kind.told.retainAll(now);
        for (int port : now) {
            if (!kind.published.contains(port) && !asked.contains(port)) {
                publish(kind, port);
            }
        }
    }

    private void publish(Kind kind, int port) {
        for (ForwardSpec.Listen place : kind.places(port)) {
            try {
                ports.add(List.of(new ForwardSpec(place, guest, port, false)), true);
                kind.published.add(port);
            } catch (IOException e) {
                if (!kind.published.contains(port) && kind.told.add(port)) {
                    LOG.log(
                            System.Logger.Level.WARNING,
                            "the " + kind.protocol() + " service on port " + port + " is not published: "
                                    + e.getMessage());
                }
                return; // without 127.0.0.1 no ::1; without ::1 (a host without IPv6) 127.0.0.1 alone
            }
        }
    }

    /** TCP or UDP, and what of it was published. */
    private final class Kind {
        private final boolean udp;
        private final Set<Integer> published = new TreeSet<>();
        /** Ports that the host has no room for, and the user has been told. */
        private final Set<Integer> told = new HashSet<>();

        Kind(boolean udp) {
            this.udp = udp;
        }

        String protocol() {
            return udp ? "udp" : "tcp";
        }

        Set<Integer> ports() throws IOException {
            if (!udp) {
                return ListeningPorts.of(inside.read("tcp"), ipv6("tcp6"));
            }
            Set<Integer> services = new TreeSet<>(ListeningPorts.ofUdp(inside.read("udp"), ipv6("udp6")));
            // a client's port is the system's choice, and a DHCP client's is always this one
            services.removeIf(port -> port >= FIRST_CHOSEN || port == DHCP_CLIENT);
            return services;
        }

        private String ipv6(String table) {
            try {
                return inside.read(table);
            } catch (IOException e) {
                return ""; // a kernel without IPv6
            }
        }

        List<ForwardSpec.Listen> places(int port) {
            return LOOPBACKS.stream()
                    .<ForwardSpec.Listen>map(address -> new ForwardSpec.Port(address, port, udp))
                    .toList();
        }
    }
}
