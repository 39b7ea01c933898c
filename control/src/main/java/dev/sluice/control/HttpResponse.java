package dev.sluice.control;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What goes back to a client.
 *
 * @param status RFC 9110 §15
 * @param headers besides type and length, which are added
 */
public record HttpResponse(int status, String contentType, Map<String, String> headers, Body body) {
    /** How the body comes. */
    public sealed interface Body {}

    /** All at once. */
    public record Bytes(byte[] bytes) implements Body {}

    /** Piece by piece, as it is made; the connection ends with it. */
    public record Stream(Source source) implements Body {}

    /**
     * None, and no answer: the connection is somebody else's from now on. Nothing beyond the request has been read if the stream is
     * {@link HttpStream#isShared}.
     *
     * @param then takes it, on the connection's thread
     */
    public record Handover(Runnable then) implements Body {}

    /** Makes a body. */
    @FunctionalInterface
    public interface Source {
        /**
         * Writes until there is no more, on the connection's thread, which is interrupted when the client leaves.
         *
         * @throws IOException if the client is gone
         * @throws InterruptedException as above
         */
        void writeTo(Sink sink) throws IOException, InterruptedException;
    }

    /** Takes a body. */
    public interface Sink {
        /** Sends a piece and waits until the system has it; a client that takes it too slowly is cut. */
        void write(byte[] piece) throws IOException;

        /**
         * Lets a body come to its end when its client says that it wants no more, by ending its own half of the connection, instead of
         * cutting the connection.
         *
         * @param end makes {@link Source#writeTo} return soon; from another thread
         */
        default void onWantNoMore(Runnable end) {}
    }

    public static HttpResponse json(Object value) {
        return of(200, "application/json", utf8(Json.of(value)));
    }

    /** With a body of any kind. */
    public static HttpResponse of(int status, String contentType, byte[] body) {
        return new HttpResponse(status, contentType, Map.of(), new Bytes(body));
    }

    /** With a body that is made while it is sent. */
    public static HttpResponse stream(String contentType, Source source) {
        return new HttpResponse(200, contentType, Map.of(), new Stream(source));
    }

    /** No answer but a connection that becomes something else. */
    public static HttpResponse handover(Runnable then) {
        return new HttpResponse(200, "", Map.of(), new Handover(then));
    }

    /** A problem document (RFC 9457). */
    public static HttpResponse problem(int status, String detail) {
        return problem(status, detail, "");
    }

    /** @param field what is wrong in the request; empty if it is no field */
    static HttpResponse problem(int status, String detail, String field) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", "about:blank");
        members.put("title", reason(status));
        members.put("status", status);
        members.put("detail", detail);
        if (!field.isEmpty()) {
            members.put("field", field);
        }
        return of(status, "application/problem+json", utf8(Json.of(members)));
    }

    public HttpResponse with(String name, String value) {
        return new HttpResponse(status, contentType, Map.of(name, value), body);
    }

    /** The bytes on the wire: the head, and the body if it is there at once. */
    byte[] encode(boolean withBody, boolean close) {
        return encode(withBody, close, true);
    }

    /** @param chunks whether a body that comes piece by piece comes in chunks, or ends with the connection */
    byte[] encode(boolean withBody, boolean close, boolean chunks) {
        StringBuilder head = new StringBuilder(256)
                .append("HTTP/1.1 ")
                .append(status)
                .append(' ')
                .append(reason(status))
                .append("\r\nContent-Type: ")
                .append(contentType)
                .append(
                        body instanceof Bytes(byte[] bytes)
                                ? "\r\nContent-Length: " + bytes.length
                                : chunks ? "\r\nTransfer-Encoding: chunked" : "")
                .append("\r\nCache-Control: no-store\r\n");
        headers.forEach(
                (name, value) -> head.append(name).append(": ").append(value).append("\r\n"));
        head.append(close ? "Connection: close\r\n\r\n" : "\r\n");
        byte[] start = utf8(head.toString());
        if (!withBody || !(body instanceof Bytes(byte[] bytes))) {
            return start;
        }
        byte[] all = java.util.Arrays.copyOf(start, start.length + bytes.length);
        System.arraycopy(bytes, 0, all, start.length, bytes.length);
        return all;
    }

    static String reason(int status) {
        return switch (status) {
            case 200 -> "OK";
            case 400 -> "Bad Request";
            case 401 -> "Unauthorized";
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

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
