package dev.sluice.control;

import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * {@code /v1/flows}: GET lists them, with {@code ?guest=}, {@code ?protocol=}, {@code ?sort=id|rate|bytes} and {@code ?limit=};
 * {@code /v1/flows/{id}} shows one, and DELETE ends it.
 */
final class FlowsApi {
    private static final int DEFAULT_LIMIT = 1000;
    private static final int MAX_LIMIT = 100_000;

    private final ControlBackend backend;

    FlowsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/flows", this::list)
                .on("GET", "/v1/flows/{id}", request -> one(request, backend.flow(id(request))))
                .on("DELETE", "/v1/flows/{id}", request -> one(request, backend.cutFlow(id(request))));
    }

    private HttpResponse list(HttpRequest request) throws IOException {
        Query query = request.query();
        String guest = query.text("guest", "");
        IpAddress address = guest.isEmpty() ? null : StatusApi.address(guest, "guest");
        String protocol = query.text("protocol", "");
        Comparator<FlowInfo> order = order(query.text("sort", "id"));
        int limit = limit(query.text("limit", ""));
        query.end("guest", "protocol", "sort", "limit");
        if (!protocol.isEmpty() && !List.of("tcp", "udp", "ping").contains(protocol)) {
            throw HttpProblem.bad("'protocol' must be tcp, udp or ping", "protocol");
        }
        List<FlowInfo> all = backend.flows();
        List<FlowInfo> found = all.stream()
                .filter(flow -> address == null || flow.guest().equals(address))
                .filter(flow -> protocol.isEmpty()
                        || flow.protocol().name().toLowerCase(Locale.ROOT).equals(protocol))
                .sorted(order)
                .limit(limit)
                .toList();
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("flows", found);
        answer.put("total", all.size());
        return HttpResponse.json(answer);
    }

    private static Comparator<FlowInfo> order(String sort) {
        return switch (sort) {
            case "id" -> Comparator.comparingLong(FlowInfo::id);
            case "rate" ->
                Comparator.comparingLong((FlowInfo flow) -> flow.bytesPerSecondToHost() + flow.bytesPerSecondToGuest())
                        .reversed()
                        .thenComparingLong(FlowInfo::id);
            case "bytes" ->
                Comparator.comparingLong((FlowInfo flow) -> flow.bytesToHost() + flow.bytesToGuest())
                        .reversed()
                        .thenComparingLong(FlowInfo::id);
            default -> throw HttpProblem.bad("'sort' must be id, rate or bytes", "sort");
        };
    }

    private static int limit(String text) {
        if (text.isEmpty()) {
            return DEFAULT_LIMIT;
        }
        long limit = number(text);
        if (limit < 1 || limit > MAX_LIMIT) {
            throw HttpProblem.bad("'limit' must be a whole number within 1…" + MAX_LIMIT, "limit");
        }
        return (int) limit;
    }

    private static long id(HttpRequest request) {
        long id = number(request.parameter("id"));
        if (id < 0) {
            throw HttpProblem.bad("the id of a flow is a number, as 'sluice flows' shows it", "id");
        }
        return id;
    }

    /** -1 if it is none. */
    private static long number(String text) {
        return text.matches("[0-9]{1,18}") ? Long.parseLong(text) : -1;
    }

    private static HttpResponse one(HttpRequest request, Optional<FlowInfo> flow) {
        request.query().end();
        return flow.map(HttpResponse::json)
                .orElseThrow(
                        () -> new HttpProblem(404, "no flow has the id " + request.parameter("id") + " now", "id"));
    }
}
