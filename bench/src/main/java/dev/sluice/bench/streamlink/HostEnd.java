package dev.sluice.bench.streamlink;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.concurrent.atomic.AtomicLong;

/** A server on the host's loopback that takes one connection and reads it, or writes to it, as fast as it can; on a thread of its own. */
final class HostEnd implements AutoCloseable {
    private static final int AT_ONCE = 256 * 1024;

    final Thread thread;
    private final boolean source;
    private final ServerSocketChannel listener;
    private final AtomicLong bytes = new AtomicLong();

    HostEnd(boolean source) throws IOException {
        this.source = source;
        listener = ServerSocketChannel.open();
        listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        thread = Thread.ofPlatform().name("host-end").daemon().start(this::run);
    }

    int port() throws IOException {
        return ((InetSocketAddress) listener.getLocalAddress()).getPort();
    }

    /** Bytes read or written so far. */
    long bytes() {
        return bytes.get();
    }

    private void run() {
        ByteBuffer buffer = ByteBuffer.allocateDirect(AT_ONCE);
        try (SocketChannel connection = listener.accept()) {
            for (int n = 0; n >= 0; ) {
                buffer.clear();
                n = source ? connection.write(buffer) : connection.read(buffer);
                bytes.lazySet(bytes.getPlain() + n);
            }
        } catch (IOException e) {
            // The guest's reset is how it ends.
        }
    }

    @Override
    public void close() throws IOException {
        listener.close();
    }
}
