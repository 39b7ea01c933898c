package dev.sluice.control;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What goes back to a client.
 *
 * @param status RFC 9110 §15
 * @param headers besides type and length, which are added
 */
record HttpResponse(int status, String contentType, Map<String, String> headers, byte[] body) {

    static HttpResponse json(Object value) {
        return new HttpResponse(200, "application/json", Map.of(), utf8(Json.of(value)));
    }

    /** A problem document (RFC 9457). */
    static HttpResponse problem(int status, String detail) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", "about:blank");
        members.put("title", reason(status));
        members.put("status", status);
        members.put("detail", detail);
        return new HttpResponse(status, "application/problem+json", Map.of(), utf8(Json.of(members)));
    }

    HttpResponse with(String name, String value) {
        return new HttpResponse(status, contentType, Map.of(name, value), body);
    }

    /** The bytes on the wire. */
    byte[] encode(boolean withBody, boolean close) {
        StringBuilder head = new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(reason(status))
                .append("\r\nContent-Type: ")
                .append(contentType)
                .append("\r\nContent-Length: ")
                .append(body.length)
                .append("\r\nCache-Control: no-store\r\n");
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        head.append(close ? "Connection: close\r\n\r\n" : "\r\n");
        byte[] start = utf8(head.toString());
        if (!withBody) {
            return start;
        }
        byte[] all = java.util.Arrays.copyOf(start, start.length + body.length);
        System.arraycopy(body, 0, all, start.length, body.length);
        return all;
    }

    static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 404 -> "Not Found";
            case 405 -> "Method Not Allowed";
            case 409 -> "Conflict";
            case 413 -> "Content Too Large";
            case 414 -> "URI Too Long";
            case 417 -> "Expectation Failed";
            case 431 -> "Request Header Fields Too Large";
            case 501 -> "Not Implemented";
            case 503 -> "Service Unavailable";
            case 505 -> "HTTP Version Not Supported";
            default -> "Internal Server Error";
        };
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
