package dev.sluice.control;

import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * {@code /v1/forwards}: GET lists them; POST with {@code {"forwards": ["8080:80", …]}} opens some, all or none; DELETE with
 * {@code ?listen=8080} (repeatable) closes some, and with {@code &flows=cut} resets the connections through them.
 */
final class ForwardsApi {
    private static final String MEMBER = "forwards";

    private final ControlBackend backend;

    ForwardsApi(ControlBackend backend) {
        this.backend = backend;
    }

    HttpResponse list() {
        try {
            return answer(backend.forwards());
        } catch (IOException e) {
            return HttpResponse.problem(503, String.valueOf(e.getMessage()));
        }
    }

    private static HttpResponse answer(List<ForwardInfo> forwards) {
        return HttpResponse.json(Map.of(MEMBER, forwards));
    }

    HttpResponse add(ControlApi.Request request) {
        List<ForwardSpec> specs;
        try {
            specs = specs(new String(request.body(), StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return HttpResponse.problem(400, String.valueOf(e.getMessage()));
        }
        try {
            return answer(backend.addForwards(specs));
        } catch (IOException e) {
            return HttpResponse.problem(409, String.valueOf(e.getMessage()));
        }
    }

    private static List<ForwardSpec> specs(String body) {
        if (!(JsonReader.read(body) instanceof Map<?, ?> members)) {
            throw new IllegalArgumentException("the body must be an object as {\"forwards\": [\"8080:80\"]}");
        }
        for (Object name : members.keySet()) {
            if (!name.equals(MEMBER)) {
                throw new IllegalArgumentException("'" + name + "' means nothing here; the only member is 'forwards'");
            }
        }
        if (!(members.get(MEMBER) instanceof List<?> texts)) {
            throw new IllegalArgumentException("'forwards' must be a list of texts as \"8080:80\"");
        }
        List<ForwardSpec> specs = new ArrayList<>();
        for (Object text : texts) {
            if (!(text instanceof String forward)) {
                throw new IllegalArgumentException("'forwards' must hold texts as \"8080:80\" only");
            }
            specs.addAll(ForwardSyntax.parse(forward));
        }
        return specs;
    }

    HttpResponse remove(ControlApi.Request request) {
        List<ForwardSpec.Listen> places = new ArrayList<>();
        boolean cut = false;
        try {
            for (Map.Entry<String, List<String>> field :
                    query(request.head().query()).entrySet()) {
                switch (field.getKey()) {
                    case "listen" -> field.getValue().forEach(text -> places.addAll(ForwardSyntax.listens(text)));
                    case "flows" -> cut = cut(field.getValue().getLast());
                    default ->
                        throw new IllegalArgumentException(
                                "'" + field.getKey() + "' means nothing here; known are 'listen' and 'flows'");
                }
            }
        } catch (IllegalArgumentException e) {
            return HttpResponse.problem(400, String.valueOf(e.getMessage()));
        }
        if (places.isEmpty()) {
            return HttpResponse.problem(400, "which? Say ?listen=8080, 127.0.0.1:8080, 8000-8999/udp or unix:PATH");
        }
        try {
            List<ForwardInfo> removed = backend.removeForwards(places, cut);
            return removed.isEmpty() ? HttpResponse.problem(404, "nothing is published there") : answer(removed);
        } catch (IOException e) {
            return HttpResponse.problem(503, String.valueOf(e.getMessage()));
        }
    }

    private static boolean cut(@Nullable String flows) {
        return switch (String.valueOf(flows)) {
            case "cut" -> true;
            case "drain" -> false;
            default -> throw new IllegalArgumentException("flows=" + flows + ": they can be cut, or drain");
        };
    }

    private static Map<String, List<String>> query(String query) {
        Map<String, List<String>> fields = new LinkedHashMap<>();
        for (String field : query.isEmpty() ? new String[0] : query.split("&")) {
            int equals = field.indexOf('=');
            String name = equals < 0 ? field : field.substring(0, equals);
            String value = equals < 0 ? "" : field.substring(equals + 1);
            fields.computeIfAbsent(URLDecoder.decode(name, StandardCharsets.UTF_8), _ -> new ArrayList<>())
                    .add(URLDecoder.decode(value, StandardCharsets.UTF_8));
        }
        return fields;
    }
}
