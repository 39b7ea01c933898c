package dev.sluice.control;

import dev.sluice.gateway.dns.DnsDirectory;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * {@code /v1/dns/records}: GET lists those that were added; POST adds some, all or none; {@code /v1/dns/records/{name}} lists or, with
 * DELETE, removes those of a name, with {@code ?type=A} of one type. {@code /v1/dns/zones/{name}}: PUT with {@code {"servers": […]}}
 * has a zone asked of servers of its own, DELETE no more.
 */
final class DnsApi {
    private static final int MAX_TTL = Integer.MAX_VALUE;

    private final ControlBackend backend;

    DnsApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/dns/records", request -> {
                    request.query().end();
                    return records(backend.dns().records());
                })
                .on("POST", "/v1/dns/records", this::addRecords)
                .on("GET", "/v1/dns/records/{name}", this::recordsOf)
                .on("DELETE", "/v1/dns/records/{name}", this::removeRecords)
                .on("GET", "/v1/dns/zones", request -> {
                    request.query().end();
                    return HttpResponse.json(Map.of("zones", backend.dns().zones()));
                })
                .on("GET", "/v1/dns/zones/{name}", this::zone)
                .on("PUT", "/v1/dns/zones/{name}", this::putZone)
                .on("DELETE", "/v1/dns/zones/{name}", this::removeZone);
    }

    private static HttpResponse records(List<DnsDirectory.Entry> records) {
        return HttpResponse.json(Map.of("records", records));
    }

    private HttpResponse addRecords(HttpRequest request) throws IOException {
        request.query().end();
        Fields fields = request.fields();
        List<DnsDirectory.Entry> entries = new ArrayList<>();
        for (Fields record : fields.objects("records")) {
            entries.add(new DnsDirectory.Entry(
                    record.text("name"),
                    record.text("type"),
                    record.number("ttl", 0, MAX_TTL, 0),
                    record.text("value")));
            record.end();
        }
        fields.end();
        DnsDirectory dns = backend.dns();
        return records(checked("records", () -> {
            dns.addRecords(entries);
            return entries;
        }));
    }

    /** What may be found wrong by those who know. */
    private interface Attempt<T> {
        T make();
    }

    private static <T> T checked(String field, Attempt<T> attempt) {
        try {
            return attempt.make();
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), field);
        }
    }

    private HttpResponse recordsOf(HttpRequest request) throws IOException {
        request.query().end();
        String name = bare(request.parameter("name"));
        List<DnsDirectory.Entry> found = backend.dns().records().stream()
                .filter(entry -> bare(entry.name()).equalsIgnoreCase(name))
                .toList();
        return some(found, name);
    }

    private static HttpResponse some(List<DnsDirectory.Entry> found, String name) {
        if (found.isEmpty()) {
            throw new HttpProblem(404, "no such record of " + name + " was added", "name");
        }
        return records(found);
    }

    private HttpResponse removeRecords(HttpRequest request) throws IOException {
        Query query = request.query();
        String type = query.text("type", "");
        query.end("type");
        String name = bare(request.parameter("name"));
        DnsDirectory dns = backend.dns();
        List<DnsDirectory.Entry> removed =
                checked(type.isEmpty() ? "name" : "type", () -> dns.removeRecords(name, type));
        return some(removed, name);
    }

    private HttpResponse zone(HttpRequest request) throws IOException {
        request.query().end();
        String name = bare(request.parameter("name"));
        return backend.dns().zones().stream()
                .filter(zone -> bare(zone.name()).equalsIgnoreCase(name))
                .findFirst()
                .map(HttpResponse::json)
                .orElseThrow(() -> noZone(name));
    }

    private static HttpProblem noZone(String name) {
        return new HttpProblem(404, "no zone " + name + " was added", "name");
    }

    private HttpResponse putZone(HttpRequest request) throws IOException {
        request.query().end();
        Fields fields = request.fields();
        DnsDirectory.Zone zone = new DnsDirectory.Zone(
                bare(request.parameter("name")), fields.texts("servers", "\"192.0.2.53\" or \"192.0.2.53:5353\""));
        fields.end();
        DnsDirectory dns = backend.dns();
        return HttpResponse.json(checked("servers", () -> {
            dns.putZone(zone);
            return zone;
        }));
    }

    private HttpResponse removeZone(HttpRequest request) throws IOException {
        request.query().end();
        String name = bare(request.parameter("name"));
        return backend.dns().removeZone(name).map(HttpResponse::json).orElseThrow(() -> noZone(name));
    }

    /** Without the final dot. */
    private static String bare(String name) {
        return name.length() > 1 && name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    }
}
