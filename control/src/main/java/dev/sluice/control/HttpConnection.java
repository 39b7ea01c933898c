package dev.sluice.control;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** One client: reads requests one after the other and writes their responses. On a thread of its own, which blocks. */
final class HttpConnection {
    /** Longest request line with all header fields. */
    static final int MAX_HEAD = 16 << 10;
    /** Longest request body. */
    static final int MAX_BODY = 1 << 20;

    private final SocketChannel channel;
    private final ControlApi api;
    private final long patienceNanos;
    private final ByteBuffer input = ByteBuffer.allocate(MAX_HEAD).limit(0);
    /** When the client must have done its part, as {@link System#nanoTime}. */
    private volatile long deadline;

    /** @param patienceNanos for a request to arrive whole, and again for a response to be taken */
    HttpConnection(SocketChannel channel, ControlApi api, long patienceNanos) {
        this.channel = channel;
        this.api = api;
        this.patienceNanos = patienceNanos;
        renew();
    }

    private void renew() {
        deadline = System.nanoTime() + patienceNanos;
    }

    boolean isOverdue(long now) {
        return now - deadline > 0;
    }

    /** Cuts it, from any thread. */
    void close() {
        try {
            channel.close();
        } catch (IOException _) {
            // It is gone either way.
        }
    }

    /** Serves until the client leaves, asks for the end, or sends what cannot be understood. */
    void run() {
        try (channel) {
            boolean more = true;
            while (more) {
                renew();
                byte[] head = readHead();
                if (head.length == 0) {
                    return;
                }
                more = switch (head.length > MAX_HEAD
                        ? new HttpParse.Refused(431, "the head is longer than " + MAX_HEAD + " bytes")
                        : HttpParse.head(head)) {
                    case HttpParse.Refused(int status, String detail) -> {
                        refuse(HttpResponse.problem(status, detail));
                        yield false;
                    }
                    case HttpHead request -> serve(request);
                };
            }
        } catch (IOException _) {
            // The client left in the middle, or was cut.
        }
    }

    /** True if another request may follow. */
    private boolean serve(HttpHead head) throws IOException {
        if (head.length() > MAX_BODY) {
            refuse(HttpResponse.problem(413, "a body may have " + MAX_BODY + " bytes, not " + head.length()));
            return false;
        }
        if (head.expectsContinue() && head.length() > 0) {
            write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        }
        byte[] body = readBody((int) head.length());
        HttpResponse response = api.handle(new ControlApi.Request(head, body));
        renew();
        write(response.encode(!head.method().equals("HEAD"), !head.keepAlive()));
        return head.keepAlive();
    }

    /**
     * Up to and with the empty line; nothing at the end of the stream; more than {@link #MAX_HEAD} bytes if there is no empty line
     * within that.
     */
    private byte[] readHead() throws IOException {
        int scanned = 0;
        while (true) {
            for (; scanned + 4 <= input.remaining(); scanned++) {
                if (input.getInt(input.position() + scanned) == 0x0d0a0d0a) {
                    byte[] head = new byte[scanned + 4];
                    input.get(head);
                    return head;
                }
            }
            if (input.remaining() == input.capacity()) {
                return new byte[MAX_HEAD + 1];
            }
            if (!fill()) {
                if (input.hasRemaining()) {
                    throw new EOFException();
                }
                return new byte[0];
            }
        }
    }

    private byte[] readBody(int length) throws IOException {
        byte[] body = new byte[length];
        int got = Math.min(length, input.remaining());
        input.get(body, 0, got);
        ByteBuffer rest = ByteBuffer.wrap(body, got, length - got);
        while (rest.hasRemaining()) {
            if (channel.read(rest) < 0) {
                throw new EOFException();
            }
        }
        return body;
    }

    private boolean fill() throws IOException {
        input.compact();
        int n = channel.read(input);
        input.flip();
        return n >= 0;
    }

    private void write(byte[] bytes) throws IOException {
        ByteBuffer rest = ByteBuffer.wrap(bytes);
        while (rest.hasRemaining()) {
            channel.write(rest);
        }
    }

    /**
     * Answers, and throws away what the client still sends until it has seen the answer or the deadline comes: closing at once would
     * destroy the answer on its way.
     */
    private void refuse(HttpResponse response) throws IOException {
        renew();
        write(response.encode(true, true));
        channel.shutdownOutput();
        do {
            input.clear();
        } while (channel.read(input) >= 0);
    }

    /** For a client that cannot be served: a word instead of a closed door, if the socket takes it at once. */
    static void turnAway(SocketChannel channel, HttpResponse response) {
        try (channel) {
            channel.configureBlocking(false);
            channel.write(ByteBuffer.wrap(response.encode(true, true)));
        } catch (IOException _) {
            // Then without the word.
        }
    }
}
