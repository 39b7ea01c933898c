package dev.sluice.control;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.event.Subscription;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * {@code /v1/events}: what happens from now on as server-sent events (WHATWG HTML §9.2), each one a line of JSON; with {@code ?kind=}
 * (repeatable) only of those kinds. A client that does not take them in time is cut off, which the last event says if it still can.
 */
final class EventsApi {
    /** How often something is said when nothing happens, so that both sides notice when the other is gone. */
    private static final Duration HEARTBEAT = Duration.ofSeconds(15);
    /** Characters sent at a time, about. */
    private static final int PIECE = 32 << 10;

    private final ControlBackend backend;

    EventsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/events", this::listen);
    }

    private HttpResponse listen(HttpRequest request) throws IOException {
        Query query = request.query();
        Set<Event.Kind> kinds = EnumSet.noneOf(Event.Kind.class);
        for (String kind : query.all("kind")) {
            kinds.add(kind(kind));
        }
        query.end("kind");
        Set<Event.Kind> wanted = kinds.isEmpty() ? EnumSet.allOf(Event.Kind.class) : kinds;
        Events events = backend.events();
        if (events.size() >= Events.MAX_SUBSCRIPTIONS) {
            throw new HttpProblem(
                    503,
                    "there are " + Events.MAX_SUBSCRIPTIONS
                            + " listeners, as many as can be; try again when one has left",
                    "");
        }
        return HttpResponse.stream("text/event-stream", sink -> {
            try (Subscription subscription = events.subscribe(wanted)) {
                if (subscription == null) {
                    sink.write(HttpResponse.utf8(last("full")));
                } else {
                    sink.write(HttpResponse.utf8(": listening\n\n"));
                    send(subscription, sink);
                }
            }
        });
    }

    private static Event.Kind kind(String text) {
        for (Event.Kind kind : Event.Kind.values()) {
            if (kind.text().equals(text)) {
                return kind;
            }
        }
        String all = Arrays.stream(Event.Kind.values()).map(Event.Kind::text).collect(Collectors.joining(", "));
        throw HttpProblem.bad("'" + text + "' is no kind of event; there are " + all, "kind");
    }

    private static void send(Subscription subscription, HttpResponse.Sink sink)
            throws IOException, InterruptedException {
        StringBuilder piece = new StringBuilder();
        while (!subscription.isCut()) {
            Event event = subscription.next(HEARTBEAT);
            if (event == null) {
                piece.append(":\n\n");
            }
            while (event != null) {
                append(event, piece);
                event = piece.length() < PIECE ? subscription.next(Duration.ZERO) : null;
            }
            sink.write(HttpResponse.utf8(piece.toString()));
            piece.setLength(0);
        }
        sink.write(HttpResponse.utf8(last("slow")));
    }

    private static void append(Event event, StringBuilder out) {
        out.append("id: ")
                .append(event.id())
                .append("\nevent: ")
                .append(event.kind().text());
        out.append("\ndata: ").append(Json.line(event)).append("\n\n");
    }

    /** Says why there is no more. */
    private static String last(String reason) {
        return "event: cut\ndata: {\"reason\": \"" + reason + "\"}\n\n";
    }
}
