package dev.sluice.control;

import dev.sluice.wire.IpAddress;
import java.io.IOException;

/** {@code /v1/explain?target=&guest=}: how a guest reaches a URL, {@code HOST:PORT} or name, step by step. May take some seconds for each. */
final class ExplainApi {
    private final ControlBackend backend;

    ExplainApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/explain", this::explain);
    }

    private HttpResponse explain(HttpRequest request) throws IOException {
        Query query = request.query();
        String target = query.text("target", "");
        String asker = query.text("guest", "");
        query.end("target", "guest");
        if (target.isEmpty()) {
            throw HttpProblem.bad("what? Say ?target=https://example.com/, example.com:25 or example.com", "target");
        }
        IpAddress guest = asker.isEmpty() ? null : StatusApi.address(asker, "guest");
        try {
            return HttpResponse.json(backend.explain(target, guest));
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), "target");
        }
    }
}
