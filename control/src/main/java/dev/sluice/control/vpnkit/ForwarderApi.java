package dev.sluice.control.vpnkit;

import dev.sluice.control.HttpHandler;
import dev.sluice.control.HttpProblem;
import dev.sluice.control.HttpRequest;
import dev.sluice.control.HttpResponse;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;

/**
 * The HTTP API of VPNKit's Go programs: {@code vpnkit-expose-port}, {@code vpnkit-list-ports} and Docker's backend ask it to forward
 * ports. Asking twice for the same is asking once.
 */
public final class ForwarderApi implements HttpHandler {
    /** Forwards at a time. */
    private static final int MAX_EXPOSED = 32_768;

    private static final String ROOT = "/forwards/";

    private final PortDoor door;
    private final Supplier<List<String>> dump;
    /** By what they are, in words. Guarded by itself, as opening and closing must not overtake each other. */
    private final Map<String, Exposed> exposed = new LinkedHashMap<>();

    private record Exposed(PortSpec opened, String annotation) {}

    /** What a client got wrong. */
    private static final class Wrong extends Exception {
        private static final long serialVersionUID = 1;

        Wrong(String message) {
            super(message, null, false, false);
        }
    }

    /** @param dump lines about the multiplexer, for people */
    public ForwarderApi(PortDoor door, Supplier<List<String>> dump) {
        this.door = door;
        this.dump = dump;
    }

    @Override
    public HttpResponse handle(HttpRequest request) {
        String path = request.head().path();
        String method = request.head().method();
        String what = path.startsWith(ROOT) ? path.substring(ROOT.length()) : "";
        boolean post = method.equals("POST");
        return switch (what) {
            case "expose/port", "expose/pipe" ->
                post || method.equals("PUT") ? change(request, what.endsWith("pipe"), true) : notAllowed();
            case "unexpose/port", "unexpose/pipe" ->
                post || method.equals("DELETE") ? change(request, what.endsWith("pipe"), false) : notAllowed();
            case "list" -> method.equals("GET") ? listed(list()) : notAllowed();
            case "dump" ->
                method.equals("GET") ? HttpResponse.of(200, "text/plain; charset=UTF-8", utf8(dumped())) : notAllowed();
            default -> message(404, "Not Found");
        };
    }

    private static HttpResponse notAllowed() {
        return message(405, "Method Not Allowed");
    }

    private static HttpResponse message(int status, String text) {
        HttpResponse made = HttpResponse.json(Map.of("message", text));
        return new HttpResponse(status, made.contentType(), made.headers(), made.body());
    }

    private HttpResponse change(HttpRequest request, boolean pipe, boolean expose) {
        PortSpec spec;
        String annotation;
        try {
            Map<?, ?> body = JsonReader.read(request.text()) instanceof Map<?, ?> object ? object : Map.of();
            spec = pipe ? pipe(body) : port(body);
            annotation = text(body, "annotation");
        } catch (Wrong e) {
            HttpResponse made = HttpResponse.json(String.valueOf(e.getMessage()));
            return new HttpResponse(400, made.contentType(), made.headers(), made.body());
        } catch (IllegalArgumentException | HttpProblem e) {
            return message(400, String.valueOf(e.getMessage()));
        }
        try {
            if (expose) {
                expose(spec, annotation);
            } else {
                unexpose(spec, annotation);
            }
            return HttpResponse.of(200, "application/json", new byte[0]);
        } catch (IOException e) {
            return message(400, String.valueOf(e.getMessage()));
        }
    }

    private void expose(PortSpec spec, String annotation) throws IOException {
        String key = key(spec, annotation);
        synchronized (exposed) {
            if (!exposed.containsKey(key)) {
                if (exposed.size() >= MAX_EXPOSED) {
                    throw new IOException("there are " + MAX_EXPOSED + " forwards, as many as can be");
                }
                exposed.put(key, new Exposed(door.open(spec), annotation));
            }
        }
    }

