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

    /** Writes all that remains, waiting for room. */
    @Override
    public int write(ByteBuffer source) throws NetException, ClosedChannelException {
        check();
        int all = source.remaining();
        if (source.hasArray()) {
            connection.write(source.array(), source.arrayOffset() + source.position(), all);
            source.position(source.limit());
            return all;
        }
        byte[] copy = new byte[Math.min(COPY, all)];
        while (source.hasRemaining()) {
            int n = Math.min(copy.length, source.remaining());
            source.get(copy, 0, n);
            connection.write(copy, 0, n);
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
