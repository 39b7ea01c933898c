package dev.sluice.control;

import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.BodyScan;
import dev.sluice.gateway.http.Framing;
import dev.sluice.gateway.http.HeadScan;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One client: reads requests one after the other and writes their responses. On a thread of its own, which blocks. */
final class HttpConnection {
    /** Longest request line with all header fields. */
    static final int MAX_HEAD = 16 << 10;
    /** Longest request body, without what frames its chunks, unless the handler takes less. */
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
                last = serve(head);
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
    private HttpResponse.@Nullable Body serve(byte[] bytes) throws IOException {
        HttpHead head;
        byte[] body;
        try {
            if (bytes.length > MAX_HEAD) {
                throw new BadMessage(431, "the head is longer than " + MAX_HEAD + " bytes");
            }
            head = HttpHead.parse(bytes);
            if (head.framing() instanceof Framing.Length(long length)) {
                limit(length);
            }
            HttpResponse refusal = handler.refusal(head);
            if (refusal != null) {
                return refuse(refusal);
            }
            if (head.expectsContinue()) {
                write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            }
            body = readBody(head.framing());
        } catch (BadMessage e) {
            return refuse(handler.mistake(e.status(), e.reason()));
        }
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
                boolean chunks = head.takesChunks();
                write(response.encode(withBody, true, chunks));
                if (withBody) {
                    stream(source, chunks);
                }
                return response.body();
            }
            case HttpResponse.Bytes whole -> {
                write(response.encode(withBody, !head.keepsAlive()));
                return head.keepsAlive() ? null : whole;
            }
        }
    }

    private HttpResponse answer(HttpRequest request) {
        try {
            return handler.handle(request);
        } catch (HttpProblem e) {
            return e.response();
        } catch (RuntimeException
                | Error e) { // an Error, too: one request is no reason to leave the client without a word
            System.getLogger(HttpConnection.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            request.head().method() + " " + request.head().path() + " failed inside",
                            e);
            return handler.mistake(500, "this failed inside Sluice; its log has the details");
        }
    }

    /**
     * Sends a body as it is made, until it ends or the client leaves.
     *
     * @param chunks whether in chunks (RFC 9112 §7.1), or as it is, to a client of HTTP/1.0
     */
    private void stream(HttpResponse.Source source, boolean chunks) throws IOException {
        thread = Thread.currentThread();
        Thread.ofVirtual().name("control-stream").start(this::awaitLeaving);
        deadline = System.nanoTime() + NEVER;
        try {
            source.writeTo(new Pieces(chunks));
            renew();
            if (chunks) {
                write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            }
        } catch (InterruptedException _) {
            // It was cut, or has left.
        } catch (RuntimeException e) {
            System.getLogger(HttpConnection.class.getName())
                    .log(System.Logger.Level.WARNING, "a stream of the API failed inside", e);
        } finally {
            thread = null;
        }
    }

    private final class Pieces implements HttpResponse.Sink {
        private final boolean chunks;

        Pieces(boolean chunks) {
            this.chunks = chunks;
        }

        @Override
        public void write(byte[] piece) throws IOException {
            renew();
            HttpConnection.this.write(chunks ? chunk(piece) : piece);
            deadline = System.nanoTime() + NEVER;
        }

        private static byte[] chunk(byte[] piece) {
            byte[] size = (Integer.toHexString(piece.length) + "\r\n").getBytes(StandardCharsets.US_ASCII);
            byte[] chunk = new byte[size.length + piece.length + 2];
            System.arraycopy(size, 0, chunk, 0, size.length);
            System.arraycopy(piece, 0, chunk, size.length, piece.length);
            chunk[chunk.length - 2] = '\r';
            chunk[chunk.length - 1] = '\n';
            return chunk;
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
     * Up to and with the empty line, or what cannot be part of any head; nothing at the end of the stream; more than {@link #MAX_HEAD}
     * bytes if there is no empty line within that.
     */
    private byte[] readHead() throws IOException {
        HeadScan scan = new HeadScan();
        int scanned = 0;
        while (true) {
            for (; scanned < input.remaining(); scanned++) {
                if (scan.ends(input.get(input.position() + scanned))) {
                    byte[] head = new byte[scanned + 1];
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

    private void limit(long length) throws BadMessage {
        if (length > handler.maxBody()) {
            throw new BadMessage(413, "a body may have " + handler.maxBody() + " bytes, not " + length);
        }
    }

    /** The content of a body; what frames its chunks, and trailers, are left out (RFC 9112 §7.1.3). */
    private byte[] readBody(Framing framing) throws IOException, BadMessage {
        BodyScan scan = new BodyScan();
        scan.begin(framing);
        MemorySegment memory = MemorySegment.ofArray(input.array());
        byte[] body = {};
        int size = 0;
        while (!scan.isDone()) {
            if (scan.ahead() > 0) {
                limit(size + scan.ahead());
                int more = (int) scan.ahead();
                if (size + more > body.length) {
                    body = Arrays.copyOf(body, Math.max(size + more, Math.min(2 * size, handler.maxBody())));
                }
                read(body, size, more);
                scan.pass(more);
                size += more;
            } else {
                if (!input.hasRemaining() && !fill()) {
                    throw new EOFException();
                }
                scan.take(memory, input.position(), 1);
                if (scan.isBroken()) {
                    throw new BadMessage(400, "a body in chunks that are none");
                }
                input.get();
            }
        }
        return body.length == size ? body : Arrays.copyOf(body, size);
    }

    private void read(byte[] to, int from, int length) throws IOException {
        int got = Math.min(length, input.remaining());
        input.get(to, from, got);
        ByteBuffer rest = ByteBuffer.wrap(to, from + got, length - got);
        while (rest.hasRemaining()) {
            if (stream.read(rest) < 0) {
                throw new EOFException();
            }
        }
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
