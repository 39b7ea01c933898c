package dev.sluice.net;

import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;

/** A {@link TcpConnection} as a channel; buffers without an array go through a bounded copy. */
final class ConnectionChannel implements ByteChannel {
    private static final int COPY = 16 << 10;

    private final TcpConnection connection;

    ConnectionChannel(TcpConnection connection) {
        this.connection = connection;
    }

    @Override
    public int read(ByteBuffer target) throws NetException, ClosedChannelException {
        check();
        if (target.hasArray()) {
            int n = connection.read(target.array(), target.arrayOffset() + target.position(), target.remaining());
            target.position(target.position() + Math.max(0, n));
            return n;
        }
        byte[] copy = new byte[Math.min(COPY, target.remaining())];
        int n = connection.read(copy);
        target.put(copy, 0, Math.max(0, n));
        return n;
    }

    /** Writes all that remains, waiting for room; if that fails, the position stands behind what was taken. */
    @Override
    public int write(ByteBuffer source) throws NetException, ClosedChannelException {
        check();
        int all = source.remaining();
        if (source.hasArray()) {
            connection.write(source);
            return all;
        }
        ByteBuffer copy = ByteBuffer.allocate(Math.min(COPY, all));
        while (source.hasRemaining()) {
            int from = source.position();
            int n = Math.min(copy.capacity(), source.remaining());
            copy.clear().put(0, source, from, n).limit(n);
            try {
                connection.write(copy);
            } finally {
                source.position(from + copy.position());
            }
        }
        return all;
    }

    private void check() throws ClosedChannelException {
        if (connection.isClosedHere()) {
            throw new ClosedChannelException();
        }
    }

    @Override
    public boolean isOpen() {
        return !connection.isClosedHere();
    }

    @Override
    public void close() {
        connection.close();
    }
}
