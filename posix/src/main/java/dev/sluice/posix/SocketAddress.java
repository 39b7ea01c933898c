package dev.sluice.posix;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * {@code struct sockaddr_in}, {@code sockaddr_in6} and {@code sockaddr_un} in native memory. Addresses are big-endian integers
 * (127.0.0.1 is 0x7F000001), ports 0–65535. Writers return the length the socket calls want.
 */
public final class SocketAddress {
    /** Room for any address: {@code sizeof(struct sockaddr_storage)}. */
    public static final int CAPACITY = 128;

    public static final int V4_LENGTH = 16;
    public static final int V6_LENGTH = 28;
    public static final int VSOCK_LENGTH = 16;
    /** Longest path of a Unix socket in bytes, the closing zero not counted. */
    public static final int UNIX_PATH_LIMIT = 107;

    private static final ValueLayout.OfShort FAMILY = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfInt NATIVE32 = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort BE16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfInt BE32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
    private static final ValueLayout.OfLong BE64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private SocketAddress() {}

    /** Writes 16 bytes. */
    public static int writeV4(MemorySegment s, long at, int bits, int port) {
        s.set(FAMILY, at, (short) Sockets.AF_INET);
        s.set(BE16, at + 2, (short) port);
        s.set(BE32, at + 4, bits);
        s.set(BE64, at + 8, 0);
        return V4_LENGTH;
    }

    /**
     * Writes 28 bytes.
     *
     * @param scope interface index of a link-local address, else 0
     */
    public static int writeV6(MemorySegment s, long at, long high, long low, int port, int scope) {
        s.set(FAMILY, at, (short) Sockets.AF_INET6);
        s.set(BE16, at + 2, (short) port);
        s.set(BE32, at + 4, 0);
        s.set(BE64, at + 8, high);
        s.set(BE64, at + 16, low);
        s.set(NATIVE32, at + 24, scope);
        return V6_LENGTH;
    }

    /** The context id of "whoever connects" (vsock(7)). */
    public static final int VSOCK_ANY = -1;

    /** Writes 16 bytes: a port of a virtual machine's socket to its host (vsock(7)). */
    public static int writeVsock(MemorySegment s, long at, int context, int port) {
        s.set(FAMILY, at, (short) Sockets.AF_VSOCK);
        s.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + 2, (short) 0);
        s.set(NATIVE32, at + 4, port);
        s.set(NATIVE32, at + 8, context);
        s.set(NATIVE32, at + 12, 0);
        return VSOCK_LENGTH;
    }

    /**
     * Writes a Unix socket's path; for the abstract namespace let it start with a zero character. Slow path: allocates.
     *
     * @throws PosixException if the path has more than {@value #UNIX_PATH_LIMIT} bytes
     */
    public static int writeUnix(MemorySegment s, long at, String path) throws PosixException {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > UNIX_PATH_LIMIT) {
            throw new PosixException(
                    "the socket path " + path + " has " + bytes.length + " bytes, and the system allows "
                            + UNIX_PATH_LIMIT + "; use a shorter directory",
                    Errno.ENAMETOOLONG);
        }
        s.set(FAMILY, at, (short) Sockets.AF_UNIX);
        MemorySegment.copy(bytes, 0, s, ValueLayout.JAVA_BYTE, at + 2, bytes.length);
        if (bytes.length > 0 && bytes[0] == 0) {
            return 2 + bytes.length;
        }
        s.set(ValueLayout.JAVA_BYTE, at + 2 + bytes.length, (byte) 0);
        return 3 + bytes.length;
    }

    /** AF_INET, AF_INET6, AF_UNIX; 0 where no address was written. */
    public static int family(MemorySegment s, long at) {
        return s.get(FAMILY, at) & 0xffff;
    }

    /** Port of an IPv4 or IPv6 address. */
    public static int port(MemorySegment s, long at) {
        return s.get(BE16, at + 2) & 0xffff;
    }

    public static int v4(MemorySegment s, long at) {
        return s.get(BE32, at + 4);
    }

    public static long v6High(MemorySegment s, long at) {
        return s.get(BE64, at + 8);
    }

    public static long v6Low(MemorySegment s, long at) {
        return s.get(BE64, at + 16);
    }

    public static int v6Scope(MemorySegment s, long at) {
        return s.get(NATIVE32, at + 24);
    }

    /** Marks the place as holding no address. */
    static void clear(MemorySegment s) {
        s.set(FAMILY, 0, (short) 0);
    }
}
