package dev.sluice.gateway.flow;

import java.lang.foreign.MemorySegment;

/** Sends IPv4 packets to guests; on the loop's thread. */
public interface Ipv4Output {
    /** Bytes that must be free before the transport header: Ethernet, IPv4 without options, and alignment. */
    int HEADROOM = 64;

    /** {@code checksumOffset} of a transport whose checksum is already complete. */
    int COMPLETE = -1;

    /**
     * Sends one datagram: writes the IPv4 and Ethernet headers into the headroom before {@code at}, fragments to the link's MTU if it
     * must, and hands it to the guest's link before returning.
     *
     * @param source the address it comes from, as bits
     * @param protocol IPv4 protocol number
     * @param timeToLive 1–255
     * @param typeOfService DSCP and ECN
     * @param memory native memory with {@link #HEADROOM} writable bytes before {@code at}
     * @param at where the transport header starts
     * @param length transport header and payload, up to 65,515 bytes
     * @param checksumOffset where in the transport header the checksum goes: it is made here (or left to the device) over
     *     pseudo header and data; or {@link #COMPLETE}
     * @return false if it was dropped, which has been counted
     */
    boolean send(
            Guest guest,
            int source,
            int protocol,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset);
}
