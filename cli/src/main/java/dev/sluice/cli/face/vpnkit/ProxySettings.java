package dev.sluice.cli.face.vpnkit;

import dev.sluice.control.JsonReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP proxy settings: read from a file or put by a client, kept, and given back as they came. Nothing acts on them yet: this network
 * has no HTTP proxy.
 */
final class ProxySettings {
    private static final System.Logger LOG = System.getLogger("dev.sluice.cli.vpnkit");
    private static final String PATH = "/http_proxy.json";
    private static final int MAX_HEAD = 8192;
    private static final int MAX_BODY = 1 << 20;

    private volatile @Nullable String current;

    /** As a file says it; without text there are none. */
    void read(String text) {
        if (text.isBlank()) {
            current = null;
            return;
        }
        if (!(JsonReader.read(text) instanceof Map<?, ?>)) {
            throw new IllegalArgumentException("an object is expected: {…}");
        }
        current = text.strip();
        LOG.log(
                System.Logger.Level.WARNING,
                "HTTP proxy settings were taken, but there is no HTTP proxy in this network yet");
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
