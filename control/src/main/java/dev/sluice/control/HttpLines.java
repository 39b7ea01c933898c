package dev.sluice.control;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/** Reads a response while it comes, as lines or bytes: as {@link HttpServer} sends it, in chunks (RFC 9112 §7.1). */
final class HttpLines {
    private static final int MAX_LINE = 16 << 20;

    private HttpLines() {}

    /** Reads the head; its status. */
    static String head(InputStream in) throws IOException {
        String first = line(in);
        if (!first.matches("HTTP/1\\.1 [1-5][0-9]{2} .*")) {
            throw new ControlException("what listens there does not answer like a sluice");
        }
        while (!line(in).isEmpty()) {
            // nothing in the fields is of interest: a stream comes in chunks
        }
        return first.substring(9, 12);
    }

    /** Gives every line of the body to {@code lines}, until its last chunk. */
    static void forEach(InputStream in, Consumer<String> lines) throws IOException {
        ByteArrayOutputStream rest = new ByteArrayOutputStream();
        for (int size = size(in); size > 0; size = size(in)) {
            byte[] chunk = in.readNBytes(size);
            if (chunk.length < size || !line(in).isEmpty()) {
                throw new EOFException("the stream breaks off");
            }
            int from = 0;
            for (int i = 0; i < chunk.length; i++) {
                if (chunk[i] == '\n') {
                    rest.write(chunk, from, i - from);
                    lines.accept(rest.toString(StandardCharsets.UTF_8));
                    rest.reset();
                    from = i + 1;
                }
            }
            rest.write(chunk, from, chunk.length - from);
            if (rest.size() > MAX_LINE) {
                throw new IOException("a line without end");
            }
        }
    }

    /** Writes the body to {@code out} as it comes, until its last chunk. */
    static void copy(InputStream in, OutputStream out) throws IOException {
        byte[] piece = new byte[64 << 10];
        for (int left = size(in); left > 0; left = size(in)) {
            while (left > 0) {
                int n = in.read(piece, 0, Math.min(left, piece.length));
                if (n < 0) {
                    throw new EOFException("the stream breaks off");
                }
                out.write(piece, 0, n);
                left -= n;
            }
            out.flush();
            if (!line(in).isEmpty()) {
                throw new EOFException("the stream breaks off");
            }
        }
    }

    private static int size(InputStream in) throws IOException {
        String text = line(in);
        if (!text.matches("[0-9a-fA-F]{1,7}")) {
            throw new EOFException("the stream breaks off");
        }
        return Integer.parseInt(text, 16);
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int c = in.read(); c != '\n'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the stream breaks off");
            }
            if (c != '\r') {
                text.append((char) c);
            }
            if (text.length() > HttpConnection.MAX_HEAD) {
                throw new IOException("a line without end");
            }
        }
        return text.toString();
    }
}
