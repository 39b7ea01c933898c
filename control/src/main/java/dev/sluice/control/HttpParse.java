package dev.sluice.control;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;

/** What a client's bytes turned out to be. */
public sealed interface HttpParse permits HttpHead, HttpParse.Refused {
    /** More header fields than any client of this API has a use for. */
    int MAX_FIELDS = 64;

    /** Not a request we understand; the connection cannot go on after it. */
    record Refused(int status, String detail) implements HttpParse {}

    /**
     * Parses a request head (RFC 9112 §2–5), strictly.
     *
     * @param bytes from the first byte of the request line, including the empty line at the end
     */
    static HttpParse head(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        if (!text.endsWith("\r\n\r\n")) {
            return bad("the head must end with an empty line");
        }
        String[] lines = text.substring(0, text.length() - 4).split("\r\n", -1);
        for (String line : lines) {
            for (int i = 0; i < line.length(); i++) {
                char c = line.charAt(i);
                if (c < 0x20 && c != '\t' || c == 0x7f) {
                    return bad("a control character in the head");
                }
            }
        }
        if (lines.length - 1 > MAX_FIELDS) {
            return new Refused(431, "more than " + MAX_FIELDS + " header fields");
        }
        Map<String, String> headers = new HashMap<>();
        for (int i = 1; i < lines.length; i++) {
            int colon = lines[i].indexOf(':');
            if (colon < 1 || !isToken(lines[i].substring(0, colon))) {
                return bad("a header field must look like 'Name: value'");
            }
            String name = lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
            if (headers.put(name, lines[i].substring(colon + 1).strip()) != null && isSingle(name)) {
                return bad("more than one " + name);
            }
        }
        return request(lines[0].split(" ", -1), headers);
    }

    private static HttpParse request(String[] line, Map<String, String> headers) {
        if (line.length != 3 || !isToken(line[0])) {
            return bad("the request line must look like 'GET /v1/status HTTP/1.1'");
        }
        if (!line[2].equals("HTTP/1.1")) {
            return line[2].startsWith("HTTP/")
                    ? new Refused(505, "only HTTP/1.1 is spoken here")
                    : bad("the request line must end with the version, as in 'GET /v1/status HTTP/1.1'");
        }
        if (!line[1].startsWith("/")) {
            return bad("the target must be a path that starts with '/'");
        }
        if (!headers.containsKey("host")) {
            return bad("no Host field, which HTTP/1.1 requires; it may be any name");
        }
        if (headers.containsKey("transfer-encoding")) {
            return new Refused(501, "no transfer codings; send a body with its Content-Length");
        }
        String length = headers.getOrDefault("content-length", "0");
        if (!length.matches("[0-9]{1,18}")) {
            return bad("Content-Length is not a number of bytes");
        }
        String expect = headers.getOrDefault("expect", "");
        boolean expectsContinue = expect.equalsIgnoreCase("100-continue");
        if (!expect.isEmpty() && !expectsContinue) {
            return new Refused(417, "the only expectation known is 100-continue");
        }
        int query = line[1].indexOf('?');
        return new HttpHead(
                line[0],
                query < 0 ? line[1] : line[1].substring(0, query),
                query < 0 ? "" : line[1].substring(query + 1),
                Map.copyOf(headers),
                Long.parseLong(length),
                !headers.getOrDefault("connection", "").toLowerCase(Locale.ROOT).contains("close"),
                expectsContinue);
    }

    /** Fields that decide where a message ends or whom it is for: two of them are an attack or a fault. */
    private static boolean isSingle(String name) {
        return switch (name) {
            case "host", "content-length", "transfer-encoding", "expect", "authorization" -> true;
            default -> false;
        };
    }

    private static boolean isToken(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean letterOrDigit = c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z';
            if (!letterOrDigit && "!#$%&'*+-.^_`|~".indexOf(c) < 0) {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static Refused bad(String detail) {
        return new Refused(400, detail);
    }
}
