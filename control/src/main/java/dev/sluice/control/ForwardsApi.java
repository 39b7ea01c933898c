package dev.sluice.control;

import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.forward.Forwards;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code /v1/forwards}: GET lists them; POST with {@code {"forwards": ["8080:80", …]}} opens some, all or none; DELETE with
 * {@code ?listen=8080} (repeatable) closes some, and with {@code &flows=cut} resets the connections through them.
 */
final class ForwardsApi {
    private static final String MEMBER = "forwards";
    /** Places that can be named at a time: every port, of TCP and of UDP. A few bytes of a request stand for thousands. */
    private static final int MOST_PLACES = 2 * 65_535;

    private final ControlBackend backend;

    ForwardsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/forwards", request -> {
                    request.query().end();
                    return answer(backend.forwards());
                })
                .on("POST", "/v1/forwards", this::add)
                .on("DELETE", "/v1/forwards", this::remove);
    }

    private static HttpResponse answer(List<ForwardInfo> forwards) {
        return HttpResponse.json(Map.of(MEMBER, forwards));
    }

    private HttpResponse add(HttpRequest request) {
        request.query().end();
        Fields fields = request.fields();
        List<String> texts = fields.texts(MEMBER, "\"8080:80\"");
        fields.end();
        List<ForwardSpec> specs = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            try {
                specs.addAll(ForwardSyntax.parse(texts.get(i)));
            } catch (IllegalArgumentException e) {
                throw HttpProblem.bad(String.valueOf(e.getMessage()), MEMBER + "[" + i + "]");
            }
            limit(specs.size(), Forwards.LIMIT, MEMBER);
        }
        try {
            return answer(backend.addForwards(specs));
        } catch (IOException e) {
            return HttpResponse.problem(409, String.valueOf(e.getMessage()));
        }
    }

    private HttpResponse remove(HttpRequest request) throws IOException {
        Query query = request.query();
        List<ForwardSpec.Listen> places = new ArrayList<>();
        for (String text : query.all("listen")) {
            try {
                places.addAll(ForwardSyntax.listens(text));
            } catch (IllegalArgumentException e) {
                throw HttpProblem.bad(String.valueOf(e.getMessage()), "listen");
            }
            limit(places.size(), MOST_PLACES, "listen");
        }
        boolean cut = cut(query.text("flows", "drain"));
        query.end("listen", "flows");
        if (places.isEmpty()) {
            throw HttpProblem.bad("which? Say ?listen=8080, 127.0.0.1:8080, 8000-8999/udp or unix:PATH", "listen");
        }
        List<ForwardInfo> removed = backend.removeForwards(places, cut);
        return removed.isEmpty() ? HttpResponse.problem(404, "nothing is published there", "listen") : answer(removed);
    }

    private static void limit(int size, int most, String field) {
        if (size > most) {
            throw HttpProblem.bad("more than " + most + " ports, which is as many as can be at a time", field);
        }
    }

    private static boolean cut(String flows) {
        return switch (flows) {
            case "cut" -> true;
            case "drain" -> false;
            default -> throw HttpProblem.bad("flows=" + flows + ": they can be cut, or drain", "flows");
        };
    }
}
