package dev.sluice.cli.face.gvproxy;

import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.wire.Ipv4Address;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A socket in a guest's file system, as an exposure names it: {@code ssh-tunnel://USER@ADDRESS[:PORT]/SOCKET?key=FILE}.
 *
 * @param guest whose ssh server leads to it
 * @param guestPort that server's
 */
record SshRemote(Ipv4Address guest, int guestPort, Configuration.SshForward forward) {
    private static final int USUAL_PORT = 22;
    private static final int HIGHEST_PORT = 65_535;

    /**
     * Reads an exposure's remote.
     *
     * @throws IllegalArgumentException saying what is missing or not understood
     */
    static SshRemote parse(Exposures.Exposure exposure) {
        String text = exposure.remote();
        URI uri;
        try {
            uri = new URI(text);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException("remote " + text + " is no URL: " + e.getReason(), e);
        }
        String user = uri.getUserInfo();
        String path = uri.getPath();
        // ssh reads its destination, and what stands before a colon, in ways of its own
        if (user == null || !user.matches("[A-Za-z0-9_][A-Za-z0-9_.-]*")) {
            throw new IllegalArgumentException(
                    "remote " + text + " names no user: write ssh-tunnel://USER@ADDRESS:22/SOCKET");
        }
        if (path == null || path.length() < 2) {
            throw new IllegalArgumentException("remote uri must contain a path to a socket file");
        }
        if (path.indexOf(':') >= 0 || exposure.local().indexOf(':') >= 0) {
            throw new IllegalArgumentException("ssh takes no sockets with a colon in their path");
        }
        if (exposure.local().isEmpty() || !Path.of(exposure.local()).isAbsolute()) {
            throw new IllegalArgumentException("local must be the socket's path, from / on");
        }
        String key = "";
        for (String field : String.valueOf(uri.getRawQuery()).split("&")) {
            if (field.startsWith("key=")) {
                key = URLDecoder.decode(field.substring(4), StandardCharsets.UTF_8);
            } else if (field.startsWith("passphrase=") && field.length() > "passphrase=".length()) {
                throw new IllegalArgumentException(
                        "a passphrase is not taken, as a command line shows it: name a key without one");
            }
        }
        if (key.isEmpty()) {
            throw new IllegalArgumentException("key not provided for unix-ssh connection");
        }
        int port = uri.getPort() < 0 ? USUAL_PORT : uri.getPort();
        if (port < 1 || port > HIGHEST_PORT) {
            throw new IllegalArgumentException("remote " + text + ": a port is within 1…" + HIGHEST_PORT);
        }
        return new SshRemote(
                Ipv4Address.parse(String.valueOf(uri.getHost())),
                port,
                new Configuration.SshForward(exposure.local(), path, user, key));
    }

    /** The way to that server from here. */
    ForwardSpec port() {
        return port(guest, guestPort);
    }

    /** A port of the loopback, to be chosen, that leads to a guest's. */
    static ForwardSpec port(Ipv4Address guest, int port) {
        return new ForwardSpec(
                new ForwardSpec.Port(Ipv4Address.LOOPBACK, 0, false), new ForwardSpec.Address(guest), port, false);
    }
}
