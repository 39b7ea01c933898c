package dev.sluice.host;

import dev.sluice.posix.Sockets;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Congestion control of connections that never leave the machine. Where the system's own choice is BBR, the kernel sends by a clock (it
 * paces), which spares a network's queues; the loopback has none, and there the clock's waits cost a quarter of the throughput. Such
 * connections use Reno, which every kernel has and every user may choose (tcp(7), TCP_CONGESTION). All others keep what the administrator
 * chose. Confined to the loop. Connections to an address of one's own go by the loopback, too (as ours do inside a namespace, where the guest's
 * address is); only who opens them knows.
 */
final class LoopbackCongestion {
    private static final Path SETTING = Path.of("/proc/sys/net/ipv4/tcp_congestion_control");

    private final MemorySegment reno = Arena.ofAuto().allocateFrom("reno");
    private final boolean paced;
    private final boolean always;

    /**
     * @param systems the system's congestion control, as {@code net.ipv4.tcp_congestion_control} has it
     * @param always whether no connection leaves the machine, whatever its address
     */
    LoopbackCongestion(String systems, boolean always) {
        this.paced = systems.startsWith("bbr");
        this.always = always;
    }

    /** As the system is set now. */
    static LoopbackCongestion ofSystem(boolean always) {
        try {
            return new LoopbackCongestion(String.join("", Files.readAllLines(SETTING)), always);
        } catch (IOException e) {
            return new LoopbackCongestion("", always); // then nothing is changed
        }
    }

    /** For a TCP socket that connects to, or was reached from, {@code peer}. */
    void choose(int fd, IpAddress peer) {
        if (paced && (always || peer.isLoopback())) {
            Sockets.setOption(fd, Sockets.IPPROTO_TCP, Sockets.TCP_CONGESTION, reno, 0, 4);
        }
    }
}
