package dev.sluice.wire;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The header that tells a server behind a proxy who its client is (the PROXY protocol, version 2, §2.2): signature, version and command,
 * family, length; then source and destination address and their ports.
 */
public final class ProxyHeader {
    /** Bytes of the longest, between IPv6 addresses. */
    public static final int MAX_LENGTH = 52;

    private static final byte[] SIGNATURE = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
    private static final int PREFIX = 16;
    private static final byte LOCAL = 0x20;
    private static final byte PROXY = 0x21;
    private static final byte TCP_OVER_IPV4 = 0x11;
    private static final byte TCP_OVER_IPV6 = 0x21;

    private ProxyHeader() {}

    /** Writes the header of a connection that has no addresses to tell, such as one from a Unix socket; its length. */
    public static int writeLocal(MemorySegment s, long at) {
        return prefix(s, at, LOCAL, (byte) 0, 0);
    }

    /** Writes the header of a connection from {@code source} to {@code destination}, as the client sees them; its length. */
    public static int write(
            MemorySegment s, long at, IpAddress source, int sourcePort, IpAddress destination, int destinationPort) {
        if (source instanceof Ipv4Address from && destination instanceof Ipv4Address to) {
            Bytes.put32(s, at + PREFIX, from.bits());
            Bytes.put32(s, at + PREFIX + 4, to.bits());
            Bytes.put16(s, at + PREFIX + 8, sourcePort);
            Bytes.put16(s, at + PREFIX + 10, destinationPort);
            return prefix(s, at, PROXY, TCP_OVER_IPV4, 12);
        }
        Bytes.put64(s, at + PREFIX, source.high());
        Bytes.put64(s, at + PREFIX + 8, source.low());
        Bytes.put64(s, at + PREFIX + 16, destination.high());
        Bytes.put64(s, at + PREFIX + 24, destination.low());
        Bytes.put16(s, at + PREFIX + 32, sourcePort);
        Bytes.put16(s, at + PREFIX + 34, destinationPort);
        return prefix(s, at, PROXY, TCP_OVER_IPV6, 36);
    }

    private static int prefix(MemorySegment s, long at, byte command, byte family, int length) {
        MemorySegment.copy(SIGNATURE, 0, s, ValueLayout.JAVA_BYTE, at, SIGNATURE.length);
        s.set(ValueLayout.JAVA_BYTE, at + 12, command);
        s.set(ValueLayout.JAVA_BYTE, at + 13, family);
        Bytes.put16(s, at + 14, length);
        return PREFIX + length;
    }
}
