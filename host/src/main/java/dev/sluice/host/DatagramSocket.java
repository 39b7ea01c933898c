package dev.sluice.host;

import java.lang.foreign.MemorySegment;

/** A non-blocking UDP socket of the host, unconnected, owned by one loop and used on its thread only. Nothing here throws. */
public interface DatagramSocket {

    /** Type given to {@link Events#onError} for an error the host found itself, without an ICMP message. */
    int LOCAL = -1;

    /**
     * Sends one datagram, at the latest at the end of this turn. The memory is the caller's again on return. What the host refuses is
     * dropped and told through {@link Events#onError}; what it has no room for is dropped.
     *
     * @param high the destination address, with {@code low}, as in {@link DatagramHost}
     * @param timeToLive 1–255
     * @param typeOfService DSCP and ECN, 0–255
     * @param length payload, 0–65,507 bytes
     * @return false if it was dropped at once (closed, too long, not an address this socket reaches)
     */
    boolean send(
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length);

    /**
     * Sends several datagrams to one peer, as that many {@link #send}, but cheaper: every {@code size} bytes are one, the last may be
     * shorter.
     *
     * @param length all payloads together, above 0
     * @param size above 0
     * @return false if some were dropped at once
     */
    default boolean sendDatagrams(
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int size) {
        boolean all = true;
        for (int from = 0; from < length; from += size) {
            all &= send(high, low, port, timeToLive, typeOfService, memory, at + from, Math.min(size, length - from));
        }
        return all;
    }

    /**
     * High half of our address that the datagrams being handed over came to, where the socket listens on every address; both halves 0
     * elsewhere. Of meaning during {@link Events#onDatagram} only.
     */
    default long toHigh() {
        return 0;
    }

    /** Low half of the same. */
    default long toLow() {
        return 0;
    }

    /** What is sent from now on comes from this one of our addresses; both halves 0 leaves that to the system. */
    default void from(long high, long low) {}

    /** The local port, or 0 while not bound. */
    int localPort();

    /** Sends what is queued and closes; no event follows. Idempotent. */
    void close();

    /** Told on the loop's thread. Memory is valid during the call only, with {@link DatagramHost#HEADROOM} writable bytes before it. */
    interface Events {
        /** A datagram from the given peer. */
        void onDatagram(long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length);

        /**
         * Several datagrams of one peer, back to back: every {@code size} bytes are one, the last may be shorter. As that many calls of
         * {@link #onDatagram}; with this one the headroom is before the first, and what was read of one may be overwritten for the next.
         *
         * @param length of all together, more than {@code size}
         */
        default void onDatagrams(
                long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length, int size) {
            for (int from = 0; from < length; from += size) {
                onDatagram(high, low, port, typeOfService, memory, at + from, Math.min(size, length - from));
            }
        }

        /**
         * A datagram sent before went nowhere, which UDP lets happen; of interest to whoever can tell its sender.
         *
         * @param errno the host's error number
         * @param icmpType the ICMP type the host received, or {@link #LOCAL}; an ICMPv6 error is told as the ICMPv4 error it
         *     corresponds to (RFC 7915 §5.2)
         * @param mtu the next-hop MTU with "fragmentation needed", else 0
         * @param offenderHigh who reported it, with {@code offenderLow}; both 0 if the host itself
         * @param high the datagram's destination, with {@code low} and {@code port}
         * @param length how much of the datagram's payload is at {@code at}; may be 0
         */
        default void onError(
                int errno,
                int icmpType,
                int icmpCode,
                int mtu,
                long offenderHigh,
                long offenderLow,
                long high,
                long low,
                int port,
                MemorySegment memory,
                long at,
                int length) {}

        /** The host had no room for this many datagrams; they are gone. */
        default void onDropped(int datagrams) {}
    }
}
