package dev.sluice.host;

import java.lang.foreign.MemorySegment;

/**
 * Sends ICMP echo requests under an identifier of its own and receives the replies to it (icmp(7)); owned by one loop and used on
 * its thread only. Nothing here throws.
 */
public interface PingSocket {

    /**
     * Sends one echo request at once. The guest's message is not changed; the identifier and checksum on the wire are the host's.
     *
     * @param high the destination address, with {@code low}, as in {@link DatagramHost}
     * @param timeToLive 1–255
     * @param memory the echo request (of the socket's family) from its ICMP header on
     * @param length header and data, 8–65,515 bytes
     * @return 0, or the host's error number
     */
    int send(long high, long low, int timeToLive, int typeOfService, MemorySegment memory, long at, int length);

    /** Closes; no event follows. Idempotent. */
    void close();

    /**
     * Told on the loop's thread. Memory is valid during the call only, starts with an ICMP echo header that carries the host's
     * identifier and a checksum that fits it (over ICMPv6, and thus the pseudo header, it fits nothing), and has {@link DatagramHost#HEADROOM} writable bytes before it.
     */
    interface Events {
        /** An echo reply of {@code length} bytes from the given address. */
        void onReply(long high, long low, int typeOfService, MemorySegment memory, long at, int length);

        /**
         * A request sent before went nowhere.
         *
         * @param errno the host's error number
         * @param icmpType as in {@link DatagramSocket.Events#onError}
         * @param mtu the next-hop MTU with "fragmentation needed", else 0
         * @param offenderHigh who reported it, with {@code offenderLow}; both 0 if the host itself
         * @param high the request's destination, with {@code low}
         * @param length how much of the request is at {@code at}, its header included; at least 8
         */
        void onError(
                int errno,
                int icmpType,
                int icmpCode,
                int mtu,
                long offenderHigh,
                long offenderLow,
                long high,
                long low,
                MemorySegment memory,
                long at,
                int length);
    }
}
