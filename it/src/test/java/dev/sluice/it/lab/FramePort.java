package dev.sluice.it.lab;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;

/** A guest's end of a link to {@code sluice serve}, for frames made by hand. Blocking; one thread. */
public final class FramePort implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 60_000;

    /** How frames are told apart. */
    private enum Framing {
        BE32,
        LE16,
        PACKETS
    }

    private final int fd;
    private final Framing framing;
    private final MemorySegment buffer = Arena.ofAuto().allocate(70_000);

    private FramePort(int fd, Framing framing) {
        this.fd = fd;
        this.framing = framing;
    }

    /** Connects to a place that listens with {@code qemu:}. */
    public static FramePort qemu(Path socket) throws IOException {
        return connect(Sockets.STREAM, socket, Framing.BE32);
    }

    /** Connects a stream with 16-bit little-endian lengths; for {@code vmnet:} the handshake is still to be made. */
    public static FramePort vmnet(Path socket) throws IOException {
        return connect(Sockets.STREAM, socket, Framing.LE16);
    }

    public static FramePort bess(Path socket) throws IOException {
        return connect(Sockets.SEQPACKET, socket, Framing.PACKETS);
    }

    /** @param own the guest's own socket, which is made */
    public static FramePort vfkit(Path socket, Path own) throws IOException {
        FramePort port = new FramePort(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0), Framing.PACKETS);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            check("bind", Sockets.bind(port.fd, address, SocketAddress.writeUnix(address, 0, own.toString())));
        }
        port.connectTo(socket);
        return port;
    }

    private static FramePort connect(int type, Path socket, Framing framing) throws IOException {
        FramePort port = new FramePort(Sockets.socket(Sockets.AF_UNIX, type, 0), framing);
        port.connectTo(socket);
        return port;
    }

    private void connectTo(Path socket) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            check(
                    "connect to " + socket,
                    Sockets.connect(fd, address, SocketAddress.writeUnix(address, 0, socket.toString())));
        }
    }

    private static void check(String what, int result) {
        if (result < 0) {
            throw new AssertionError(what + ": " + Errno.text(-result));
        }
    }

    /** The descriptor, for a real stack on it; closing this port closes it. */
    public int fd() {
        return fd;
    }

    public void send(byte[] frame) throws IOException {
        switch (framing) {
            case BE32 ->
                write(ByteBuffer.allocate(4 + frame.length)
                        .putInt(frame.length)
                        .put(frame)
                        .array());
            case LE16 ->
                write(ByteBuffer.allocate(2 + frame.length)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .putShort((short) frame.length)
                        .put(frame)
                        .array());
            case PACKETS -> write(frame);
        }
    }

    /** Writes bytes as they are. */
    public void write(byte... bytes) throws IOException {
        for (int from = 0; from < bytes.length; ) {
            int length = (int) Math.min(buffer.byteSize(), bytes.length - from);
            MemorySegment.copy(bytes, from, buffer, ValueLayout.JAVA_BYTE, 0, length);
            int n = Sockets.send(fd, buffer, 0, length, Sockets.MSG_NOSIGNAL);
            if (n == -Errno.EAGAIN) {
                await(Poll.OUT, PATIENCE_MILLIS);
            } else if (n < 0) {
                throw new IOException("write: " + Errno.text(-n));
            } else {
                from += n;
            }
        }
    }

    /** The next frame. */
    public byte[] receive() throws IOException {
        return switch (framing) {
            case BE32 -> read(ByteBuffer.wrap(read(4)).getInt());
            case LE16 ->
                read(ByteBuffer.wrap(read(2)).order(ByteOrder.LITTLE_ENDIAN).getShort() & 0xffff);
            case PACKETS -> {
                int n;
                while ((n = Io.read(fd, buffer, 0, buffer.byteSize())) == -Errno.EAGAIN) {
                    await(Poll.IN, PATIENCE_MILLIS);
                }
                if (n < 0) {
                    throw new IOException("read: " + Errno.text(-n));
                }
                yield buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE);
            }
        };
    }

    /** Exactly so many bytes of a stream. */
    public byte[] read(int length) throws IOException {
        byte[] bytes = new byte[length];
        for (int done = 0; done < length; ) {
            int n = Io.read(fd, buffer, 0, Math.min(buffer.byteSize(), length - done));
            if (n == 0) {
                throw new EOFException("the stream ended after " + done + " of " + length + " bytes");
            } else if (n == -Errno.EAGAIN) {
                await(Poll.IN, PATIENCE_MILLIS);
            } else if (n < 0) {
                throw new IOException("read: " + Errno.text(-n));
            } else {
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, done, n);
                done += n;
            }
        }
        return bytes;
    }

    /** Reads on until the other side ends the stream; false if it has not within the deadline. */
    public boolean ended() {
        while (true) {
            int n = Io.read(fd, buffer, 0, buffer.byteSize());
            if (n == 0 || n == -Errno.ECONNRESET) {
                return true;
            } else if (n == -Errno.EAGAIN && Poll.await(fd, Poll.IN, PATIENCE_MILLIS) == 0) {
                return false;
            } else if (n < 0 && n != -Errno.EAGAIN) {
                throw new AssertionError("read: " + Errno.text(-n));
            }
        }
    }

    /** True if there is something to read now or soon. */
    public boolean readable(int millis) {
        return Poll.await(fd, Poll.IN, millis) != 0;
    }

    private void await(int events, int millis) throws IOException {
        if (Poll.await(fd, events, millis) == 0) {
            throw new IOException("nothing happened for " + millis / 1000 + " seconds");
        }
    }

    @Override
    public void close() {
        Io.close(fd);
    }
}
