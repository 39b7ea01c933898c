package dev.sluice.link;

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
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A guest's end of a link: blocking calls on a raw descriptor, each giving up after a minute. */
final class Peer implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 60_000;

    final int fd;
    private final MemorySegment buffer = Arena.ofAuto().allocate(70_000);

    Peer(int fd) {
        this.fd = fd;
    }

    /** Connects to a Unix socket. */
    static Peer connect(int type, String path) throws IOException {
        Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, type, 0));
        peer.connect(path);
        return peer;
    }

    void connect(String path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int result = Sockets.connect(fd, address, SocketAddress.writeUnix(address, 0, path));
            if (result < 0) {
                throw new IOException("connect: " + Errno.text(-result));
            }
        }
    }

    void bind(String path) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            int result = Sockets.bind(fd, address, SocketAddress.writeUnix(address, 0, path));
            if (result < 0) {
                throw new IOException("bind: " + Errno.text(-result));
            }
        }
    }

    /** Writes all of a stream, or one packet. */
    void write(byte[] bytes) throws IOException {
        MemorySegment source = Frames.segment(bytes);
        int done = 0;
        while (true) {
            int n = Io.write(fd, source, done, bytes.length - done);
            if (n == -Errno.EAGAIN) {
                await(Poll.OUT);
            } else if (n < 0) {
                throw new IOException("write: " + Errno.text(-n));
            } else {
                done += n;
                if (done == bytes.length) {
                    return;
                }
            }
        }
    }

    /** What is there: a packet, or some bytes of a stream. Empty at the end. */
    byte[] read() throws IOException {
        while (true) {
            int n = Io.read(fd, buffer, 0, buffer.byteSize());
            if (n >= 0) {
                return Frames.bytes(buffer, 0, n);
            } else if (n != -Errno.EAGAIN) {
                throw new IOException("read: " + Errno.text(-n));
            }
            await(Poll.IN);
        }
    }

    byte[] readExactly(int length) throws IOException {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            int n = Io.read(fd, buffer, 0, Math.min(buffer.byteSize(), length - done));
            if (n == 0) {
                throw new EOFException("after " + done + " of " + length + " bytes");
            } else if (n == -Errno.EAGAIN) {
                await(Poll.IN);
            } else if (n < 0) {
                throw new IOException("read: " + Errno.text(-n));
            } else {
                MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, 0, bytes, done, n);
                done += n;
            }
        }
        return bytes;
    }

    private void await(int events) throws IOException {
        if (Poll.await(fd, events, PATIENCE_MILLIS) == 0) {
            throw new IOException("nothing happened for a minute");
        }
    }

    static byte[] framed(Framing framing, byte[] frame) {
        return switch (framing) {
            case BE32 ->
                Frames.concat(ByteBuffer.allocate(4).putInt(frame.length).array(), frame);
            case LE16 ->
                Frames.concat(
                        ByteBuffer.allocate(2)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putShort((short) frame.length)
                                .array(),
                        frame);
        };
    }

    byte[] readFrame(Framing framing) throws IOException {
        return switch (framing) {
            case BE32 -> readExactly(ByteBuffer.wrap(readExactly(4)).getInt());
            case LE16 ->
                readExactly(ByteBuffer.wrap(readExactly(2))
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .getShort()
                        & 0xffff);
        };
    }

    @Override
    public void close() {
        Io.close(fd);
    }

    /** Runs {@code task} on a loop and waits for it. */
    static <T> T on(dev.sluice.loop.Loop loop, Callable<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                result.complete(task.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return result.get(60, TimeUnit.SECONDS);
    }
}
