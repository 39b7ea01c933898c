package dev.sluice.control;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;

/** Where the API is served besides its own socket. */
public sealed interface ApiDoor {
    /** A Unix-domain socket, for this user and root. */
    record Socket(Path path) implements ApiDoor {}

    /** A TCP port of the loopback, for who has the token. */
    record Port(InetSocketAddress address) implements ApiDoor {}

    /**
     * Reads {@code unix:PATH} and {@code tcp:127.0.0.1:PORT}.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    static ApiDoor parse(String text) {
        if (text.startsWith("unix:") && text.length() > 5) {
            return new Socket(Path.of(text.substring(5)));
        }
        if (!text.startsWith("tcp:")) {
            throw new IllegalArgumentException("'" + text + "' is neither tcp:127.0.0.1:PORT nor unix:PATH");
        }
        int colon = text.lastIndexOf(':');
        String host = colon > 4 ? text.substring(4, colon) : "";
        String port = text.substring(colon + 1);
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 0xffff) {
            throw new IllegalArgumentException("'" + text + "' has no port within 0…65535, as tcp:127.0.0.1:8099 has");
        }
        return new Port(new InetSocketAddress(loopback(host, text), Integer.parseInt(port)));
    }

    /** What is sent there is not encrypted, so it must not leave this machine. */
    private static InetAddress loopback(String host, String text) {
        byte[] address = switch (host) {
            case "127.0.0.1", "localhost" -> new byte[] {127, 0, 0, 1};
            case "[::1]" -> {
                byte[] one = new byte[16];
                one[15] = 1;
                yield one;
            }
            default ->
                throw new IllegalArgumentException("'" + text + "' is not on this machine's loopback, and elsewhere the"
                        + " token would travel readable: use tcp:127.0.0.1:PORT, and from another machine a tunnel, as"
                        + " ssh -L PORT:127.0.0.1:PORT");
        };
        try {
            return InetAddress.getByAddress(host, address);
        } catch (java.net.UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
