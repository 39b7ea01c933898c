package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * The UDP datagrams of one turn, of all sockets of a loop, copied here so that one {@code sendmmsg} per socket sends them when the turn
 * ends. Bounded: when entries or bytes run out, all is sent at once. A datagram of {@value #LARGE} bytes or more is sent from where it
 * lies, after those before it of the same socket, as then the copy would cost more than the call.
 */
final class DatagramOutbox {
    private static final int ENTRIES = 64;
    private static final int BYTES = 128 << 10;
    private static final int LARGE = 8 << 10;
    /** The entry of datagrams that are not copied. */
    private static final int SINGLE = ENTRIES;
    /** Bytes from one address to the next: either family's, aligned. */
    private static final int NAME = 32;
    /** Room for IP_TTL and IP_TOS, or IPV6_HOPLIMIT and IPV6_TCLASS. */
    private static final int CONTROL = 2 * (Message.CONTROL_HEADER + 8);

    private final Arena arena = Arena.ofAuto();
    private final MemorySegment data = arena.allocate(BYTES, 64);
    private final MemorySegment names = arena.allocate((ENTRIES + 1L) * NAME, 8);
    private final MemorySegment controls = arena.allocate((ENTRIES + 1L) * CONTROL, 8);
    private final MemorySegment iovecs = arena.allocate((ENTRIES + 1L) * Io.IOVEC, 8);
    private final MemorySegment headers = arena.allocate((ENTRIES + 1L) * Message.MULTI_HEADER, 8);
    /** The headers of one socket's entries in a row, as the call wants them. */
    private final MemorySegment row = arena.allocate((long) ENTRIES * Message.MULTI_HEADER, 8);

    /** The next entry of the same socket, or -1. */
    private final int[] next = new int[ENTRIES];

    private final int[] start = new int[ENTRIES];
    private final int[] length = new int[ENTRIES];
    /** Sockets that have entries; a closed one has none. */
    private final @Nullable LinuxDatagramSocket[] senders = new @Nullable LinuxDatagramSocket[ENTRIES];

    private int senderCount;
    private int entries;
    private int bytes;
    /** While entries are being sent: what is sent meanwhile, by those who are told of errors, must not touch them. */
    private boolean flushing;

    DatagramOutbox() {
        for (int i = 0; i <= ENTRIES; i++) {
            Message.putHeader(
                    headers,
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

    void send(
            LinuxDatagramSocket socket,
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int size) {
        if (flushing || size >= LARGE) {
            if (!flushing) {
                flush(socket);
            }
            sendSingle(socket, high, low, port, timeToLive, typeOfService, memory, at, size);
            return;
        }
        if (entries == ENTRIES || bytes + size > BYTES) {
            flush();
        }
        int entry = entries++;
        MemorySegment.copy(memory, at, data, bytes, size);
        prepare(entry, high, low, port, timeToLive, typeOfService, data, bytes, size);
        start[entry] = bytes;
        length[entry] = size;
        next[entry] = -1;
        bytes += size;
        if (socket.queueHead < 0) {
            socket.queueHead = entry;
            senders[senderCount++] = socket;
        } else {
            next[socket.queueTail] = entry;
        }
        socket.queueTail = entry;
    }

    private void prepare(
            int entry,
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int size) {
        boolean ipv4 = DatagramHost.isIpv4(high, low);
        long header = (long) entry * Message.MULTI_HEADER;
        headers.set(
                ValueLayout.JAVA_INT,
                header + Message.NAME_LENGTH,
                putName(names, (long) entry * NAME, high, low, port));
        Io.putIovec(iovecs, entry, memory, at, size);
        int space = putOptions(controls, (long) entry * CONTROL, ipv4, timeToLive, typeOfService);
        headers.set(ValueLayout.JAVA_LONG, header + Message.CONTROL_LENGTH, (long) space);
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

    private void sendSingle(
            LinuxDatagramSocket socket,
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int size) {
        int result = 0;
        // Twice, as an old error may be what the first call fetches; then those told of it may have used the entry, so
        // write it anew.
        for (int i = 0; i < 2; i++) {
            prepare(SINGLE, high, low, port, timeToLive, typeOfService, memory, at, size);
            MemorySegment.copy(headers, (long) SINGLE * Message.MULTI_HEADER, row, 0, Message.MULTI_HEADER);
            result = Sockets.sendmmsg(socket.fd, row, 1, Sockets.MSG_DONTWAIT);
            if (result >= 0 || socket.drainErrors() == 0 || socket.closed) {
                break;
            }
        }
        if (result < 0 && !socket.closed) {
            fail(socket, -result, high, low, port, memory, at, size);
        }
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
                MemorySegment.copy(
                        headers,
                        (long) e * Message.MULTI_HEADER,
                        row,
                        (long) count++ * Message.MULTI_HEADER,
                        Message.MULTI_HEADER);
            }
            int sent = Sockets.sendmmsg(socket.fd, row, count, Sockets.MSG_DONTWAIT);
            if (sent == -Errno.EAGAIN) {
                socket.dropped(count);
                break;
            }
            if (sent < 0) {
                // Either an old error that this call happened to fetch, or about this very datagram.
                boolean stale = socket.drainErrors() > 0;
                if (!stale || retried) {
                    fail(socket, -sent, entry);
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

    private void fail(LinuxDatagramSocket socket, int errno, int entry) {
        if (!socket.closed) {
            long name = (long) entry * NAME;
            fail(
                    socket,
                    errno,
                    DatagramInbox.high(names, name),
                    DatagramInbox.low(names, name),
                    SocketAddress.port(names, name),
                    data,
                    start[entry],
                    length[entry]);
        }
    }

    private static void fail(
            LinuxDatagramSocket socket,
            int errno,
            long high,
            long low,
            int port,
            MemorySegment memory,
            long at,
            int size) {
        if (errno == Errno.EAGAIN || errno == Errno.ENOBUFS || errno == Errno.ENOMEM) {
            socket.dropped(1);
        } else {
            socket.refused(errno, high, low, port, memory, at, size);
        }
    }
}
