package dev.sluice.bench.streamlink;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A guest's end of a stream link: a Unix socket and the length before each frame. One thread's at a time. */
final class GuestLink implements AutoCloseable {
    /** The two ways to write a length: QEMU's 32 bits big-endian, vmnet's 16 bits little-endian. */
    enum Kind {
        QEMU(4),
        VMNET(2);

        final int prefix;

        Kind(int prefix) {
            this.prefix = prefix;
        }

        void putLength(MemorySegment s, long at, int length) {
            if (this == QEMU) {
                Bytes.put32(s, at, length);
            } else {
                Bytes.put16LE(s, at, length);
            }
        }

        int length(MemorySegment s, long at) {
            return this == QEMU ? Bytes.i32(s, at) : Bytes.u16LE(s, at);
        }
    }

    private static final int PATIENCE_MILLIS = 100;
    /** What a QEMU guest calls itself: 52:54:00:00:00:01. */
    private static final long QEMU_MAC = 0x5254_0000_0001L;

    private static final int INIT = 49;
    private static final int COMMAND = 41;
    private static final int RESPONSE = 258;

    final Kind kind;
    /** The hardware address to send from. */
    final long mac;

    private final int fd;

    private GuestLink(Kind kind, int fd, long mac) {
        this.kind = kind;
        this.fd = fd;
        this.mac = mac;
    }

    /** Connects to where a gateway listens. @param address to ask for, where the link gives one */
    static GuestLink connect(Kind kind, String path, Ipv4Address address) throws IOException {
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment name = arena.allocate(SocketAddress.CAPACITY);
            require(fd, "socket");
            require(Sockets.connect(fd, name, SocketAddress.writeUnix(name, 0, path)), "connect to " + path);
            return new GuestLink(kind, fd, kind == Kind.QEMU ? QEMU_MAC : greet(fd, address, arena));
        }
    }

    /** The vmnet handshake, version 22; all integers little-endian. Returns the hardware address we were given. */
    private static long greet(int fd, Ipv4Address address, Arena arena) throws IOException {
        MemorySegment s = arena.allocate(RESPONSE);
        s.asSlice(0, INIT).fill((byte) '0');
        MemorySegment.copy(MemorySegment.ofArray(new byte[] {'V', 'M', 'N', '3', 'T', 22, 0, 0, 0}), 0, s, 0, 9);
        all(fd, s, INIT, true);
        all(fd, s, INIT, false);
        s.fill((byte) 0);
        Bytes.put8(s, 0, 8); // an Ethernet link with this address and, as it has no name, a made-up one
        Bytes.put32LE(s, 37, address.bits());
        all(fd, s, COMMAND, true);
        all(fd, s, RESPONSE, false);
        if (Bytes.u8(s, 0) != 1) {
            throw new IOException("the gateway refused the vmnet link");
        }
        return Bytes.u48(s, 5);
    }

    private static void all(int fd, MemorySegment s, int length, boolean write) throws IOException {
        for (int done = 0; done < length; ) {
            int n = write ? Io.write(fd, s, done, length - done) : Io.read(fd, s, done, length - done);
            if (n == -Errno.EAGAIN) {
                Poll.await(fd, write ? Poll.OUT : Poll.IN, PATIENCE_MILLIS);
            } else if (n == 0) {
                throw new IOException("the gateway ended the vmnet handshake");
            } else {
                done += require(n, "vmnet handshake");
            }
        }
    }

    /** Bytes written, maybe none. */
    int write(MemorySegment s, long at, int length) throws IOException {
        int n = Io.write(fd, s, at, length);
        return n == -Errno.EAGAIN ? 0 : require(n, "write to the link");
    }

    /** Bytes read, maybe none. */
    int read(MemorySegment s, long at, int length) throws IOException {
        int n = Io.read(fd, s, at, length);
        if (n == 0) {
            throw new IOException("the gateway closed the link");
        }
        return n == -Errno.EAGAIN ? 0 : require(n, "read from the link");
    }

    /** Waits a moment for data to read or, if asked to, for room to write. */
    void await(boolean room) {
        Poll.await(fd, room ? Poll.IN | Poll.OUT : Poll.IN, PATIENCE_MILLIS);
    }

    private static int require(int result, String what) throws IOException {
        if (result < 0) {
            throw new IOException(what + ": " + Errno.text(-result));
        }
        return result;
    }

    @Override
    public void close() {
        Io.close(fd);
    }
}
