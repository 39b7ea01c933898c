package dev.sluice.host;

import java.util.Set;
import java.util.TreeSet;

/** Reads the socket tables of {@code /proc/net} (proc(5)). */
public final class ListeningPorts {
    private static final String LISTEN = "0A";
    /** Of a UDP socket that is not connected: {@code TCP_CLOSE}. */
    private static final String UNCONNECTED = "07";

    private static final int LOCAL = 1;
    private static final int STATE = 3;
    private static final String ANY_IPV6 = "0".repeat(32);
    /** How an IPv4 address in IPv6 begins, as words of the machine's order. */
    private static final String MAPPED_IPV4 = "0000000000000000FFFF0000";

    private ListeningPorts() {}

    /**
     * The TCP ports that take IPv4 connections.
     *
     * @param tcp content of {@code /proc/net/tcp}
     * @param tcp6 content of {@code /proc/net/tcp6}, where listeners of both families are; may be empty
     */
    public static Set<Integer> of(String tcp, String tcp6) {
        return collect(tcp, tcp6, LISTEN);
    }

    /**
     * The UDP ports that take IPv4 datagrams of anybody. Clients that wait for an answer are among them; their ports are usually those the
     * system chooses.
     *
     * @param udp content of {@code /proc/net/udp}
     * @param udp6 content of {@code /proc/net/udp6}; may be empty
     */
    public static Set<Integer> ofUdp(String udp, String udp6) {
        return collect(udp, udp6, UNCONNECTED);
    }

    private static Set<Integer> collect(String four, String six, String state) {
        Set<Integer> ports = new TreeSet<>();
        collect(four, "", state, ports);
        collect(six, ANY_IPV6, state, ports);
        collect(six, MAPPED_IPV4, state, ports);
        return ports;
    }

    private static void collect(String table, String address, String state, Set<Integer> ports) {
        table.lines().skip(1).forEach(line -> {
            String[] fields = line.strip().split("\\s+");
            int colon = fields.length > STATE ? fields[LOCAL].indexOf(':') : -1;
            if (colon > 0 && fields[STATE].equals(state) && fields[LOCAL].startsWith(address)) {
                ports.add(Integer.parseInt(fields[LOCAL], colon + 1, fields[LOCAL].length(), 16));
            }
        });
    }
}
