package dev.sluice.control;

import dev.sluice.gateway.explain.Target;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code /v1/proxy}: GET shows which proxy is used, PATCH chooses another (as {@code PATCH /v1/settings} with the section {@code proxy});
 * {@code /v1/proxy/routes?url=}: the ways a request would take, and the rules that say so. No password is ever shown.
 */
final class ProxyApi {
    private final ControlBackend backend;

    ProxyApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/proxy", request -> {
                    request.query().end();
                    return HttpResponse.json(backend.proxy().state());
                })
                .on("PATCH", "/v1/proxy", this::patch)
                .on("GET", "/v1/proxy/routes", this::routes);
    }

    private HttpResponse patch(HttpRequest request) throws IOException {
        request.query().end();
        Map<?, ?> changes = SettingsApi.object(request);
        try {
            backend.settingsDoor().patch(Map.of("proxy", changes));
            return HttpResponse.json(backend.proxy().state());
        } catch (SettingsDoor.Refused e) {
            return HttpResponse.problem(
                    409, String.valueOf(e.getMessage()), e.mistakes().getFirst().key());
        }
    }

    private HttpResponse routes(HttpRequest request) throws IOException {
        Query query = request.query();
        String url = query.text("url", "");
        query.end("url");
        ProxyTarget target;
        try {
            target = Target.parse(url).proxyTarget();
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), "url");
        }
        List<Map<String, Object>> ways = new ArrayList<>();
        for (Route route : backend.proxy().routes(target)) {
            Map<String, Object> way = new LinkedHashMap<>();
            switch (route) {
                case Route.Direct _ -> way.put("way", "direct");
                case Route.Via via -> {
                    way.put("way", "proxy");
                    way.put("proxy", via.upstream().title());
                }
                case Route.Refused refused -> {
                    way.put("way", "refused");
                    way.put("message", refused.message());
                }
            }
            way.put("rule", route.rule());
            ways.add(way);
        }
        return HttpResponse.json(Map.of("routes", ways));
    }
}
