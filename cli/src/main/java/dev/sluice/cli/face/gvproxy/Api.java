package dev.sluice.cli.face.gvproxy;

import dev.sluice.control.Json;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** gvproxy's HTTP API: what is asked for, and what the answer is. Any thread. */
final class Api {
    /** What it shows of the network; each may fail as the network may be gone. */
    interface Network {
        Map<String, Object> leases() throws IOException;

        Map<String, Object> cam() throws IOException;

        Map<String, Object> stats() throws IOException;
    }

    /** Who asks, and so what may be asked for. */
    sealed interface Caller {}

    /** A program of this host, at a socket that was made for it; {@code links} whether guests connect there, too. */
    record Program(boolean links) implements Caller {}

    /** A guest, at the gateway's port 80: about its own forwards only. */
    record Guest(Ipv4Address address) implements Caller {}

    /** What goes back. */
    sealed interface Answer {}

    record Text(int status, String type, String body) implements Answer {}

    /** The connection becomes a guest's link. */
    record Link() implements Answer {}

    /** The connection becomes one to a guest's port. */
    record Tunnel(Ipv4Address guest, int port) implements Answer {}

    private static final Text DONE = new Text(200, "text/plain; charset=utf-8", "");

    private final Exposures exposures;
    private final Zones zones;
    private final Network network;

    Api(Exposures exposures, Zones zones, Network network) {
        this.exposures = exposures;
        this.zones = zones;
        this.network = network;
    }

    Answer handle(Caller caller, String method, String path, String query, String body) {
        try {
            return switch (caller) {
                case Guest guest -> forwarder(guest.address, true, method, path, body);
                case Program program ->
                    path.startsWith("/services/forwarder/")
                            ? forwarder(null, false, method, path, body)
                            : program(program, method, path, query, body);
            };
        } catch (IllegalArgumentException e) {
            return error(400, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            return error(500, String.valueOf(e.getMessage()));
        }
    }

    private Answer forwarder(@Nullable Ipv4Address caller, boolean only, String method, String path, String body)
            throws IOException {
        switch (path) {
            case "/services/forwarder/all" -> {
                return json((caller != null ? exposures.of(caller) : exposures.all())
                        .stream().map(Api::shown).toList());
            }
            case "/services/forwarder/expose" -> {
                Map<String, @Nullable Object> fields = posted(method, body);
                exposures.expose(
                        new Exposures.Exposure(text(fields, "local"), text(fields, "remote"), protocol(fields)),
                        caller,
                        only);
                return DONE;
            }
            case "/services/forwarder/unexpose" -> {
                Map<String, @Nullable Object> fields = posted(method, body);
                exposures.unexpose(text(fields, "local"), protocol(fields), caller);
                return DONE;
            }
            default -> {
                return error(404, "404 page not found");
            }
        }
    }

    private Answer program(Program program, String method, String path, String query, String body) throws IOException {
        return switch (path) {
            case "/services/dhcp/leases", "/leases" -> json(network.leases());
            case "/services/dns/all" ->
                json(zones.all().stream().map(Zones::shown).toList());
            case "/services/dns/add" -> {
                zones.add(zone(posted(method, body)));
                yield DONE;
            }
            case "/stats" -> json(network.stats());
            case "/cam" -> json(network.cam());
            case "/tunnel" -> tunnel(query);
            case "/connect" -> {
                if (!program.links) {
                    yield error(404, "404 page not found");
                }
                yield new Link();
            }
            default -> error(404, "404 page not found");
        };
    }

    private static Answer tunnel(String query) throws IOException {
        Map<String, String> fields = new TreeMap<>();
        for (String field : query.split("&")) {
            int equals = field.indexOf('=');
            if (equals > 0) {
                fields.put(
                        field.substring(0, equals),
                        URLDecoder.decode(field.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        String ip = fields.getOrDefault("ip", "");
        if (ip.isEmpty()) {
            throw new IOException("ip is mandatory");
        }
        String port = fields.getOrDefault("port", "");
        if (!port.matches("[0-9]{1,5}") || Integer.parseInt(port) < 1 || Integer.parseInt(port) > 65_535) {
            throw new IOException("port must be within 1…65535, not '" + port + "'");
        }
        try {
            return new Tunnel(Ipv4Address.parse(ip), Integer.parseInt(port));
        } catch (IllegalArgumentException e) {
            throw new IOException("ip is no address: " + e.getMessage(), e);
        }
    }

    /** Members by their names in lower case, as Go reads them. */
    private static Map<String, @Nullable Object> posted(String method, String body) {
        if (!method.equals("POST")) {
            throw new IllegalArgumentException("post only");
        }
        return members(JsonReader.read(body));
    }

    private static Map<String, @Nullable Object> members(@Nullable Object value) {
        if (!(value instanceof Map<?, ?> map)) {
            throw new IllegalArgumentException("a JSON object was expected");
        }
        Map<String, @Nullable Object> members = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        map.forEach((name, member) -> members.put(String.valueOf(name), member));
        return members;
    }

    private static String text(Map<String, @Nullable Object> fields, String name) {
        return switch (fields.get(name)) {
            case null -> "";
            case String text -> text;
            default -> throw new IllegalArgumentException(name + " must be a text");
        };
    }

    private static String protocol(Map<String, @Nullable Object> fields) {
        String protocol = text(fields, "protocol");
        return protocol.isEmpty() ? "tcp" : protocol;
    }

    private static Zones.Zone zone(Map<String, @Nullable Object> fields) {
        Object records = fields.get("records");
        if (records != null && !(records instanceof List<?>)) {
            throw new IllegalArgumentException("Records must be a list");
        }
        List<Zones.Entry> entries = records instanceof List<?> list
                ? list.stream().map(record -> entry(members(record))).toList()
                : List.of();
        String usual = text(fields, "defaultIP");
        return new Zones.Zone(text(fields, "name"), entries, usual.isEmpty() ? null : Ipv4Address.parse(usual));
    }

    private static Zones.Entry entry(Map<String, @Nullable Object> record) {
        String pattern = text(record, "regexp");
        try {
            return new Zones.Entry(
                    text(record, "name"),
                    Ipv4Address.parse(text(record, "ip")),
                    pattern.isEmpty() ? null : Pattern.compile(pattern));
        } catch (PatternSyntaxException e) {
            throw new IllegalArgumentException("Regexp " + pattern + ": " + e.getDescription(), e);
        }
    }

    private static Map<String, Object> shown(Exposures.Exposure exposure) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("local", exposure.local());
        members.put("remote", exposure.remote());
        members.put("protocol", exposure.protocol());
        return members;
    }

    private static Text json(Object value) {
        return new Text(200, "application/json", Json.compact(value) + "\n");
    }

    static Text error(int status, String message) {
        return new Text(status, "text/plain; charset=utf-8", message + "\n");
    }
}
