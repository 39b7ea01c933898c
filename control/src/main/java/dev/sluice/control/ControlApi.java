package dev.sluice.control;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The endpoints: which path and method does what. */
final class ControlApi {
    /**
     * A whole request.
     *
     * @param body empty for none
     */
    record Request(HttpHead head, byte[] body) {}

    private final Map<String, Map<String, Function<Request, HttpResponse>>> endpoints = new TreeMap<>();

    ControlApi(ControlBackend backend) {
        on("GET", "/v1/status", _ -> HttpResponse.json(backend.status()));
        ForwardsApi forwards = new ForwardsApi(backend);
        on("GET", "/v1/forwards", _ -> forwards.list());
        on("POST", "/v1/forwards", forwards::add);
        on("DELETE", "/v1/forwards", forwards::remove);
    }

    private void on(String method, String path, Function<Request, HttpResponse> endpoint) {
        endpoints.computeIfAbsent(path, _ -> new TreeMap<>()).put(method, endpoint);
    }

    /** Answers any request; a fault in an endpoint becomes a problem document too. */
    HttpResponse handle(Request request) {
        Map<String, Function<Request, HttpResponse>> methods =
                endpoints.get(request.head().path());
        if (methods == null) {
            return HttpResponse.problem(
                    404,
                    "nothing at " + request.head().path() + "; known are " + String.join(", ", endpoints.keySet()));
        }
        String method = request.head().method();
        @Nullable Function<Request, HttpResponse> endpoint = methods.get(method.equals("HEAD") ? "GET" : method);
        if (endpoint == null) {
            String allowed = String.join(", ", methods.keySet());
            return HttpResponse.problem(405, method + " means nothing here; use " + allowed)
                    .with("Allow", allowed);
        }
        try {
            return endpoint.apply(request);
        } catch (RuntimeException e) {
            System.getLogger(ControlApi.class.getName())
                    .log(
                            System.Logger.Level.WARNING,
                            method + " " + request.head().path() + " failed inside",
                            e);
            return HttpResponse.problem(500, "this failed inside Sluice; its log has the details");
        }
    }
}
