package dev.sluice.cli.face.vpnkit;

import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.source.VpnkitSource;
import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP proxy settings: read from a file or put by a client, in force from then on, and given back as they came. Without any there is no
 * proxy; with any there is one, if only straight to the servers.
 */
final class ProxySettings {
    private static final String PATH = "/http_proxy.json";
    private static final int MAX_HEAD = 8192;
    private static final int MAX_BODY = 1 << 20;

    /** VPNKit has two doors to one proxy. */
    private static final List<Integer> DOORS = List.of(3128, 3129);

    private final Live live;
    private volatile @Nullable String current;

    /** Where settings take effect. */
    interface Live {
        void follow(dev.sluice.gateway.proxy.ProxySettings settings) throws IOException;
    }

    ProxySettings(Live live) {
        this.live = live;
    }

    /** As a file says it; without text there are none. */
    void read(String text) {
        if (text.isBlank()) {
            follow(dev.sluice.gateway.proxy.ProxySettings.NONE);
            current = null;
            return;
        }
        follow(settings(JsonReader.read(text)));
        current = text.strip();
    }

    private void follow(dev.sluice.gateway.proxy.ProxySettings settings) {
        try {
            live.follow(settings);
        } catch (IOException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static dev.sluice.gateway.proxy.ProxySettings settings(@Nullable Object json) {
        if (!(VpnkitSource.setting("http_proxy.json", json) instanceof ProxySetting.Manual manual)) {
            throw new IllegalArgumentException("an object is expected: {…}");
        }
        Set<Integer> transparent = new HashSet<>();
        if (manual.http() != null) {
            transparent.addAll(VpnkitSource.ports(json, "transparent_http_ports", List.of(80)));
        }
        if (manual.https() != null) {
            transparent.addAll(VpnkitSource.ports(json, "transparent_https_ports", List.of(443)));
        }
        return dev.sluice.gateway.proxy.ProxySettings.DEFAULT
                .withPorts(DOORS)
                .withTransparentPorts(transparent)
                .with(new ProxyPolicy() {
                    @Override
                    public boolean active() {
                        return true;
                    }

                    @Override
                    public List<Route> routes(ProxyTarget target) {
                        return manual.routes(target);
                    }
                });
    }

    /** One request of {@code --http-api-path}, answered as VPNKit does. */
    void serve(InputStream in, OutputStream out) throws IOException {
        String head = head(in);
        String[] line = head.split("\r?\n", 2)[0].split(" ");
        String method = line[0];
        boolean known = line.length >= 2 && line[1].equals(PATH);
        if (known && method.equals("GET")) {
            String text = current;
            answer(out, text == null ? "404 Not Found" : "200 OK", text == null ? "None set" : text);
        } else if (known && method.equals("POST")) {
            try {
                read(body(in, head));
                answer(out, "200 OK", "");
            } catch (IllegalArgumentException e) {
                answer(out, "400 Bad_request", "Failed to parse .json: " + e.getMessage());
            }
        } else {
            answer(out, "404 Unknown", "Try {GET,POST} " + PATH);
        }
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.length() < MAX_HEAD && head.indexOf("\r\n\r\n") < 0 && head.indexOf("\n\n") < 0) {
            int c = in.read();
            if (c < 0) {
                break;
            }
            head.append((char) c);
        }
        return head.toString();
    }

    private static String body(InputStream in, String head) throws IOException {
        for (String line : head.split("\r?\n")) {
            if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                String digits = line.substring(15).strip();
                int length = digits.matches("[0-9]{1,7}") ? Integer.parseInt(digits) : MAX_BODY + 1;
                if (length > MAX_BODY) {
                    throw new IllegalArgumentException("more than " + MAX_BODY + " bytes");
                }
                return new String(in.readNBytes(length), StandardCharsets.UTF_8);
            }
        }
        throw new IllegalArgumentException("a Content-Length is needed");
    }

    private static void answer(OutputStream out, String status, String body) throws IOException {
        out.write(("HTTP/1.0 " + status + "\r\nConnection: closed\r\n\r\n" + body).getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
