package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** Sends UDP datagrams to guests: puts the UDP header in front and leaves the rest to {@link PacketOutput}. On the loop's thread. */
public final class UdpOutput {
    /** Bytes that must be free before a payload. */
    public static final int HEADROOM = PacketOutput.HEADROOM + UdpHeader.LENGTH;
    /** Largest payload over either family. */
    public static final int MAX_PAYLOAD = 65_507;

    private static final int TIME_TO_LIVE = 64;

    private final PacketOutput output;
    /** Room for one payload given as a Java array, made when first needed. */
    @Nullable
    private MemorySegment room;

    public UdpOutput(PacketOutput output) {
        this.output = output;
    }

    /**
     * Sends a payload where it lies; the {@link #HEADROOM} bytes before it are overwritten.
     *
     * @param sourceHigh the address it comes from, with {@code sourceLow}, as in {@link PacketOutput}
     * @return false if it was dropped, which has been counted
     */
    public boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            int guestPort,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length) {
        return send(guest, sourceHigh, sourceLow, sourcePort, guestPort, typeOfService, memory, at, length, length);
    }

    /**
     * Sends several payloads that lie back to back, each as a datagram.
     *
     * @param length of all together
     * @param size of each but the last, which may be shorter
     * @return false if they were dropped, which has been counted
     */
    boolean send(
            Guest guest,
            long sourceHigh,
            long sourceLow,
            int sourcePort,
            int guestPort,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int size) {
        long header = at - UdpHeader.LENGTH;
        int total = UdpHeader.LENGTH + length;
        UdpHeader.write(memory, header, sourcePort, guestPort, UdpHeader.LENGTH + size);
        return output.send(
                guest,
                sourceHigh,
                sourceLow,
                Ipv4Header.PROTOCOL_UDP,
                TIME_TO_LIVE,
                typeOfService,
                memory,
                header,
                total,
                UdpHeader.CHECKSUM);
    }

    /** How many datagrams {@code length} bytes are, if each but the last has {@code size}; one may be empty. */
    static int datagrams(int length, int size) {
        return length <= size ? 1 : (length + size - 1) / size;
    }

    /**
     * Sends a copy of an array, for services off the data path.
     *
     * @throws IllegalArgumentException if it is longer than {@link #MAX_PAYLOAD}
     */
    public boolean send(Guest guest, long sourceHigh, long sourceLow, int sourcePort, int guestPort, byte[] payload) {
        return send(guest, sourceHigh, sourceLow, sourcePort, guestPort, payload, payload.length);
    }

    /** The same of the first {@code length} bytes of a buffer. */
    public boolean send(
            Guest guest, long sourceHigh, long sourceLow, int sourcePort, int guestPort, byte[] buffer, int length) {
        if (length > MAX_PAYLOAD) {
            throw new IllegalArgumentException("a UDP payload has at most " + MAX_PAYLOAD + " bytes, not " + length);
        }
        if (room == null) {
            room = Arena.ofAuto().allocate(HEADROOM + MAX_PAYLOAD, 8);
        }
        MemorySegment.copy(buffer, 0, room, ValueLayout.JAVA_BYTE, HEADROOM, length);
        return send(guest, sourceHigh, sourceLow, sourcePort, guestPort, 0, room, HEADROOM, length);
    }
}
