package dev.sluice.control;

import org.jspecify.annotations.Nullable;

/** The API: all its routes over one backend, made with the first request. Any thread. */
public final class ControlApi implements HttpHandler {
    private final ControlBackend backend;
    private final MetricsApi.Doors doors;
    private volatile @Nullable Router router;

    ControlApi(ControlBackend backend, MetricsApi.Doors doors) {
        this.backend = backend;
        this.doors = doors;
    }

    @Override
    public HttpResponse handle(HttpRequest request) {
        return router().handle(request);
    }

    Router router() {
        Router known = router;
        if (known == null) {
            known = new Router();
            new StatusApi(backend).addTo(known);
            new FlowsApi(backend).addTo(known);
            new ForwardsApi(backend).addTo(known);
            new GatewayForwardsApi(backend).addTo(known);
            new SettingsApi(backend).addTo(known);
            new ProxyApi(backend).addTo(known);
            new DnsApi(backend).addTo(known);
            new ExplainApi(backend).addTo(known);
            new EventsApi(backend).addTo(known);
            new MetricsApi(backend, doors).addTo(known);
            new CapturesApi(backend).addTo(known);
            new DiagnoseApi(backend).addTo(known);
            OpenApi.addTo(known);
            router = known;
        }
        return known;
    }
}
