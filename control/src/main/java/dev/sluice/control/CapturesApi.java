package dev.sluice.control;

import dev.sluice.gateway.Captures;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Rule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/**
 * {@code /v1/captures}: what is recorded; {@code /live} sends what passes from now on, {@code /rings/NAME} what a rule's ring holds, as
 * capture files. A capture ends when its client leaves.
 */
final class CapturesApi {
    private static final int WHOLE = 262_144;

    private final ControlBackend backend;

    CapturesApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/captures", request -> {
                    request.query().end();
                    return HttpResponse.json(backend.captures().status());
                })
                .on("POST", "/v1/captures/rings", request -> {
                    request.query().end();
                    backend.captures().keepRings();
                    return HttpResponse.json(backend.captures().status());
                })
                .on("GET", "/v1/captures/live", this::live)
                .on("GET", "/v1/captures/rings/{name}", this::ring);
    }

    private HttpResponse live(HttpRequest request) throws IOException {
        Query query = request.query();
        String filter = query.text("filter", "");
        CaptureFormat format = format(query);
        long count = number(query, "count", 0, Long.MAX_VALUE);
        int snap = (int) number(query, "snap", WHOLE, WHOLE);
        query.end("filter", "format", "count", "snap");
        Captures captures = checked(filter);
        return stream(() -> captures.live(filter, snap), format, count);
    }

    private HttpResponse ring(HttpRequest request) throws IOException {
        Query query = request.query();
        String filter = query.text("filter", "");
        CaptureFormat format = format(query);
        long count = number(query, "count", 0, Long.MAX_VALUE);
        boolean follow = follow(query);
        query.end("filter", "format", "count", "follow");
        Rule rule = rule(request.parameter("name"));
        Captures captures = checked(filter);
        return stream(() -> captures.ring(rule, filter, follow), format, count);
    }

    /** What can be told before the answer begins. */
    private Captures checked(String filter) throws IOException {
        Captures captures = backend.captures();
        try {
            captures.check(filter);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), "filter");
        }
        return captures;
    }

    private static Rule rule(String name) {
        try {
            return Rule.of(name);
        } catch (IllegalArgumentException e) {
            throw new HttpProblem(404, String.valueOf(e.getMessage()), "name");
        }
    }

    private static CaptureFormat format(Query query) {
        try {
            return CaptureFormat.of(query.text("format", "pcapng"));
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), "format");
        }
    }

    private static boolean follow(Query query) {
        return switch (query.text("follow", "false")) {
            case "true" -> true;
            case "false" -> false;
            default -> throw HttpProblem.bad("'follow' is true or false", "follow");
        };
    }

    private static long number(Query query, String name, long otherwise, long most) {
        String text = query.text(name, Long.toString(otherwise));
        if (!text.matches("[0-9]{1,18}") || Long.parseLong(text) > most) {
            throw HttpProblem.bad("'" + name + "' must be a number from 0 to " + most, name);
        }
        return Long.parseLong(text);
    }

    private interface Opener {
        CaptureSession open() throws IOException;
    }

    private static HttpResponse stream(Opener sessions, CaptureFormat format, long count) {
        return HttpResponse.stream(format.mediaType(), sink -> {
            try (CaptureSession session = sessions.open()) {
                sink.onWantNoMore(session::stop);
                session.run(format, new Pieces(sink), count);
            }
        });
    }

    /** Hands on what is written piece by piece. */
    private record Pieces(HttpResponse.Sink sink) implements WritableByteChannel {
        @Override
        public int write(ByteBuffer from) throws IOException {
            byte[] piece = new byte[from.remaining()];
            from.get(piece);
            if (piece.length > 0) { // an empty chunk would be the last
                sink.write(piece);
            }
            return piece.length;
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public void close() {}
    }
}
