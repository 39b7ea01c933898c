package dev.sluice.control;

import dev.sluice.gateway.forward.GatewayForward;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code /v1/gateway-forwards}: GET lists ports of the gateway that lead guests to places of the host; POST with
 * {@code {"forwards": ["5432:127.0.0.1:5432", …]}} opens some, all or none; DELETE with {@code ?port=5432} or {@code ?port=53/udp}
 * (repeatable) closes some.
 */
final class GatewayForwardsApi {
    private static final String PATH = "/v1/gateway-forwards";
    private static final String MEMBER = "forwards";

    private final ControlBackend backend;

    GatewayForwardsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", PATH, request -> {
                    request.query().end();
                    return answer(backend.gatewayForwards());
                })
                .on("POST", PATH, this::add)
                .on("DELETE", PATH, this::remove);
    }

    /**
     * One of them, as people see it.
     *
     * @param forward the whole of it as text
     * @param port of the gateway
     * @param protocol {@code tcp} or {@code udp}
     * @param to a place of the host
     */
    record Shown(String forward, int port, String protocol, String to) {}

    private static HttpResponse answer(List<GatewayForward> forwards) {
        return HttpResponse.json(Map.of(
                MEMBER,
                forwards.stream()
                        .map(each -> new Shown(
                                each.toString(),
                                each.port(),
                                each.udp() ? "udp" : "tcp",
                                each.to().toString()))
                        .toList()));
    }

    private HttpResponse add(HttpRequest request) {
        request.query().end();
        Fields fields = request.fields();
        List<String> texts = fields.texts(MEMBER, "\"5432:127.0.0.1:5432\"");
        fields.end();
        List<GatewayForward> forwards = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            try {
                forwards.add(GatewayForward.parse(texts.get(i)));
            } catch (IllegalArgumentException e) {
                throw HttpProblem.bad(String.valueOf(e.getMessage()), MEMBER + "[" + i + "]");
            }
        }
        try {
            backend.addGatewayForwards(forwards);
            return answer(forwards);
        } catch (IOException e) {
            return HttpResponse.problem(409, String.valueOf(e.getMessage()));
        }
    }

    private HttpResponse remove(HttpRequest request) throws IOException {
        Query query = request.query();
        List<String> ports = query.all("port");
        query.end("port");
        if (ports.isEmpty()) {
            throw HttpProblem.bad("which? Say ?port=5432 or ?port=123/udp", "port");
        }
        List<GatewayForward> gone = new ArrayList<>();
        for (String port : ports) {
            if (!port.matches("[0-9]{1,5}(/udp|/tcp)?")) {
                throw HttpProblem.bad("'" + port + "' is no port; write 5432 or 123/udp", "port");
            }
        }
        for (GatewayForward forward : backend.gatewayForwards()) {
            String name = forward.port() + (forward.udp() ? "/udp" : "");
            if (ports.stream().anyMatch(port -> port.replace("/tcp", "").equals(name))
                    && backend.removeGatewayForward(forward)) {
                gone.add(forward);
            }
        }
        return gone.isEmpty()
                ? HttpResponse.problem(404, "no port of the gateway leads anywhere from there", "port")
                : answer(gone);
    }
}
