package dev.sluice.cli;

import dev.sluice.wire.Ipv4Address;

/**
 * A port of the host that leads to one of the guest.
 *
 * @param address where the host listens; 0.0.0.0 is every address
 * @param hostPort port there
 * @param guestPort port at the guest
 * @param udp datagrams rather than TCP connections
 */
record PublishedPort(Ipv4Address address, int hostPort, int guestPort, boolean udp) {
    private static final Ipv4Address EVERYWHERE = Ipv4Address.parse("0.0.0.0");

    /**
     * Reads {@code [ADDRESS:]HOST:GUEST[/tcp|/udp]}.
     *
     * @throws IllegalArgumentException saying what is wrong and how to write it
     */
    static PublishedPort parse(String text) {
        String ports = text;
        boolean udp = text.endsWith("/udp");
        if (udp || text.endsWith("/tcp")) {
            ports = text.substring(0, text.length() - 4);
        }
        String[] parts = ports.split(":", -1);
        if (parts.length < 2 || parts.length > 3) {
            throw new IllegalArgumentException("'" + text
                    + "' is not a port to publish; write HOST:GUEST, as in 8080:80, 127.0.0.1:8080:80 or 5353:53/udp");
        }
        return new PublishedPort(
                parts.length == 3 ? Ipv4Address.parse(parts[0]) : EVERYWHERE,
                port(parts[parts.length - 2], text),
                port(parts[parts.length - 1], text),
                udp);
    }

    private static int port(String digits, String text) {
        if (digits.matches("[0-9]{1,5}")) {
            int port = Integer.parseInt(digits);
            if (port >= 1 && port <= 65535) {
                return port;
            }
        }
        throw new IllegalArgumentException("'" + digits + "' in '" + text + "' is not a port number within 1…65535");
    }

    @Override
    public String toString() {
        return (address.equals(EVERYWHERE) ? "" : address + ":") + hostPort + ":" + guestPort + (udp ? "/udp" : "");
    }
}
