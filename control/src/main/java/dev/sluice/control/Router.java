package dev.sluice.control;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Finds who answers a request, by path and method. Filled once, then read by any thread. */
public final class Router implements HttpHandler {
    /** Answers the requests of one route. */
    @FunctionalInterface
    public interface Endpoint {
        /**
         * The answer.
         *
         * @throws IOException if it cannot be done now, saying why and what to do
         * @throws HttpProblem if the request is wrong
         */
        HttpResponse answer(HttpRequest request) throws IOException;
    }

    /** All that can be done with paths of one form. */
    private record Route(String template, String[] segments, Map<String, Endpoint> methods) {
        /** What stands for the {@code {names}}; null if the path is of another form. */
        @Nullable
        Map<String, String> match(String[] path) {
            if (path.length != segments.length) {
                return null;
            }
            Map<String, String> parameters = new HashMap<>();
            for (int i = 0; i < path.length; i++) {
                String segment = segments[i];
                if (segment.startsWith("{")) {
                    if (path[i].isEmpty()) {
                        return null;
                    }
                    String name = segment.substring(1, segment.length() - 1);
                    parameters.put(name, HttpRequest.decode(path[i], name));
                } else if (!segment.equals(path[i])) {
                    return null;
                }
            }
            return parameters;
        }
    }

    /** By template; those without parameters in a segment come before those with one there. */
    private final Map<String, Route> routes = new TreeMap<>();

    /**
     * Adds a route.
     *
     * @param template as {@code /v1/flows/{id}}; a parameter stands for one whole segment
     */
    public Router on(String method, String template, Endpoint endpoint) {
        routes.computeIfAbsent(template, _ -> new Route(template, template.split("/", -1), new TreeMap<>()))
                .methods()
                .put(method, endpoint);
        return this;
    }

    /** Every route, as {@code GET /v1/status}. */
    List<String> routes() {
        List<String> all = new ArrayList<>();
        routes.values()
                .forEach(route -> route.methods().keySet().forEach(method -> all.add(method + " " + route.template())));
        return all;
    }

    /** Answers any request. */
    @Override
    public HttpResponse handle(HttpRequest request) {
        HttpHead head = request.head();
        try {
            String[] path = head.path().split("/", -1);
            for (Route route : routes.values()) {
                Map<String, String> parameters = route.match(path);
                if (parameters != null) {
                    return answer(route, new HttpRequest(head, request.body(), parameters));
                }
            }
            return HttpResponse.problem(
                    404, "nothing at " + head.path() + "; known are " + String.join(", ", routes.keySet()));
        } catch (HttpProblem e) {
            return e.response();
        } catch (IOException e) {
            return HttpResponse.problem(503, String.valueOf(e.getMessage()));
        }
    }

    private static HttpResponse answer(Route route, HttpRequest request) throws IOException {
        String method = request.head().method();
        Endpoint endpoint = route.methods().get(method.equals("HEAD") ? "GET" : method);
        if (endpoint == null) {
            String allowed = String.join(", ", route.methods().keySet());
            return HttpResponse.problem(405, method + " means nothing here; use " + allowed)
                    .with("Allow", allowed);
        }
        return endpoint.answer(request);
    }
}
