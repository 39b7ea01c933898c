package dev.sluice.gateway.flow;

import java.lang.foreign.MemorySegment;

/** Sends IP packets to guests, of the family of the guest's address; on the loop's thread. */
public interface PacketOutput {
    /** Bytes that must be free before the transport header: Ethernet, IPv6, and alignment. */
    int HEADROOM = 64;

    /** {@code checksumOffset} of a transport whose checksum is already complete. */
    int COMPLETE = -1;

    /**
     * Sends one datagram: writes the IP and Ethernet headers into the headroom before {@code at}, fragments to the link's MTU if it
     * must, and hands it to the guest's link before returning.
     *
     * <p>A UDP header whose length field says less than {@code length} stands for several datagrams: their payloads follow back to back,
     * each as long as the field says, the last maybe shorter. They leave as one frame where the link can cut it.
     *
     * @param sourceHigh the address it comes from, with {@code sourceLow}, of the guest's family (IPv4 mapped)
     * @param protocol IP protocol number
     * @param hopLimit 1–255
     * @param trafficClass DSCP and ECN
     * @param memory native memory with {@link #HEADROOM} writable bytes before {@code at}
     * @param at where the transport header starts
     * @param length transport header and payload, up to 65,515 bytes (65,535 over IPv6)
     * @param checksumOffset where in the transport header the checksum goes: it is made here (or left to the device) over
     *     pseudo header and data; or {@link #COMPLETE}
     * @return false if it was dropped, which has been counted
     */
    boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int protocol,
            int hopLimit,
            int trafficClass,
            MemorySegment memory,
            long at,
            int length,
            int checksumOffset);
}
