package dev.sluice.control.vpnkit;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;

/** What to forward; as a text, which knows IPv4 only, as VPNKit's clients write it. */
public sealed interface PortSpec {
    /** All forms, as they are told to whoever gets one wrong. */
    String FORMS = "tcp:<local ip>:<local port>:tcp:<remote ip>:<remote port>\n"
            + "udp:<local ip>:<local port>:udp:<remote ip>:<remote port>\n"
            + "unix:<base64-encoded local path>:unix:<base64-encoded remote path>\n";

    /** Bytes of a text that can be one: two paths in Base64 need not even three hundred. */
    int LONGEST = 512;

    /** @param port 0 lets the system choose one */
    record Port(boolean udp, IpAddress address, int port, IpAddress target, int targetPort) implements PortSpec {
        @Override
        public Port withPort(int chosen) {
            return new Port(udp, address, chosen, target, targetPort);
        }

        @Override
        public String toString() {
            String protocol = udp ? "udp" : "tcp";
            return protocol + ":" + address + ":" + port + ":" + protocol + ":" + target + ":" + targetPort;
        }
    }

    /** From a socket in the host's file system to one in the guest's. */
    record Unix(String path, String target) implements PortSpec {
        /** What the system takes as a socket's path, here and in the guest. */
        private static final int LONGEST_PATH = 107;

        public Unix {
            check(path);
            check(target);
        }

        private static void check(String path) {
            if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
                throw new IllegalArgumentException("the path of a socket must be absolute");
            }
            if (path.chars().anyMatch(Character::isISOControl)) {
                throw new IllegalArgumentException("the path of a socket may have no control characters");
            }
            int length = path.getBytes(StandardCharsets.UTF_8).length;
            if (length > LONGEST_PATH) {
                throw new IllegalArgumentException(
                        "the path of a socket may have " + LONGEST_PATH + " bytes, not " + length);
            }
        }

        @Override
        public Unix withPort(int chosen) {
            return this;
        }

        @Override
        public String toString() {
            return "unix:" + encoded(path) + ":unix:" + encoded(target);
        }

        private static String encoded(String path) {
            return Base64.getEncoder().encodeToString(path.getBytes(StandardCharsets.UTF_8));
        }
    }

    /** The same with the port that was chosen. */
    PortSpec withPort(int chosen);

    /** @throws IllegalArgumentException with the words for the client */
    static PortSpec parse(String text) {
        String[] parts = text.strip().split(":", -1);
        if (parts.length == 4 && parts[0].equals("unix") && parts[2].equals("unix")) {
            return new Unix(path(parts[1]), path(parts[3]));
        }
        if (parts.length != 6) {
            throw new IllegalArgumentException("Failed to parse request [" + text.strip() + "], expected " + FORMS);
        }
        String protocol = protocol(parts[0]);
        if (!protocol.equals(protocol(parts[3]))) {
            throw new IllegalArgumentException("Failed to parse request [" + text.strip() + "], expected " + FORMS);
        }
        return new Port(
                protocol.equals("udp"),
                address(parts[0], parts[1], parts[2]),
                port(parts[0], parts[1], parts[2], 0),
                address(parts[3], parts[4], parts[5]),
                port(parts[3], parts[4], parts[5], 1));
    }

    private static String protocol(String text) {
        String protocol = text.toLowerCase(Locale.ROOT);
        if (!protocol.equals("tcp") && !protocol.equals("udp")) {
            throw new IllegalArgumentException("unknown protocol: should be tcp or udp");
        }
        return protocol;
    }

    private static Ipv4Address address(String protocol, String ip, String port) {
        try {
            return Ipv4Address.parse(ip);
        } catch (IllegalArgumentException e) {
            throw notAPort(protocol, ip, port);
        }
    }

    private static int port(String protocol, String ip, String port, int lowest) {
        if (port.matches("[0-9]{1,5}")) {
            int number = Integer.parseInt(port);
            if (number >= lowest && number <= 65_535) {
                return number;
            }
        }
        throw notAPort(protocol, ip, port);
    }

    private static IllegalArgumentException notAPort(String protocol, String ip, String port) {
        return new IllegalArgumentException(
                "port is not a proto:IP:port or unix:path: '" + protocol + ":" + ip + ":" + port + "'");
    }

    private static String path(String encoded) {
        String path;
        try {
            path = new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            path = "";
        }
        if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("port is not a proto:IP:port or unix:path: 'unix:" + encoded + "'");
        }
        return path;
    }
}
