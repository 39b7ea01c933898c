package dev.sluice.posix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The names of libc's name service switch: getaddrinfo(3) and gethostbyaddr(3), which ask whatever nsswitch.conf(5) names. They block,
 * perhaps for many seconds: on platform threads made for it only.
 */
public final class NameService {
    /** There is no such name (EAI_NONAME), or not with such an address (EAI_NODATA, EAI_ADDRFAMILY). */
    private static final int NO_NAME = -2;

    private static final int NO_DATA = -5;
    private static final int NO_ADDRESS_FAMILY = -9;

    private static final int SOCK_STREAM = 1;
    /** Of struct addrinfo: flags, family, socktype, protocol, address length, address, canonical name, next. */
    private static final int ADDRINFO = 48;

    private static final int FAMILY = 4;
    private static final int TYPE = 8;
    private static final int ADDRESS = 24;
    private static final int NEXT = 40;
    private static final int MAX_ADDRESSES = 64;
    private static final int MAX_NAME = 256;

    private static final Call GETADDRINFO = Call.of("getaddrinfo");
    private static final Call FREEADDRINFO = Call.of("freeaddrinfo");
    private static final Call GETHOSTBYADDR = Call.of("gethostbyaddr");
    /** gethostbyaddr answers in memory of its own, the same each time. */
    private static final Object ONE_AT_A_TIME = new Object();

    private NameService() {}

    /**
     * The addresses of a name.
     *
     * @param name ASCII, not a number
     * @return empty if the name does not exist or has none of that family; null if that could not be found out
     */
    public static @Nullable List<InetAddress> addresses(String name, boolean ipv6) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment hints = arena.allocate(ADDRINFO, 8);
            hints.set(ValueLayout.JAVA_INT, FAMILY, ipv6 ? Sockets.AF_INET6 : Sockets.AF_INET);
            hints.set(ValueLayout.JAVA_INT, TYPE, SOCK_STREAM); // each address once
            MemorySegment node = arena.allocateFrom(name, StandardCharsets.US_ASCII);
            MemorySegment result = arena.allocate(8, 8);
            int r = (int) GETADDRINFO.raw(Native.state(), node.address(), 0, hints.address(), result.address(), 0, 0);
            if (r != 0) {
                return r == NO_NAME || r == NO_DATA || r == NO_ADDRESS_FAMILY ? List.of() : null;
            }
            long list = result.get(ValueLayout.JAVA_LONG, 0);
            try {
                return read(list, ipv6);
            } finally {
                int _ = FREEADDRINFO.call(list);
            }
        }
    }

    private static List<InetAddress> read(long list, boolean ipv6) {
        List<InetAddress> found = new ArrayList<>();
        for (long at = list; at != 0 && found.size() < MAX_ADDRESSES; ) {
            MemorySegment info = MemorySegment.ofAddress(at).reinterpret(ADDRINFO);
            MemorySegment address = MemorySegment.ofAddress(info.get(ValueLayout.JAVA_LONG, ADDRESS))
                    .reinterpret(SocketAddress.V6_LENGTH);
            byte[] bytes = new byte[ipv6 ? 16 : 4];
            MemorySegment.copy(address, ValueLayout.JAVA_BYTE, ipv6 ? 8 : 4, bytes, 0, bytes.length);
            try {
                found.add(InetAddress.getByAddress(bytes));
            } catch (UnknownHostException e) {
                throw new AssertionError("an address of 4 or 16 bytes", e);
            }
            at = info.get(ValueLayout.JAVA_LONG, NEXT);
        }
        return found;
    }

    /** The name of an address; null if it has none, or that could not be found out. */
    public static @Nullable String name(InetAddress address) {
        byte[] bytes = address.getAddress();
        int family = bytes.length == 4 ? Sockets.AF_INET : Sockets.AF_INET6;
        synchronized (ONE_AT_A_TIME) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment where = arena.allocate(bytes.length, 8);
                MemorySegment.copy(bytes, 0, where, ValueLayout.JAVA_BYTE, 0, bytes.length);
                long host = GETHOSTBYADDR.raw(Native.state(), where.address(), bytes.length, family, 0, 0, 0);
                if (host == 0) {
                    return null;
                }
                long name = MemorySegment.ofAddress(host).reinterpret(8).get(ValueLayout.JAVA_LONG, 0);
                MemorySegment text = MemorySegment.ofAddress(name).reinterpret(MAX_NAME);
                for (int length = 0; length < MAX_NAME; length++) {
                    if (text.get(ValueLayout.JAVA_BYTE, length) == 0) {
                        return new String(
                                text.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
                    }
                }
                return null;
            }
        }
    }
}
