package dev.sluice.cli.face.gvproxy;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.posix.SocketFile;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The forwards of the host's ports and sockets to guests, in gvproxy's words. Thread-safe. */
final class Exposures {
    /** More than one guest has a use for. */
    static final int MAX = 10_000;

    /**
     * One of them, as it was asked for.
     *
     * @param protocol tcp, udp or unix
     */
    record Exposure(String local, String remote, String protocol) {}

    private record Key(String protocol, String local) {}

    /** @param listen as it was opened, with the port that was chosen */
    private record Open(Exposure exposure, ForwardSpec.Target target, ForwardSpec.Listen listen) {}

    private final GuestNetwork network;
    /** Guarded by this. */
    private final Map<Key, Open> open =
            new TreeMap<>(Comparator.comparing(Key::local).thenComparing(Key::protocol));

    Exposures(GuestNetwork network) {
        this.network = network;
    }

    /** Sorted by place, then protocol. */
    synchronized List<Exposure> all() {
        return open.values().stream().map(Open::exposure).toList();
    }

    /** Those that lead to this guest. */
    synchronized List<Exposure> of(Ipv4Address guest) {
        return open.values().stream()
                .filter(each -> each.target.equals(new ForwardSpec.Address(guest)))
                .map(Open::exposure)
                .toList();
    }

    /**
     * Opens one.
     *
     * @param caller whom a remote without an address means; null for nobody
     * @param only whether it may lead to the caller alone
     * @throws IllegalArgumentException if it is not understood, or not the caller's to ask for
     * @throws IOException if it can't be done
     */
    synchronized void expose(Exposure wanted, @Nullable Ipv4Address caller, boolean only) throws IOException {
        ForwardSpec spec = spec(wanted, caller);
        if (only && !spec.target().equals(new ForwardSpec.Address(caller == null ? Ipv4Address.ANY : caller))) {
            throw new IllegalArgumentException("a guest may expose its own ports only");
        }
        if (only && spec.listen() instanceof ForwardSpec.UnixSocket) {
            throw new IllegalArgumentException("a guest may expose ports, no sockets of the host's file system");
        }
        Key key = new Key(wanted.protocol, wanted.local);
        if (open.containsKey(key)) {
            throw new IOException("proxy already running");
        }
        if (open.size() >= MAX) {
            throw new IOException("there are " + MAX + " forwards already");
        }
        if (spec.listen() instanceof ForwardSpec.UnixSocket(String path)) {
            removeSocket(Path.of(path));
        }
        int port = network.publish(List.of(spec)).getFirst().port();
        ForwardSpec.Listen listen = spec.listen() instanceof ForwardSpec.Port(IpAddress at, int _, boolean udp)
                ? new ForwardSpec.Port(at, port, udp)
                : spec.listen();
        open.put(key, new Open(wanted, spec.target(), listen));
    }

    /**
     * Closes one.
     *
     * @param only whose it must be; null for anybody's
     * @throws IOException if there is none
     */
    synchronized void unexpose(String local, String protocol, @Nullable Ipv4Address only) throws IOException {
        Key key = new Key(protocol, local);
        Open found = open.get(key);
        if (found == null || only != null && !found.target.equals(new ForwardSpec.Address(only))) {
            throw new IOException("proxy not found");
        }
        network.gateway().ports().remove(List.of(found.listen), false);
        open.remove(key);
    }

    /** gvproxy takes the place of whatever socket is there. */
    private static void removeSocket(Path path) throws IOException {
        if (SocketFile.isSocket(path)) {
            Files.delete(path);
        }
    }

    private static ForwardSpec spec(Exposure wanted, @Nullable Ipv4Address caller) {
        return switch (wanted.protocol) {
            case "tcp", "udp" -> {
                boolean udp = wanted.protocol.equals("udp");
                ForwardSpec.Port at = new ForwardSpec.Port(listenAddress(wanted.local), port(wanted.local), udp);
                yield to(at, wanted.remote, caller);
            }
            case "unix" -> {
                if (wanted.remote.startsWith("ssh-tunnel://")) {
                    throw new IllegalArgumentException(
                            "ssh-tunnel is not offered here: start with -forward-sock, or use" + " ssh -L");
                }
                if (!wanted.remote.startsWith("tcp://")) {
                    throw new IllegalArgumentException("remote must be tcp://ADDRESS:PORT, not " + wanted.remote);
                }
                if (wanted.local.isEmpty()) {
                    throw new IllegalArgumentException("local must be the socket's path");
                }
                yield to(new ForwardSpec.UnixSocket(wanted.local), wanted.remote.substring(6), caller);
            }
            default ->
                throw new IllegalArgumentException("protocol " + wanted.protocol + " is none of tcp, udp and unix");
        };
    }

    private static ForwardSpec to(ForwardSpec.Listen at, String remote, @Nullable Ipv4Address caller) {
        String host = host(remote);
        Ipv4Address guest = host.isEmpty() ? caller : Ipv4Address.parse(host);
        if (guest == null) {
            throw new IllegalArgumentException("remote " + remote + " names no guest");
        }
        int port = port(remote);
        if (port == 0) {
            throw new IllegalArgumentException("remote " + remote + " has no port");
        }
        return new ForwardSpec(at, new ForwardSpec.Address(guest), port, false);
    }

    private static @Nullable IpAddress listenAddress(String local) {
        String host = host(local);
        return switch (host) {
            case "" -> null;
            case "localhost" -> Ipv4Address.LOOPBACK;
            default -> host.indexOf(':') >= 0 ? Ipv6Address.parse(host) : Ipv4Address.parse(host);
        };
    }

    /** What stands before the last colon, without brackets. */
    private static String host(String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 0) {
            throw new IllegalArgumentException("address " + text + ": missing port in address");
        }
        String host = text.substring(0, colon);
        return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    }

    private static int port(String text) {
        String digits = text.substring(text.lastIndexOf(':') + 1);
        int port = digits.matches("[0-9]{1,5}") ? Integer.parseInt(digits) : -1;
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("address " + text + ": invalid port");
        }
        return port;
    }
}
