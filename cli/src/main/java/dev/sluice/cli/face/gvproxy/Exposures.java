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
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The forwards of the host's ports and sockets to guests, in gvproxy's words. Thread-safe. */
final class Exposures implements AutoCloseable {
    /** How long a client waits for a socket through ssh; a guest that is not there yet gets its own time. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final String SSH_TUNNEL = "ssh-tunnel://";

    /** More than one guest has a use for. */
    static final int MAX = 10_000;

    /**
     * One of them, as it was asked for.
     *
     * @param protocol tcp, udp or unix
     */
    record Exposure(String local, String remote, String protocol) {}

    private record Key(String protocol, String local) {}

    /**
     * @param spec as it was opened, with the port that was chosen
     * @param tunnel through which a socket of the guest comes; null for a port's
     */
    private record Open(
            Exposure exposure, ForwardSpec spec, @Nullable SshTunnel tunnel) {
        boolean leadsTo(Ipv4Address guest) {
            return spec.target().equals(new ForwardSpec.Address(guest));
        }
    }

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
                .filter(each -> each.leadsTo(guest))
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
    void expose(Exposure wanted, @Nullable Ipv4Address caller, boolean only) throws IOException {
        SshTunnel tunnel = open(wanted, caller, only);
        if (tunnel != null) {
            tunnel.await(PATIENCE); // so that whoever asked can use it at once
        }
    }

    private synchronized @Nullable SshTunnel open(Exposure wanted, @Nullable Ipv4Address caller, boolean only)
            throws IOException {
        boolean ssh = wanted.protocol.equals("unix") && wanted.remote.startsWith(SSH_TUNNEL);
        SshRemote remote = ssh ? SshRemote.parse(wanted) : null;
        ForwardSpec spec = remote == null ? spec(wanted, caller) : remote.port();
        if (only && !spec.target().equals(new ForwardSpec.Address(caller == null ? Ipv4Address.ANY : caller))) {
            throw new IllegalArgumentException("a guest may expose its own ports only");
        }
        if (only && wanted.protocol.equals("unix")) {
            throw new IllegalArgumentException("a guest may expose ports, no sockets of the host's file system");
        }
        Key key = new Key(wanted.protocol, wanted.local);
        Open before = open.get(key);
        if (before != null) {
            if (network.gateway().ports().isOpen(before.spec.listen())) {
                throw new IOException("proxy already running");
            }
            close(key, before); // its port was closed by other means
        }
        if (open.size() >= MAX) {
            throw new IOException("there are " + MAX + " forwards already");
        }
        if (spec.listen() instanceof ForwardSpec.UnixSocket(String path)) {
            removeSocket(Path.of(path));
        }
        int port = remote == null
                ? network.ports().publish(List.of(spec)).getFirst().port()
                : sshPort(remote.guest(), remote.guestPort());
        ForwardSpec.Listen listen = spec.listen() instanceof ForwardSpec.Port(IpAddress at, int _, boolean udp)
                ? new ForwardSpec.Port(at, port, udp)
                : spec.listen();
        ForwardSpec opened = new ForwardSpec(listen, spec.target(), spec.guestPort(), spec.proxy());
        SshTunnel tunnel = null;
        try {
            tunnel = remote == null ? null : SshTunnel.start(remote.forward(), port);
            open.put(key, new Open(wanted, opened, tunnel));
            return tunnel;
        } finally {
            if (remote != null && tunnel == null) {
                network.gateway().ports().close(List.of(opened));
            }
        }
    }

    /** A new port of the loopback that leads to a guest's, for ssh. */
    int sshPort(Ipv4Address guest, int port) throws IOException {
        return network.gateway()
                .ports()
                .add(List.of(SshRemote.port(guest, port)))
                .getFirst()
                .port();
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
        if (found == null || only != null && !found.leadsTo(only)) {
            throw new IOException("proxy not found");
        }
        close(key, found);
    }

    private void close(Key key, Open found) throws IOException {
        if (found.tunnel != null) {
            found.tunnel.close();
        }
        network.gateway().ports().close(List.of(found.spec));
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
                if (!wanted.remote.startsWith("tcp://")) {
                    throw new IllegalArgumentException("remote must be tcp://ADDRESS:PORT or"
                            + " ssh-tunnel://USER@ADDRESS:PORT/SOCKET?key=FILE, not " + wanted.remote);
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

    /** Ends what needs programs of its own. */
    @Override
    public synchronized void close() {
        open.values().stream().map(Open::tunnel).filter(Objects::nonNull).forEach(SshTunnel::close);
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
