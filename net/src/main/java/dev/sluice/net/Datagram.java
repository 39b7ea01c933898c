package dev.sluice.net;

import dev.sluice.wire.IpAddress;

/** A UDP datagram and the other side's address; the payload array is the holder's own. */
public final class Datagram {
    /** Longest payload over IPv4; over IPv6 it could be 20 bytes longer. */
    public static final int MAX_PAYLOAD = 65_507;

    private final IpAddress address;
    private final int port;
    private final byte[] payload;

    /** @param payload not copied */
    public Datagram(IpAddress address, int port, byte[] payload) {
        this.address = address;
        this.port = port;
        this.payload = payload;
    }

    /** Who sent it, or who is to get it. */
    public IpAddress address() {
        return address;
    }

    /** Of the same side, 1–65535. */
    public int port() {
        return port;
    }

    /** The array itself, not a copy. */
    public byte[] payload() {
        return payload;
    }

    @Override
    public String toString() {
        return payload.length + " bytes, " + Endpoint.text(address, port);
    }
}