    /** By what was asked for, or, where the system chose the port, by what came of it. */
    private void unexpose(PortSpec spec, String annotation) throws IOException {
        String key = key(spec, annotation);
        synchronized (exposed) {
            Exposed known = exposed.remove(key);
            if (known == null) {
                for (Map.Entry<String, Exposed> one : List.copyOf(exposed.entrySet())) {
                    if (key(one.getValue().opened, one.getValue().annotation).equals(key)) {
                        known = exposed.remove(one.getKey());
                    }
                }
            }
            if (known != null) {
                door.close(known.opened);
            }
        }
    }

    private static String key(PortSpec spec, String annotation) {
        return (annotation.isEmpty() ? "" : annotation + " ") + spec;
    }

    /** Go writes null for none. */
    private static HttpResponse listed(List<Map<String, Object>> all) {
        return all.isEmpty() ? HttpResponse.of(200, "application/json", utf8("null\n")) : HttpResponse.json(all);
    }

    private List<Map<String, Object>> list() {
        List<Map<String, Object>> all = new ArrayList<>();
        synchronized (exposed) {
            for (Exposed one : exposed.values()) {
                Map<String, Object> object = new LinkedHashMap<>();
                switch (one.opened) {
                    case PortSpec.Port(boolean udp, var address, int port, var target, int targetPort) -> {
                        object.put("proto", udp ? "udp" : "tcp");
                        object.put("out_ip", address.toString());
                        object.put("out_port", port);
                        object.put("in_ip", target.toString());
                        object.put("in_port", targetPort);
                    }
                    case PortSpec.Unix(String path, String target) -> {
                        object.put("proto", "unix");
                        object.put("out_path", path);
                        object.put("in_path", target);
                    }
                }
                if (!one.annotation.isEmpty()) {
                    object.put("annotation", one.annotation);
                }
                all.add(object);
            }
        }
        return all;
    }

    private String dumped() {
        StringBuilder out = new StringBuilder("Active channels:\n");
        dump.get().forEach(line -> out.append(line).append('\n'));
        return out.append("End of state dump\n").toString();
    }

    private static PortSpec port(Map<?, ?> body) throws Wrong {
        String protocol = text(body, "proto").toLowerCase(Locale.ROOT);
        if (!protocol.equals("tcp") && !protocol.equals("udp")) {
            throw new Wrong("exposed ports can only be TCP or UDP");
        }
        return new PortSpec.Port(
                protocol.equals("udp"),
                address(body, "out_ip", Ipv4Address.ANY),
                port(body, "out_port", 0),
                address(body, "in_ip", Ipv4Address.LOOPBACK),
                port(body, "in_port", 1));
    }

    private static PortSpec pipe(Map<?, ?> body) throws Wrong {
        if (!text(body, "proto").equalsIgnoreCase("unix")) {
            throw new Wrong("exposed pipes can only have proto=Unix");
        }
        return new PortSpec.Unix(path(body, "out_path"), path(body, "in_path"));
    }

    private static String path(Map<?, ?> body, String name) {
        String path = text(body, name);
        if (!path.startsWith("/") || path.indexOf('\0') >= 0) {
            throw new IllegalArgumentException(name + " must be an absolute path");
        }
        return path;
    }

    /** Go leaves out an address that is nil: to listen, that is every one; to connect, the guest itself. */
    private static IpAddress address(Map<?, ?> body, String name, IpAddress usual) {
        String text = text(body, name);
        try {
            return text.isEmpty() ? usual : IpAddress.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + " must be an address, not '" + text + "'", e);
        }
    }

    private static int port(Map<?, ?> body, String name, int lowest) {
        Object value = body.get(name);
        long port = value == null ? 0 : value instanceof Long number ? number : -1;
        if (port < lowest || port > 65_535) {
            throw new IllegalArgumentException(name + " must be a port");
        }
        return (int) port;
    }

    private static String text(Map<?, ?> body, String name) {
        return switch (body.get(name)) {
            case null -> "";
            case String text -> text;
            case Object other -> throw new IllegalArgumentException(name + " must be a text, not " + other);
        };
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
