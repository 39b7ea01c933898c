package dev.sluice.control;

import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** {@code /v1/status} and its parts: guests, leases, limits. */
final class StatusApi {
    private final ControlBackend backend;

    StatusApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/status", request -> {
                    request.query().end();
                    Map<String, @Nullable Object> status = Json.components(backend.status());
                    status.put("settings", settings());
                    return HttpResponse.json(status);
                })
                .on("GET", "/v1/guests", request -> {
                    request.query().end();
                    return HttpResponse.json(Map.of("guests", guests(backend.status())));
                })
                .on("GET", "/v1/guests/{address}", this::guest)
                .on("GET", "/v1/leases", request -> {
                    request.query().end();
                    return HttpResponse.json(Map.of("leases", backend.status().leases()));
                })
                .on("GET", "/v1/limits", request -> {
                    request.query().end();
                    return HttpResponse.json(Map.of("limits", limits()));
                });
    }

    /**
     * What is said of settings.
     *
     * @param file from which they come; null if there is none
     * @param problem why the last change was not taken, in one line each; empty if it was
     */
    record SettingsStatus(@Nullable String file, List<String> problem) {}

    private SettingsStatus settings() {
        try {
            SettingsDoor.State state = backend.settingsDoor().state();
            SettingsDoor.Problem problem = state.problem();
            return new SettingsStatus(
                    state.file(),
                    problem == null
                            ? List.of()
                            : problem.mistakes().stream()
                                    .map(SettingsDoor.Flaw::text)
                                    .toList());
        } catch (IOException e) {
            return new SettingsStatus(null, List.of());
        }
    }

    /**
     * A neighbour on the guest network.
     *
     * @param hostName what it called itself; empty if it did not
     * @param leased whether the address is its own by DHCP or configuration
     */
    record Guest(IpAddress address, MacAddress mac, String link, String hostName, boolean leased, long idleSeconds) {}

    private static List<Guest> guests(GatewayStatus status) {
        Map<IpAddress, String> names = new HashMap<>();
        for (GatewayStatus.LeaseStatus lease : status.leases()) {
            names.put(lease.address(), lease.hostName());
        }
        List<Guest> guests = new ArrayList<>();
        for (GatewayStatus.GuestStatus guest : status.guests()) {
            String name = names.getOrDefault(guest.address(), "");
            guests.add(
                    new Guest(guest.address(), guest.mac(), guest.link(), name, guest.leased(), guest.idleSeconds()));
        }
        return guests;
    }

    private HttpResponse guest(HttpRequest request) throws IOException {
        request.query().end();
        IpAddress address = address(request.parameter("address"), "address");
        return guests(backend.status()).stream()
                .filter(guest -> guest.address().equals(address))
                .findFirst()
                .map(HttpResponse::json)
                .orElseThrow(() -> new HttpProblem(404, "no guest has the address " + address, "address"));
    }

    static IpAddress address(String text, String field) {
        try {
            return text.contains(":")
                    ? dev.sluice.wire.Ipv6Address.parse(text)
                    : dev.sluice.wire.Ipv4Address.parse(text);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()), field);
        }
    }

    /**
     * A bound of something that grows.
     *
     * @param used of it now; null where that is not known
     */
    record Limit(String name, long limit, @Nullable Long used) {}

    private List<Limit> limits() throws IOException {
        GatewayStatus status = backend.status();
        Map<String, Long> used = Map.of(
                "tcpFlows",
                (long) status.tcp().open(),
                "tcpHalfOpen",
                (long) status.tcp().halfOpen(),
                "udpFlows",
                (long) status.udp().open(),
                "pingFlows",
                (long) status.ping().open(),
                "bufferBytes",
                status.memory().buffers(),
                "guests",
                (long) status.guests().size());
        List<Limit> limits = new ArrayList<>();
        numbers(status.limits()).forEach((name, limit) -> limits.add(new Limit(name, limit, used.get(name))));
        limits.add(
                new Limit("forwards", Forwards.LIMIT, (long) backend.forwards().size()));
        limits.add(new Limit("eventListeners", Events.MAX_SUBSCRIPTIONS, null));
        limits.add(new Limit("apiClients", HttpServer.MAX_CONNECTIONS, null));
        return limits;
    }

    /** The components of a record of numbers, by name and in order. */
    static Map<String, Long> numbers(Record record) {
        Map<String, Long> numbers = new LinkedHashMap<>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            try {
                if (component.getAccessor().invoke(record) instanceof Number number) {
                    numbers.put(component.getName(), number.longValue());
                }
            } catch (ReflectiveOperationException e) {
                throw new IllegalArgumentException(record.getClass() + " is not readable", e);
            }
        }
        return numbers;
    }
}
