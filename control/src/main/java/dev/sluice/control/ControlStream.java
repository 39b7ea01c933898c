package dev.sluice.control;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** An answer of bytes that comes piece by piece, for as long as it goes on. One thread reads; any may {@link #close}. */
public final class ControlStream implements AutoCloseable {
    private static final int BUFFER = 256 << 10;

    private final SocketChannel channel;
    private final InputStream in;
    private volatile boolean closed;

    private ControlStream(SocketChannel channel) {
        this.channel = channel;
        this.in = new BufferedInputStream(Channels.newInputStream(channel), BUFFER);
    }

    /** Connects and asks; the answer has not been read yet. */
    static ControlStream open(Path socket, String path) throws IOException {
        SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket));
        ByteBuffer request = ByteBuffer.wrap(("GET " + path + " HTTP/1.1\r\nHost: sluice\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII));
        while (request.hasRemaining()) {
            channel.write(request);
        }
        return new ControlStream(channel);
    }

    InputStream input() {
        return in;
    }

    /**
     * Copies the body until its end, or until this is closed.
     *
     * @return true if the server ended it
     * @throws IOException if {@code out} takes no more, or the server is gone
     */
    public boolean copyTo(OutputStream out) throws IOException {
        try {
            HttpLines.copy(in, out);
            return true;
        } catch (IOException e) {
            if (closed) {
                return false;
            }
            throw e;
        } finally {
            out.flush();
        }
    }

    /** Asks for its end, from any thread: what there is still comes, and then {@link #copyTo} returns. */
    public void finish() throws IOException {
        channel.shutdownOutput();
    }

    /** Ends it, from any thread; {@link #copyTo} then returns. */
    @Override
    public void close() {
        closed = true;
        try {
            channel.close();
        } catch (IOException e) {
            // it is gone either way
        }
    }
}
