package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Guest;
import java.lang.foreign.MemorySegment;

/** Something of the gateway itself that listens on a UDP port of the gateway's address. */
@FunctionalInterface
public interface LocalDatagramService {
    /**
     * A guest's datagram; on the loop's thread, must not block. Answer through {@link UdpOutput}, now or later.
     *
     * @param sourcePort the guest's port, where answers go
     * @param high which of the gateway's addresses was asked, with {@code low}: where answers come from
     * @param memory holds the payload at {@code at} during this call only
     * @param length payload bytes, 0–65,507
     */
    void onDatagram(Guest guest, int sourcePort, long high, long low, MemorySegment memory, long at, int length);
}
