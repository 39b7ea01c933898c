package dev.sluice.control;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;

/** A client's connection as bytes. One thread reads and writes, and blocks; any may {@link #close}, which wakes it. */
public interface HttpStream {
    /** At least one byte, or -1 at the end. */
    int read(ByteBuffer to) throws IOException;

    /** All of it. */
    void write(ByteBuffer from) throws IOException;

    /** Nothing more will be written. */
    void shutdownOutput() throws IOException;

    /** Ends both directions. Idempotent. */
    void close();

    /** Whether nothing may be read beyond a request, as what comes after may be for somebody else ({@link HttpResponse.Handover}). */
    default boolean isShared() {
        return false;
    }

    static HttpStream of(SocketChannel channel) {
        return new HttpStream() {
            @Override
            public int read(ByteBuffer to) throws IOException {
                return channel.read(to);
            }

            @Override
            public void write(ByteBuffer from) throws IOException {
                while (from.hasRemaining()) {
                    channel.write(from);
                }
            }

            @Override
            public void shutdownOutput() throws IOException {
                channel.shutdownOutput();
            }

            @Override
            public void close() {
                try {
                    channel.close();
                } catch (IOException _) {
                    // It is gone either way.
                }
            }
        };
    }

    /** Over a pair of streams, whose closing wakes whoever reads or writes. Nothing is read beyond a request. */
    static HttpStream of(InputStream in, OutputStream out) {
        return new HttpStream() {
            @Override
            public int read(ByteBuffer to) throws IOException {
                int n = in.read(to.array(), to.arrayOffset() + to.position(), to.remaining());
                to.position(to.position() + Math.max(0, n));
                return n;
            }

            @Override
            public void write(ByteBuffer from) throws IOException {
                out.write(from.array(), from.arrayOffset() + from.position(), from.remaining());
                out.flush();
                from.position(from.limit());
            }

            @Override
            public void shutdownOutput() throws IOException {
                out.close();
            }

            @Override
            public void close() {
                for (AutoCloseable each : List.of(in, out)) {
                    try {
                        each.close();
                    } catch (Exception _) {
                        // It is gone either way.
                    }
                }
            }

            @Override
            public boolean isShared() {
                return true;
            }
        };
    }
}
