package dev.sluice.fuzz;

import dev.sluice.control.HttpClients;
import dev.sluice.control.HttpHead;
import dev.sluice.control.HttpRequest;
import dev.sluice.control.HttpResponse;
import dev.sluice.control.HttpServer;
import dev.sluice.control.HttpStream;
import dev.sluice.control.Json;
import dev.sluice.gateway.http.BadMessage;
import dev.sluice.gateway.http.Framing;
import dev.sluice.wire.JsonReader;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** What clients of the control plane send: heads of requests, JSON, and whole connections. */
public final class Http {
    private static final int MOST = 1 << 20;

    private Http() {}

    /** The first byte says which. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        switch (input.u8() % 4) {
            case 0 -> head(input.rest());
            case 1 -> json(new String(input.rest(), StandardCharsets.UTF_8));
            default -> {
                int piece = 1 + input.u8();
                byte[] bytes = input.rest();
                Exchange plain = new Exchange(bytes, 1, true);
                Exchange cut = new Exchange(bytes, piece, false);
                Memory.require(plain.understood.equals(cut.understood), "what comes in pieces means the same");
                Memory.require(plain.answers().equals(cut.answers()), "what comes in pieces is answered the same");
            }
        }
    }

    /** A client that says what it has to say, and then hears the answers. */
    private static final class Exchange implements HttpStream {
        final List<String> understood = new ArrayList<>();
        private final ByteBuffer in;
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private final int piece;
        private final boolean shared;

        Exchange(byte[] bytes, int piece, boolean shared) {
            this.in = ByteBuffer.wrap(bytes);
            this.piece = piece;
            this.shared = shared;
            try (HttpClients clients = new HttpClients(1, HttpServer.PATIENCE)) {
                Memory.require(!clients.serve(this, this::handle), "nothing was handed over");
            }
        }

        private HttpResponse handle(HttpRequest request) {
            HttpHead head = request.head();
            String body = new String(request.body(), StandardCharsets.ISO_8859_1);
            Memory.require(body.length() <= MOST, "a body is bounded");
            understood.add(head.method() + " " + head.path() + "?" + head.query() + " " + body);
            return HttpResponse.of(200, "text/plain", new byte[0]);
        }

        String answers() {
            String text = out.toString(StandardCharsets.ISO_8859_1);
            Memory.require(text.isEmpty() || text.startsWith("HTTP/1.1 "), "an answer is one of HTTP");
            return text;
        }

        @Override
        public int read(ByteBuffer to) {
            int n = Math.min(Math.min(piece, to.remaining()), in.remaining());
            if (n == 0) {
                return in.hasRemaining() ? 0 : -1;
            }
            to.put(in.slice(in.position(), n));
            in.position(in.position() + n);
            return n;
        }

        @Override
        public void write(ByteBuffer from) {
            out.write(from.array(), from.arrayOffset() + from.position(), from.remaining());
        }

        @Override
        public void shutdownOutput() {}

        @Override
        public void close() {}

        @Override
        public boolean isShared() {
            return shared;
        }
    }

    private static void head(byte[] bytes) {
        try {
            HttpHead head = HttpHead.parse(bytes);
            Memory.require(
                    !(head.framing() instanceof Framing.Length(long n) && n < 0), "no body is of negative length");
            Memory.require(!(head.framing() instanceof Framing.UntilClose), "a request has an end");
            Memory.require(head.path().startsWith("/"), "a target is a path");
        } catch (BadMessage e) {
            Memory.require(e.status() >= 400 && e.status() < 600, "a refusal has a status");
            Memory.require(!e.reason().isEmpty(), "a refusal says why");
        }
    }

    private static void json(String text) {
        Object value;
        try {
            value = JsonReader.read(text);
        } catch (IllegalArgumentException e) {
            return; // Refused.
        }
        String written;
        try {
            written = Json.of(value);
        } catch (IllegalArgumentException e) {
            return; // A fraction, of which the API has none to write.
        }
        Memory.require(written.equals(Json.of(JsonReader.read(written))), "what is written reads the same");
    }
}
