package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The UDP datagrams of one turn, of all sockets of a loop, copied here so that one {@code sendmmsg} per socket sends them when the turn
 * ends. Bounded: when entries or bytes run out, all is sent at once. What is {@value #LARGE} bytes long or more is sent from where it
 * lies, after what is before it of the same socket, as then the copy would cost more than the call.
 *
 * <p>An entry is a datagram, or several in a row to one peer: equally long, the last maybe shorter, told to the kernel by UDP_SEGMENT
 * (udp(7)), which takes them through its layers as one. A host that can't (old kernel, small MTU, IPsec) says so at the first try; then
 * they go one by one, and those to come too.
 */
final class DatagramOutbox {
    private static final int ENTRIES = 64;
    private static final int BYTES = 128 << 10;
    private static final int LARGE = 8 << 10;
    /** Datagrams per entry: UDP_MAX_SEGMENTS of the kernels that know the least. */
    private static final int SEGMENTS = 64;
    /** Bytes from one address to the next: either family's, aligned. */
    private static final int NAME = 32;
    /** Room for IP_TTL and IP_TOS, or IPV6_HOPLIMIT and IPV6_TCLASS, UDP_SEGMENT, and IPV6_PKTINFO. */
    private static final int CONTROL = 3 * (Message.CONTROL_HEADER + 8) + Message.CONTROL_HEADER + 24;

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment data = arena.allocate(BYTES, 64);
    /** The messages of one call, as the call wants them. */
    private final MemorySegment row = arena.allocate((long) ENTRIES * Message.MULTI_HEADER, 8);

    private final MemorySegment names = arena.allocate((long) ENTRIES * NAME, 8);
    private final MemorySegment controls = arena.allocate((long) ENTRIES * CONTROL, 8);
    private final MemorySegment iovecs = arena.allocate((long) ENTRIES * Io.IOVEC, 8);

    /** The next entry of the same socket, or -1. */
    private final int[] next = new int[ENTRIES];

    private final int[] start = new int[ENTRIES];
    /** Bytes in all, and of each datagram but the last. */
    private final int[] length = new int[ENTRIES];

    private final int[] size = new int[ENTRIES];
    private final long[] high = new long[ENTRIES];
    private final long[] low = new long[ENTRIES];
    private final int[] port = new int[ENTRIES];
    /** From which of our addresses; both 0 leaves that to the system. */
    private final long[] fromHigh = new long[ENTRIES];

    private final long[] fromLow = new long[ENTRIES];
    private final int[] timeToLive = new int[ENTRIES];
    private final int[] typeOfService = new int[ENTRIES];
    /** Sockets that have entries; a closed one has none. */
    private final @Nullable LinuxDatagramSocket[] senders = new @Nullable LinuxDatagramSocket[ENTRIES];

    private int senderCount;
    private int entries;
    private int bytes;
    /** While entries are being sent: what is sent meanwhile, by those who are told of errors, must not touch them. */
    private boolean flushing;

    DatagramOutbox() {
        for (int i = 0; i < ENTRIES; i++) {
            Message.putHeader(
                    row,
                    (long) i * Message.MULTI_HEADER,
                    names,
                    (long) i * NAME,
                    SocketAddress.V6_LENGTH,
                    iovecs,
                    (long) i * Io.IOVEC,
                    1,
                    controls,
                    (long) i * CONTROL,
                    CONTROL);
        }
    }

    /** The most bytes that datagrams of {@code each} bytes may have together in one {@link #send}. */
    static int mostOf(int each) {
        return Math.max(1, Math.min(SEGMENTS, DatagramHost.MAX_PAYLOAD / each)) * each;
    }

    /** @param each bytes of each datagram, the last maybe shorter; equal to {@code total} for a single one */
    void send(
            LinuxDatagramSocket socket,
            long toHigh,
            long toLow,
            int toPort,
            int ttl,
            int tos,
            MemorySegment memory,
            long at,
            int total,
            int each) {
        if (flushing || total >= LARGE) {
            if (!flushing) {
                flush(socket);
            }
            sendNow(socket, toHigh, toLow, toPort, ttl, tos, memory, at, total, each);
            return;
        }
        if (joins(socket, toHigh, toLow, toPort, ttl, tos, total, each)) {
            MemorySegment.copy(memory, at, data, bytes, total);
            length[socket.queueTail] += total;
            bytes += total;
            return;
        }
        if (entries == ENTRIES || bytes + total > BYTES) {
            flush();
        }
        int entry = entries++;
        MemorySegment.copy(memory, at, data, bytes, total);
        start[entry] = bytes;
        length[entry] = total;
        size[entry] = each;
        high[entry] = toHigh;
        low[entry] = toLow;
        port[entry] = toPort;
        fromHigh[entry] = socket.fromHigh;
        fromLow[entry] = socket.fromLow;
        timeToLive[entry] = ttl;
        typeOfService[entry] = tos;
        next[entry] = -1;
        bytes += total;
        if (socket.queueHead < 0) {
            socket.queueHead = entry;
            senders[senderCount++] = socket;
        } else {
            next[socket.queueTail] = entry;
        }
        socket.queueTail = entry;
    }

    /** Whether the datagrams continue the newest entry, whose last byte is before the first free one. */
    private boolean joins(
            LinuxDatagramSocket socket, long toHigh, long toLow, int toPort, int ttl, int tos, int total, int each) {
        int entry = socket.queueTail;
        return entry >= 0
                && entry == entries - 1
                && socket.segments
                && total > 0
                && size[entry] > 0
                && (each == size[entry] || each == total && each < size[entry])
                && length[entry] % size[entry] == 0
                && length[entry] + total <= mostOf(size[entry])
                && bytes + total <= BYTES
                && port[entry] == toPort
                && low[entry] == toLow
                && high[entry] == toHigh
                && fromLow[entry] == socket.fromLow
                && fromHigh[entry] == socket.fromHigh
                && timeToLive[entry] == ttl
                && typeOfService[entry] == tos;
    }

    /** Writes message {@code index} of the row. */
    private void put(
            int index,
            long sourceHigh,
            long sourceLow,
            long toHigh,
            long toLow,
            int toPort,
            int ttl,
            int tos,
            MemorySegment memory,
            long at,
            int total,
            int each) {
        long header = (long) index * Message.MULTI_HEADER;
        int name = putName(names, (long) index * NAME, toHigh, toLow, toPort);
        row.set(ValueLayout.JAVA_INT, header + Message.NAME_LENGTH, name);
        Io.putIovec(iovecs, index, memory, at, total);
        long control = (long) index * CONTROL;
        int space = putOptions(controls, control, DatagramHost.isIpv4(toHigh, toLow), ttl, tos);
        if (each < total) {
            controls.set(ValueLayout.JAVA_SHORT, control + space + Message.CONTROL_HEADER, (short) each);
            space += Message.putControl(controls, control + space, Sockets.IPPROTO_UDP, Sockets.UDP_SEGMENT, 2);
        }
        if (sourceLow != 0 || sourceHigh != 0) {
            space += putSource(controls, control + space, sourceHigh, sourceLow);
        }
        row.set(ValueLayout.JAVA_LONG, header + Message.CONTROL_LENGTH, (long) space);
    }

    /** Writes a socket address of the family that {@code high} and {@code low} have; its length. */
    static int putName(MemorySegment name, long at, long high, long low, int port) {
        return DatagramHost.isIpv4(high, low)
                ? SocketAddress.writeV4(name, at, (int) low, port)
                : SocketAddress.writeV6(name, at, high, low, port, 0);
    }

    /**
     * Writes IP_TTL and, unless it is 0, IP_TOS (ip(7)) for one datagram, or their likes of ipv6(7); the length of the control part.
     */
    static int putOptions(MemorySegment control, long at, boolean ipv4, int timeToLive, int typeOfService) {
        int level = ipv4 ? Sockets.IPPROTO_IP : Sockets.IPPROTO_IPV6;
        int space = Message.putControl(control, at, level, ipv4 ? Sockets.IP_TTL : Sockets.IPV6_HOPLIMIT, 4);
        control.set(ValueLayout.JAVA_INT, at + Message.CONTROL_HEADER, timeToLive);
        if (typeOfService != 0) {
            control.set(ValueLayout.JAVA_INT, at + space + Message.CONTROL_HEADER, typeOfService);
            space += Message.putControl(control, at + space, level, ipv4 ? Sockets.IP_TOS : Sockets.IPV6_TCLASS, 4);
        }
        return space;
    }

    /** Writes IP_PKTINFO (ip(7)) or IPV6_PKTINFO (ipv6(7)): from which of our addresses; its length. */
    private static int putSource(MemorySegment control, long at, long high, long low) {
        long data = at + Message.CONTROL_HEADER;
        if (DatagramHost.isIpv4(high, low)) {
            control.set(ValueLayout.JAVA_INT, data, 0);
            Bytes.put32(control, data + 4, (int) low);
            control.set(ValueLayout.JAVA_INT, data + 8, 0);
            return Message.putControl(control, at, Sockets.IPPROTO_IP, Sockets.IP_PKTINFO, 12);
        }
        Bytes.put64(control, data, high);
        Bytes.put64(control, data + 8, low);
        control.set(ValueLayout.JAVA_INT, data + 16, 0);
        return Message.putControl(control, at, Sockets.IPPROTO_IPV6, Sockets.IPV6_PKTINFO, 20);
    }

    /** Sends from where the caller has it. */
    private void sendNow(
            LinuxDatagramSocket socket,
            long toHigh,
            long toLow,
            int toPort,
            int ttl,
            int tos,
            MemorySegment memory,
            long at,
            int total,
            int each) {
        int result = 0;
        // Twice, as an old error may be what the first call fetches; then those told of it may have used the row, so
        // write it anew.
        for (int i = 0; i < 2; i++) {
            put(0, socket.fromHigh, socket.fromLow, toHigh, toLow, toPort, ttl, tos, memory, at, total, each);
            result = Sockets.sendmmsg(socket.fd, row, 1, Sockets.MSG_DONTWAIT);
            if (result >= 0 || socket.drainErrors() == 0 || socket.closed) {
                break;
            }
        }
        if (result >= 0 || socket.closed) {
            return;
        }
        if (each < total && isAboutSegments(-result)) {
            socket.segments = false;
            for (int from = 0; from < total && !socket.closed; from += each) {
                int piece = Math.min(each, total - from);
                sendNow(socket, toHigh, toLow, toPort, ttl, tos, memory, at + from, piece, piece);
            }
        } else {
            fail(socket, -result, toHigh, toLow, toPort, memory, at, total, each);
        }
    }

    /** EINVAL: no such option, or too many. EMSGSIZE: the path's MTU is smaller. EIO: a device or IPsec can't. */
    private static boolean isAboutSegments(int errno) {
        return errno == Errno.EINVAL || errno == Errno.EMSGSIZE || errno == Errno.EIO;
    }

    /** Sends everything; at the end of every turn. */
    void flush() {
        if (entries == 0 || flushing) {
            return;
        }
        for (int i = 0; i < senderCount; i++) {
            LinuxDatagramSocket socket = senders[i];
            senders[i] = null;
            if (socket != null) {
                sendAll(socket);
            }
        }
        senderCount = 0;
        entries = 0;
        bytes = 0;
    }

    /** Sends what one socket has here; its entries stay used until the next {@link #flush()}. */
    void flush(LinuxDatagramSocket socket) {
        if (socket.queueHead < 0 || flushing) {
            return;
        }
        for (int i = 0; i < senderCount; i++) {
            if (senders[i] == socket) {
                senders[i] = null;
                break;
            }
        }
        sendAll(socket);
    }

    private void sendAll(LinuxDatagramSocket socket) {
        flushing = true;
        try {
            sendRow(socket);
        } finally {
            flushing = false;
        }
    }

    private void sendRow(LinuxDatagramSocket socket) {
        int entry = socket.queueHead;
        socket.queueHead = -1;
        socket.queueTail = -1;
        boolean retried = false;
        while (entry >= 0 && !socket.closed) {
            int count = 0;
            for (int e = entry; e >= 0; e = next[e]) {
                put(
                        count++,
                        fromHigh[e],
                        fromLow[e],
                        high[e],
                        low[e],
                        port[e],
                        timeToLive[e],
                        typeOfService[e],
                        data,
                        start[e],
                        length[e],
                        size[e]);
            }
            int sent = Sockets.sendmmsg(socket.fd, row, count, Sockets.MSG_DONTWAIT);
            if (sent == -Errno.EAGAIN) {
                int lost = 0;
                for (int e = entry; e >= 0; e = next[e]) {
                    lost += datagrams(length[e], size[e]);
                }
                socket.dropped(lost);
                break;
            }
            if (sent < 0) {
                // Either an old error that this call happened to fetch, or about this very entry.
                boolean stale = socket.drainErrors() > 0;
                if (!stale || retried) {
                    sendAlone(socket, -sent, entry);
                    entry = next[entry];
                }
                retried = stale && !retried;
                continue;
            }
            retried = false;
            for (int i = 0; i < sent; i++) {
                entry = next[entry];
            }
        }
    }

    /** What can be done for an entry that was refused: several datagrams may pass one by one. */
    private void sendAlone(LinuxDatagramSocket socket, int errno, int entry) {
        if (size[entry] < length[entry] && isAboutSegments(errno)) {
            socket.from(fromHigh[entry], fromLow[entry]);
            sendNow(
                    socket,
                    high[entry],
                    low[entry],
                    port[entry],
                    timeToLive[entry],
                    typeOfService[entry],
                    data,
                    start[entry],
                    length[entry],
                    size[entry]);
        } else if (!socket.closed) {
            fail(socket, errno, high[entry], low[entry], port[entry], data, start[entry], length[entry], size[entry]);
        }
    }

    private static int datagrams(int total, int each) {
        return total <= each ? 1 : (total + each - 1) / each;
    }

    private static void fail(
            LinuxDatagramSocket socket,
            int errno,
            long toHigh,
            long toLow,
            int toPort,
            MemorySegment memory,
            long at,
            int total,
            int each) {
        if (errno == Errno.EAGAIN || errno == Errno.ENOBUFS || errno == Errno.ENOMEM) {
            socket.dropped(datagrams(total, each));
        } else {
            socket.refused(errno, toHigh, toLow, toPort, memory, at, Math.min(total, each));
        }
    }
}
