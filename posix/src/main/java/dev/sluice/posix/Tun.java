package dev.sluice.posix;

import static dev.sluice.posix.Native.INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * TUN/TAP devices (Linux {@code Documentation/networking/tuntap.rst}). A device appears in the network namespace that the descriptor was
 * opened in, whoever calls {@link #attach} later, and vanishes with its last descriptor. Set-up calls: they throw.
 */
public final class Tun {
    public static final String DEVICE = "/dev/net/tun";
    public static final int IFF_TUN = 0x1;
    public static final int IFF_TAP = 0x2;
    public static final int IFF_MULTI_QUEUE = 0x100;
    public static final int IFF_NO_PI = 0x1000;
    public static final int IFF_VNET_HDR = 0x4000;

    /** Frames read may have unfinished transport checksums. Without it none of the others is allowed. */
    public static final int TUN_F_CSUM = 0x01;

    public static final int TUN_F_TSO4 = 0x02;
    public static final int TUN_F_TSO6 = 0x04;
    public static final int TUN_F_TSO_ECN = 0x08;
    public static final int TUN_F_UFO = 0x10;
    /** UDP segmentation, Linux 6.2 and newer; the kernel takes USO4 and USO6 only together. */
    public static final int TUN_F_USO4 = 0x20;

    public static final int TUN_F_USO6 = 0x40;
    public static final int TUN_F_USO = TUN_F_USO4 | TUN_F_USO6;

    /** {@code sizeof(struct virtio_net_hdr_v1)}, what {@link #setVnetHeaderSize} is mostly given. */
    public static final int VNET_HEADER = 12;

    /** Longest interface name in bytes. */
    public static final int NAME_LIMIT = 15;

    private static final long TUNSETIFF = 0x400454caL;
    private static final long TUNSETOFFLOAD = 0x400454d0L;
    private static final long TUNGETIFF = 0x800454d2L;
    private static final long TUNSETSNDBUF = 0x400454d4L;
    private static final long TUNSETVNETHDRSZ = 0x400454d8L;
    private static final long SIOCSIFHWADDR = 0x8924;
    private static final long SIOCGIFHWADDR = 0x8927;
    private static final int ARPHRD_ETHER = 1;
    /** {@code struct ifreq}: the name, then a union that starts with flags or with a sockaddr. */
    private static final int IFREQ = 40;

    private static final int IFREQ_FLAGS = 16;
    private static final int IFREQ_MAC = 18;
    /** The address is the first six of these eight bytes. */
    private static final ValueLayout.OfLong MAC = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

    private static final Call IOCTL = Call.of("ioctl");

    private Tun() {}

    /** Opens the control device, non-blocking; attach it next. */
    public static int open() throws PosixException {
        return PosixException.check(Io.open(DEVICE, Io.O_RDWR | Io.O_NONBLOCK), "open(" + DEVICE + ")");
    }

    /**
     * Makes the interface, or joins an existing one.
     *
     * @param name wanted, at most {@value #NAME_LIMIT} bytes; {@code tap%d} lets the kernel number it
     * @param flags such as {@code IFF_TAP | IFF_NO_PI | IFF_VNET_HDR}
     * @return the name given
     */
    public static String attach(int fd, String name, int flags) throws PosixException {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (bytes.length > NAME_LIMIT) {
            throw new PosixException(
                    "the interface name '" + name + "' has " + bytes.length + " bytes, and the system allows "
                            + NAME_LIMIT,
                    Errno.ENAMETOOLONG);
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ, 8);
            MemorySegment.copy(bytes, 0, request, ValueLayout.JAVA_BYTE, 0, bytes.length);
            request.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS, (short) flags);
            PosixException.check(ioctl(fd, TUNSETIFF, request.address()), "TUNSETIFF(" + name + ")");
            return interfaceName(request);
        }
    }

    /** The name of an attached descriptor's interface, as it is called now. */
    public static String name(int fd) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ, 8);
            PosixException.check(ioctl(fd, TUNGETIFF, request.address()), "TUNGETIFF");
            return interfaceName(request);
        }
    }

    /** The {@code IFF_*} flags of an attached descriptor. */
    public static int flags(int fd) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ, 8);
            PosixException.check(ioctl(fd, TUNGETIFF, request.address()), "TUNGETIFF");
            return request.get(ValueLayout.JAVA_SHORT, IFREQ_FLAGS) & 0xffff;
        }
    }

    private static String interfaceName(MemorySegment request) {
        request.set(ValueLayout.JAVA_BYTE, NAME_LIMIT, (byte) 0);
        return request.getString(0);
    }

    /** Bytes of the virtio-net header before each frame; 10 until set. */
    public static void setVnetHeaderSize(int fd, int size) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocateFrom(INT, size);
            PosixException.check(ioctl(fd, TUNSETVNETHDRSZ, value.address()), "TUNSETVNETHDRSZ(" + size + ")");
        }
    }

    /** The interface's hardware address, in the low 48 bits. */
    public static long mac(int fd) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ, 8);
            PosixException.check(ioctl(fd, SIOCGIFHWADDR, request.address()), "SIOCGIFHWADDR");
            return request.get(MAC, IFREQ_MAC) >>> 16;
        }
    }

    /** Gives the interface a hardware address; works from outside its namespace too. */
    public static void setMac(int fd, long mac) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment request = arena.allocate(IFREQ, 8);
            request.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS, (short) ARPHRD_ETHER);
            request.set(MAC, IFREQ_MAC, mac << 16);
            PosixException.check(ioctl(fd, SIOCSIFHWADDR, request.address()), "SIOCSIFHWADDR");
        }
    }

    /** Says which super-segments and unfinished checksums the reader understands: a mask of {@code TUN_F_*}. */
    public static void setOffload(int fd, int mask) throws PosixException {
        PosixException.check(ioctl(fd, TUNSETOFFLOAD, mask), "TUNSETOFFLOAD(0x" + Integer.toHexString(mask) + ")");
    }

    /** Turns on checksum, TCP and, where the kernel has it, UDP offload; the mask that holds now. */
    public static int enableOffloads(int fd) throws PosixException {
        int base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
        int wanted = base | TUN_F_USO;
        if (ioctl(fd, TUNSETOFFLOAD, wanted) < 0) {
            wanted = base;
            setOffload(fd, wanted);
        }
        return wanted;
    }

    /** Bytes of written frames the kernel may hold for this device; without limit until set. */
    public static void setSendBuffer(int fd, int bytes) throws PosixException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocateFrom(INT, bytes);
            PosixException.check(ioctl(fd, TUNSETSNDBUF, value.address()), "TUNSETSNDBUF(" + bytes + ")");
        }
    }

    /** Zero or more, or negated errno. */
    static int ioctl(int fd, long request, long argument) {
        return IOCTL.call(fd, request, argument);
    }
}
