package dev.sluice.host;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;

/**
 * The process that has a port of this host.
 *
 * @param name as {@code ps} shows it
 */
public record PortOwner(String name, long pid) {
    /** States of proc(5) in which a socket holds its port against others: LISTEN for TCP, unconnected for UDP. */
    private static final String TCP_LISTEN = "0A";

    private static final String UDP_UNCONNECTED = "07";
    private static final int STATE = 3;
    private static final int INODE = 9;

    /**
     * Looks through /proc for the owner of {@code port}, which may take some milliseconds.
     *
     * @return empty if nobody has it, or somebody whose processes this user may not look into
     */
    public static Optional<PortOwner> find(int port, boolean udp) {
        Set<String> sockets = new HashSet<>();
        for (String table : udp ? new String[] {"udp", "udp6"} : new String[] {"tcp", "tcp6"}) {
            collect(Path.of("/proc/net", table), port, udp ? UDP_UNCONNECTED : TCP_LISTEN, sockets);
        }
        if (sockets.isEmpty()) {
            return Optional.empty();
        }
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (hasAny(process, sockets)) {
                    return Optional.of(new PortOwner(
                            name(process), Long.parseLong(process.getFileName().toString())));
                }
            }
        } catch (IOException e) {
            // no /proc: nobody to name
        }
        return Optional.empty();
    }

    private static void collect(Path table, int port, String state, Set<String> sockets) {
        String end = ":%04X".formatted(port);
        try {
            for (String line : Files.readAllLines(table)) {
                String[] fields = line.strip().split("\\s+");
                if (fields.length > INODE && fields[1].endsWith(end) && fields[STATE].equals(state)) {
                    sockets.add("socket:[" + fields[INODE] + "]");
                }
            }
        } catch (IOException e) {
            // a system without this family
        }
    }

    private static boolean hasAny(Path process, Set<String> sockets) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (sockets.contains(Files.readSymbolicLink(descriptor).toString())) {
                    return true;
                }
            }
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            // another user's, or it has just ended
        }
        return false;
    }

    private static String name(Path process) {
        try {
            return Files.readString(process.resolve("comm")).strip();
        } catch (IOException e) {
            return "a process";
        }
    }

    @Override
    public String toString() {
        return name + " (pid " + pid + ")";
    }
}
