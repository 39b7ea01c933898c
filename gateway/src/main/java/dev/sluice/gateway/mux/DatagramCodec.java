package dev.sluice.gateway.mux;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Datagrams in a channel's stream: u16 length of all, u16 length and bytes of the outside peer's address, u16 port, u16 length and text
 * of a zone, u16 length and bytes of the payload; little-endian. The address may be missing: then the channel has one peer only.
 */
final class DatagramCodec {
    /** Bytes before the payload, without address and zone. */
    private static final int FIXED = 10;

    private static final int LONGEST = 0xffff;

    /** The first bytes of a datagram whose rest is still to come; null for none. */
    private byte @Nullable [] part;

    private int got;

    /** Told of each whole datagram. */
    interface Receiver {
        /** @param port 0 with an address of zero if the frame names no peer */
        void onDatagram(long high, long low, int port, MemorySegment memory, long at, int length);
    }

    /**
     * Sends one datagram.
     *
     * @param port -1 leaves the peer's address out
     * @return false if it does not fit now, and is dropped
     */
    boolean send(Channel channel, long high, long low, int port, MemorySegment memory, long at, int length) {
        int addressLength = port < 0 ? 0 : DatagramHost.isIpv4(high, low) ? 4 : 16;
        int total = FIXED + addressLength + length;
        if (total > LONGEST || channel.writable() < total) {
            return false;
        }
        MemorySegment frame = channel.scratch();
        Bytes.put16LE(frame, 0, total);
        Bytes.put16LE(frame, 2, addressLength);
        switch (addressLength) {
            case 4 -> Bytes.put32(frame, 4, (int) low);
            case 16 -> {
                Bytes.put64(frame, 4, high);
                Bytes.put64(frame, 12, low);
            }
            default -> {}
        }
        int p = 4 + addressLength;
        Bytes.put16LE(frame, p, Math.max(0, port));
        Bytes.put16LE(frame, p + 2, 0);
        Bytes.put16LE(frame, p + 4, length);
        MemorySegment.copy(memory, at, frame, p + 6, length);
        return channel.write(frame, 0, total, 0, 0) == total;
    }

    /**
     * Takes what a channel has.
     *
     * @return {@link StreamSocket#WOULD_BLOCK} when more may come, {@link StreamSocket#END} at the end, {@link StreamSocket#FAILED} if
     *     it broke or what came is no datagram
     */
    int receive(Channel channel, Receiver receiver) {
        MemorySegment memory = channel.scratch();
        while (true) {
            byte[] begun = part;
            int n;
            if (begun != null) {
                n = channel.read(memory, 0, begun.length - got, 0, 0);
                if (n < 0) {
                    return n;
                }
                MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, begun, got, n);
                got += n;
                if (got == begun.length) {
                    part = null;
                    MemorySegment.copy(begun, 0, memory, ValueLayout.JAVA_BYTE, 0, got);
                    if (!deliver(memory, got, receiver)) {
                        return StreamSocket.FAILED;
                    }
                }
                continue;
            }
            n = channel.peek(memory, 0, 2);
            if (n < 2) {
                return n < 0 ? n : channel.mayHoldMore() ? StreamSocket.FAILED : StreamSocket.WOULD_BLOCK;
            }
            int total = Bytes.u16LE(memory, 0);
            if (total < FIXED) {
                return StreamSocket.FAILED;
            }
            n = channel.read(memory, 0, total, 0, 0);
            if (n < total) {
                begun = new byte[total];
                MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, 0, begun, 0, n);
                part = begun;
                got = n;
            } else if (!deliver(memory, total, receiver)) {
                return StreamSocket.FAILED;
            }
        }
    }

    private static boolean deliver(MemorySegment part, int total, Receiver receiver) {
        int addressLength = Bytes.u16LE(part, 2);
        int p = 4 + addressLength;
        if (addressLength != 0 && addressLength != 4 && addressLength != 16 || p + 6 > total) {
            return false;
        }
        int port = Bytes.u16LE(part, p);
        int zone = Bytes.u16LE(part, p + 2);
        int at = p + 4 + zone;
        if (at + 2 > total) {
            return false;
        }
        int length = Bytes.u16LE(part, at);
        if (at + 2 + length != total) {
            return false;
        }
        long high = addressLength == 0 ? 0 : addressLength == 4 ? IpHeader.MAPPED_HIGH : Bytes.i64(part, 4);
        long low = switch (addressLength) {
            case 4 -> IpHeader.mapped(Bytes.i32(part, 4));
            case 16 -> Bytes.i64(part, 12);
            default -> 0;
        };
        receiver.onDatagram(high, low, addressLength == 0 ? 0 : port, part, at + 2, length);
        return true;
    }
}
