package dev.sluice.host;

import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The memory that all sockets of one loop receive into, one after the other: {@value #SLOTS} datagrams for one {@code recvmmsg}, and
 * one entry of an error queue. Before each lies room for the headers a guest will see. About 2 MiB, whatever the number of sockets.
 */
final class DatagramInbox {
    static final int SLOTS = 32;
    /** No datagram is longer. */
    private static final int CAPACITY = 65_536;
    /** Not a multiple of the page size, so that the slots' first bytes do not compete for the same cache lines. */
    private static final int STRIDE = DatagramHost.HEADROOM + CAPACITY + 64;

    /** Bytes from one sender's address to the next: either family's, aligned. */
    private static final int NAME = 32;

    /** Type of service, length of segments, and our own address. */
    private static final int CONTROL = 128;
    /** What an ICMP message may quote is far less. */
    private static final int ERROR_CAPACITY = 4096;

    private static final int ERROR_CONTROL = 256;

    private final Arena arena = Arena.ofAuto();
    final MemorySegment data = arena.allocate((long) SLOTS * STRIDE, 64);
    private final MemorySegment names = arena.allocate((long) SLOTS * NAME, 8);
    private final MemorySegment controls = arena.allocate((long) SLOTS * CONTROL, 8);
    private final MemorySegment iovecs = arena.allocate((long) SLOTS * Io.IOVEC, 8);
    private final MemorySegment headers = arena.allocate((long) SLOTS * Message.MULTI_HEADER, 8);
    /** Largest datagram that is worth a copy to be gathered. */
    private static final int GATHERED = 2048;
    /** Most bytes gathered: what fits an IPv4 packet. */
    private static final int RUN = DatagramHost.MAX_PAYLOAD;

    private int typeOfService;
    private long localHigh;
    private long localLow;
    private int segment;
    private int runLength;
    private int runSize;
    /** Entries of {@link #headers} that the last call changed. */
    private int used;

    final MemorySegment errorData = arena.allocate(DatagramHost.HEADROOM + ERROR_CAPACITY, 64);
    final MemorySegment errorName = arena.allocate(SocketAddress.CAPACITY, 8);
    final MemorySegment errorControl = arena.allocate(ERROR_CONTROL, 8);
    private final MemorySegment errorIovec = arena.allocate(Io.IOVEC, 8);
    private final MemorySegment errorHeader = arena.allocate(Message.HEADER, 8);

    DatagramInbox() {
        for (int i = 0; i < SLOTS; i++) {
            Io.putIovec(iovecs, i, data, at(i), CAPACITY);
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
        Io.putIovec(errorIovec, 0, errorData, DatagramHost.HEADROOM, ERROR_CAPACITY);
    }

    /** Receives into the slots from the first; how many, or negated errno. */
    int receive(int fd) {
        for (int i = 0; i < used; i++) {
            Message.rearm(headers, (long) i * Message.MULTI_HEADER, SocketAddress.V6_LENGTH, CONTROL);
        }
        int n = Sockets.recvmmsg(fd, headers, SLOTS, Sockets.MSG_DONTWAIT);
        used = n < 0 ? 1 : n;
        return n;
    }

    /** Where the data of a slot starts in {@link #data}. */
    static long at(int slot) {
        return (long) slot * STRIDE + DatagramHost.HEADROOM;
    }

    int length(int slot) {
        return Message.multiLength(headers, slot);
    }

    /** High half of the sender's address, as in {@link DatagramHost}. */
    long sourceHigh(int slot) {
        return high(names, (long) slot * NAME);
    }

    long sourceLow(int slot) {
        return low(names, (long) slot * NAME);
    }

    int sourcePort(int slot) {
        return SocketAddress.port(names, (long) slot * NAME);
    }

    /** High half of a socket address of either family, as in {@link DatagramHost}. */
    static long high(MemorySegment s, long at) {
        return SocketAddress.family(s, at) == Sockets.AF_INET6 ? SocketAddress.v6High(s, at) : DatagramHost.MAPPED_HIGH;
    }

    static long low(MemorySegment s, long at) {
        return SocketAddress.family(s, at) == Sockets.AF_INET6
                ? SocketAddress.v6Low(s, at)
                : DatagramHost.mapped(SocketAddress.v4(s, at));
    }

    /**
     * Puts the datagrams of the slots after {@code slot} that continue it directly behind it: small ones of the same sender and type of
     * service that are as long, the last maybe shorter. Then one call hands them on, and one frame may carry them. The copy costs
     * less than a call.
     *
     * @return slots used up, at least 1; {@link #runLength}, {@link #runSize} and {@link #typeOfService()} then tell of them
     */
    int gather(int slot, int end) {
        readControl(slot);
        int tos = typeOfService;
        long toHigh = localHigh;
        long toLow = localLow;
        int size = segment;
        int length = length(slot);
        int next = slot + 1;
        while (next < end
                && size > 0
                && size <= GATHERED
                && length % size == 0
                && length(next) > 0
                && length(next) <= RUN - length
                && sameSource(slot, next)) {
            readControl(next);
            int bytes = length(next);
            if (typeOfService != tos
                    || localLow != toLow
                    || localHigh != toHigh
                    || (bytes > size ? segment != size : segment != bytes)) {
                break;
            }
            MemorySegment.copy(data, at(next), data, at(slot) + length, bytes);
            length += bytes;
            next++;
        }
        typeOfService = tos;
        localHigh = toHigh;
        localLow = toLow;
        runLength = length;
        runSize = size;
        return next - slot;
    }

    /** Bytes of the datagrams gathered last. */
    int runLength() {
        return runLength;
    }

    /** Bytes of each of them but the last, which may be shorter. */
    int runSize() {
        return runSize;
    }

    int typeOfService() {
        return typeOfService;
    }

    /** High half of the address that the datagrams gathered last came to; both halves 0 if the socket does not ask. */
    long localHigh() {
        return localHigh;
    }

    long localLow() {
        return localLow;
    }

    private boolean sameSource(int slot, int other) {
        return sourcePort(slot) == sourcePort(other)
                && sourceLow(slot) == sourceLow(other)
                && sourceHigh(slot) == sourceHigh(other);
    }

    /**
     * Reads what came beside a slot's data: the type of service (IP_RECVTOS, IPV6_RECVTCLASS; its first byte has the value on a
     * little-endian host), and the length of each datagram if the kernel had put several into the slot (UDP_GRO).
     */
    private void readControl(int slot) {
        typeOfService = 0;
        localHigh = 0;
        localLow = 0;
        segment = length(slot);
        long start = (long) slot * CONTROL;
        long length = Message.controlLength(headers, (long) slot * Message.MULTI_HEADER);
        for (long m = Message.firstControl(controls, start, length);
                m >= 0;
                m = Message.nextControl(controls, start, length, m)) {
            int bytes = Message.controlDataLength(controls, m);
            if (bytes >= 1
                    && isEither(
                            controls,
                            m,
                            Sockets.IPPROTO_IP,
                            Sockets.IP_TOS,
                            Sockets.IPPROTO_IPV6,
                            Sockets.IPV6_TCLASS)) {
                typeOfService = controls.get(ValueLayout.JAVA_BYTE, m + Message.CONTROL_HEADER) & 0xff;
            } else if (bytes >= 4
                    && Message.controlLevel(controls, m) == Sockets.IPPROTO_UDP
                    && Message.controlType(controls, m) == Sockets.UDP_GRO) {
                int size = controls.get(ValueLayout.JAVA_INT, m + Message.CONTROL_HEADER);
                if (size > 0 && size < segment) {
                    segment = size;
                }
            } else if (bytes >= 12
                    && Message.controlLevel(controls, m) == Sockets.IPPROTO_IP
                    && Message.controlType(controls, m) == Sockets.IP_PKTINFO) {
                // interface, then the address that answers may come from (for a broadcast not the one it was sent to)
                localHigh = DatagramHost.MAPPED_HIGH;
                localLow = DatagramHost.mapped(Bytes.i32(controls, m + Message.CONTROL_HEADER + 4));
            } else if (bytes >= 20
                    && Message.controlLevel(controls, m) == Sockets.IPPROTO_IPV6
                    && Message.controlType(controls, m) == Sockets.IPV6_PKTINFO) {
                localHigh = Bytes.i64(controls, m + Message.CONTROL_HEADER);
                localLow = Bytes.i64(controls, m + Message.CONTROL_HEADER + 8);
            }
        }
    }

    /** The type of service of what is in {@code slot}. */
    int typeOfService(int slot) {
        readControl(slot);
        return typeOfService;
    }

    /** Takes one entry of the error queue; the bytes of data returned (maybe 0), or negated errno. */
    int receiveError(int fd) {
        Message.putHeader(
                errorHeader,
                0,
                errorName,
                0,
                SocketAddress.V6_LENGTH,
                errorIovec,
                0,
                1,
                errorControl,
                0,
                ERROR_CONTROL);
        int n = Sockets.recvmsg(fd, errorHeader, Sockets.MSG_ERRQUEUE | Sockets.MSG_DONTWAIT);
        return Math.min(n, ERROR_CAPACITY);
    }

    private static boolean isEither(MemorySegment s, long message, int level4, int type4, int level6, int type6) {
        int level = Message.controlLevel(s, message);
        int type = Message.controlType(s, message);
        return level == level4 && type == type4 || level == level6 && type == type6;
    }

    /** The IP_RECVERR or IPV6_RECVERR message of the entry, where its {@code struct sock_extended_err} starts in {@link #errorControl}; or -1. */
    long extendedError() {
        long length = Message.controlLength(errorHeader, 0);
        for (long m = Message.firstControl(errorControl, 0, length);
                m >= 0;
                m = Message.nextControl(errorControl, 0, length, m)) {
            if (Message.controlDataLength(errorControl, m) >= 16
                    && isEither(
                            errorControl,
                            m,
                            Sockets.IPPROTO_IP,
                            Sockets.IP_RECVERR,
                            Sockets.IPPROTO_IPV6,
                            Sockets.IPV6_RECVERR)) {
                return m + Message.CONTROL_HEADER;
            }
        }
        return -1;
    }

    /** Whether the offender's address (SO_EE_OFFENDER) follows the {@code sock_extended_err} at {@code error}. */
    boolean hasOffender(long error) {
        int room = Message.controlDataLength(errorControl, error - Message.CONTROL_HEADER) - 16;
        if (room < SocketAddress.V4_LENGTH) {
            return false;
        }
        int family = SocketAddress.family(errorControl, error + 16);
        return family == Sockets.AF_INET || family == Sockets.AF_INET6 && room >= SocketAddress.V6_LENGTH;
    }

    /** Puts the start of a datagram that could not be sent where an error's data goes; how much of it. */
    int quote(MemorySegment memory, long at, int length) {
        int quoted = Math.min(length, 512);
        MemorySegment.copy(memory, at, errorData, DatagramHost.HEADROOM, quoted);
        return quoted;
    }
}
