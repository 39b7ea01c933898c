package dev.sluice.cli.face.gvproxy;

import dev.sluice.posix.SocketAddress;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A place to listen as gvproxy's flags name it. */
sealed interface SocketUrl {
    int HIGHEST_PORT = 65_535;

    /** A file: {@code unix:///PATH}, {@code unixpacket:///PATH} or {@code unixgram:///PATH}. */
    record File(String scheme, String path) implements SocketUrl {}

    /** A port of TCP, {@code tcp://ADDRESS:PORT}; null is every address of both families. */
    record Tcp(@Nullable IpAddress address, int port) implements SocketUrl {}

    /** A port of virtual machines' sockets to their host, {@code vsock://[CID]:PORT} (vsock(7)). */
    record Vsock(int context, int port) implements SocketUrl {}

    /**
     * Reads one.
     *
     * @throws IllegalArgumentException saying how one is written
     */
    static SocketUrl parse(String text) {
        int colon = text.indexOf(':');
        String scheme = text.substring(0, Math.max(0, colon));
        String rest = text.substring(colon + 1);
        return switch (scheme) {
            case "unix", "unixpacket", "unixgram" -> {
                String path = rest.startsWith("//") ? rest.substring(2) : rest;
                if (path.isEmpty()) {
                    throw no(text);
                }
                yield new File(scheme, decoded(text, path));
            }
            case "tcp" -> {
                long port = port(text, 5);
                if (port > HIGHEST_PORT) {
                    throw no(text);
                }
                yield new Tcp(address(host(text, rest)), (int) port);
            }
            case "vsock" -> {
                String context = host(text, rest);
                yield new Vsock(
                        context.matches("[0-9]{1,9}") ? Integer.parseInt(context) : SocketAddress.VSOCK_ANY,
                        (int) port(text, 10));
            }
            default -> throw no(text);
        };
    }

    private static long port(String text, int digits) {
        String port = text.substring(text.lastIndexOf(':') + 1);
        if (!port.matches("[0-9]{1," + digits + "}")) {
            throw no(text);
        }
        return Long.parseLong(port);
    }

    /** What stands between the slashes and the last colon. */
    private static String host(String text, String rest) {
        int end = rest.lastIndexOf(':');
        if (!rest.startsWith("//") || end < 2) {
            throw no(text);
        }
        return rest.substring(2, end);
    }

    private static @Nullable IpAddress address(String host) {
        if (host.startsWith("[") && host.endsWith("]")) {
            return Ipv6Address.parse(host.substring(1, host.length() - 1));
        }
        return switch (host) {
            case "" -> null;
            case "localhost" -> Ipv4Address.LOOPBACK;
            default -> Ipv4Address.parse(host);
        };
    }

    private static String decoded(String text, String path) {
        try {
            return URLDecoder.decode(path.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("'" + text + "': in a URL, a % stands before two hexadecimal digits", e);
        }
    }

    private static IllegalArgumentException no(String text) {
        return new IllegalArgumentException(
                "'" + text + "' is no place to listen; write unix:///PATH, tcp://ADDRESS:PORT or vsock://:PORT");
    }
}
