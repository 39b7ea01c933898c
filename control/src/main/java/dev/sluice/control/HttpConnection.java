package dev.sluice.control;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One client: reads requests one after the other and writes their responses. On a thread of its own, which blocks. */
final class HttpConnection {
    /** Longest request line with all header fields. */
    static final int MAX_HEAD = 16 << 10;
    /** Longest request body. */
    static final int MAX_BODY = 1 << 20;

    private static final long NEVER = Long.MAX_VALUE / 2;

    private final HttpStream stream;
    private final HttpHandler handler;
    private final long patienceNanos;
    private final ByteBuffer input = ByteBuffer.allocate(MAX_HEAD).limit(0);
    /** When the client must have done its part, as {@link System#nanoTime}. */
    private volatile long deadline;

    private volatile @Nullable Thread thread;
    /** Ends the body that is being sent; null if only an interrupt does. */
    private volatile @Nullable Runnable wantNoMore;

    /** @param patienceNanos for a request to arrive whole, and again for a response, or a piece of one, to be taken */
    HttpConnection(HttpStream stream, HttpHandler handler, long patienceNanos) {
        this.stream = stream;
        this.handler = handler;
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
        stream.close();
        Thread waiting = thread;
        if (waiting != null) {
            waiting.interrupt();
        }
    }

    /**
     * Serves until the client leaves, asks for the end, or sends what cannot be understood; the stream is closed then. Or until it
     * is to be handed over.
     *
     * @return what is to be made of the stream; null if it is closed
     */
    HttpResponse.@Nullable Handover run() {
        HttpResponse.Body last = null;
        try {
            do {
                renew();
                byte[] head = readHead();
                if (head.length == 0) {
                    break;
                }
                last = switch (head.length > MAX_HEAD
                        ? new HttpParse.Refused(431, "the head is longer than " + MAX_HEAD + " bytes")
                        : HttpParse.head(head)) {
                    case HttpParse.Refused(int status, String detail) -> refuse(handler.mistake(status, detail));
                    case HttpHead request -> serve(request);
                };
            } while (last == null);
        } catch (IOException _) {
            // The client left in the middle, or was cut.
        } finally {
            if (!(last instanceof HttpResponse.Handover)) {
                stream.close();
            }
        }
        return last instanceof HttpResponse.Handover handover ? handover : null;
    }

    /** Null if another request may follow; else the last body. */
    private HttpResponse.@Nullable Body serve(HttpHead head) throws IOException {
        if (head.length() > MAX_BODY) {
            return refuse(handler.mistake(413, "a body may have " + MAX_BODY + " bytes, not " + head.length()));
        }
        HttpResponse refusal = handler.refusal(head);
        if (refusal != null) {
            return refuse(refusal);
        }
        if (head.expectsContinue() && head.length() > 0) {
            write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        byte[] body = readBody((int) head.length());
        // What is asked may take its time; the client's own part is done.
        deadline = System.nanoTime() + NEVER;
        HttpResponse response = answer(new HttpRequest(head, body, Map.of()));
        renew();
        boolean withBody = !head.method().equals("HEAD");
        switch (response.body()) {
            case HttpResponse.Handover handover -> {
                return handover;
            }
            case HttpResponse.Stream(var source) -> {
                write(response.encode(withBody, true));
                if (withBody) {
                    stream(source);
                }
                return response.body();
            }
            case HttpResponse.Bytes bytes -> {
                write(response.encode(withBody, !head.keepAlive()));
                return head.keepAlive() ? null : bytes;
            }
        }
    }

    private HttpResponse answer(HttpRequest request) {
        try {
            return handler.handle(request);
        } catch (HttpProblem e) {
            return e.response();
        } catch (RuntimeException e) {
            System.getLogger(HttpConnection.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            request.head().method() + " " + request.head().path() + " failed inside",
                            e);
            return handler.mistake(500, "this failed inside Sluice; its log has the details");
        }
    }

    /** Sends a body as it is made, in chunks (RFC 9112 §7.1), until it ends or the client leaves. */
    private void stream(HttpResponse.Source source) throws IOException {
        thread = Thread.currentThread();
        Thread.ofVirtual().name("control-stream").start(this::awaitLeaving);
        deadline = System.nanoTime() + NEVER;
        try {
            source.writeTo(new Chunks());
            renew();
            write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        } catch (InterruptedException _) {
            // It was cut, or has left.
        } catch (RuntimeException e) {
            System.getLogger(HttpConnection.class.getName())
                    .log(System.Logger.Level.WARNING, "a stream of the API failed inside", e);
        } finally {
            thread = null;
        }
    }

    private final class Chunks implements HttpResponse.Sink {
        @Override
        public void write(byte[] piece) throws IOException {
            renew();
            byte[] size = (Integer.toHexString(piece.length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
            byte[] chunk = new byte[size.length + piece.length + 2];
            System.arraycopy(size, 0, chunk, 0, size.length);
            System.arraycopy(piece, 0, chunk, size.length, piece.length);
            chunk[chunk.length - 2] = '\r';
            chunk[chunk.length - 1] = '\n';
            HttpConnection.this.write(chunk);
            deadline = System.nanoTime() + NEVER;
        }

        @Override
        public void onWantNoMore(Runnable end) {
            wantNoMore = end;
        }
    }

    /** Tells by the end of its requests that the client of a stream wants no more, as nothing may be there to write for long. */
    private void awaitLeaving() {
        ByteBuffer ignored = ByteBuffer.allocate(256);
        try {
            while (stream.read(ignored.clear()) >= 0) {
                // What it says now is of no interest.
            }
            Runnable end = wantNoMore;
            if (end != null) {
                renew(); // whatever the end is, it comes in time or not at all
                end.run();
                return;
            }
        } catch (IOException _) {
            // It is gone.
        }
        close();
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
            if (stream.read(rest) < 0) {
                throw new EOFException();
            }
        }
        return body;
    }

    private boolean fill() throws IOException {
        input.compact();
        if (stream.isShared()) {
            input.limit(input.position() + 1);
        }
        int n = stream.read(input);
        input.flip();
        return n >= 0;
    }

    private void write(byte[] bytes) throws IOException {
        stream.write(ByteBuffer.wrap(bytes));
    }

    /**
     * Answers, and throws away what the client still sends until it has seen the answer or the deadline comes: closing at once would
     * destroy the answer on its way.
     */
    private HttpResponse.Body refuse(HttpResponse response) throws IOException {
        renew();
        write(response.encode(true, true));
        stream.shutdownOutput();
        do {
            input.clear();
        } while (stream.read(input) >= 0);
        return response.body();
    }
}
