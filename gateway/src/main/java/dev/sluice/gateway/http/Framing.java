package dev.sluice.gateway.http;

import java.util.List;

/** How a body ends (RFC 9112 §6.3). */
public sealed interface Framing {
    /** A body of so many bytes; 0 for none. */
    record Length(long bytes) implements Framing {}

    /** Chunks, then trailers. */
    record Chunked() implements Framing {}

    /** The end of the stream; responses only. */
    record UntilClose() implements Framing {}

    Framing NONE = new Length(0);

    default boolean isEmpty() {
        return this instanceof Length(long bytes) && bytes == 0;
    }

    static Framing ofRequest(RequestHead head) throws BadMessage {
        List<String> codings = head.fields().all("transfer-encoding");
        List<String> lengths = head.fields().all("content-length");
        if (!codings.isEmpty()) {
            if (!lengths.isEmpty()) {
                throw BadMessage.bad("Content-Length beside Transfer-Encoding");
            }
            if (head.minor() == 0) {
                throw BadMessage.bad("Transfer-Encoding in HTTP/1.0");
            }
            if (codings.size() > 1 || !codings.getFirst().equalsIgnoreCase("chunked")) {
                throw new BadMessage(
                        codings.stream()
                                        .anyMatch(coding -> coding.toLowerCase(java.util.Locale.ROOT)
                                                .contains("chunked"))
                                ? 400
                                : 501,
                        "a Transfer-Encoding that is not 'chunked'");
            }
            return new Chunked();
        }
        if (lengths.size() > 1) {
            throw BadMessage.bad("more than one Content-Length");
        }
        return lengths.isEmpty() ? NONE : new Length(length(lengths.getFirst()));
    }

    /** @param method of the request that it answers */
    static Framing ofResponse(ResponseHead head, String method) throws BadMessage {
        int status = head.status();
        boolean opened = method.equals("CONNECT") && status / 100 == 2;
        if (method.equals("HEAD") || status / 100 == 1 || status == 204 || status == 304 || opened) {
            return NONE;
        }
        List<String> codings = head.fields().members("transfer-encoding");
        if (!codings.isEmpty()) {
            if (head.minor() == 0) {
                throw new BadMessage(502, "Transfer-Encoding in HTTP/1.0");
            }
            if (codings.indexOf("chunked") < codings.size() - 1 && codings.contains("chunked")) {
                throw new BadMessage(502, "a Transfer-Encoding after 'chunked'");
            }
            return codings.getLast().equals("chunked") ? new Chunked() : new UntilClose();
        }
        List<String> lengths = head.fields().all("content-length");
        if (lengths.isEmpty()) {
            return new UntilClose();
        }
        if (lengths.stream().distinct().count() > 1) {
            throw new BadMessage(502, "several Content-Lengths that differ");
        }
        try {
            return new Length(length(lengths.getFirst()));
        } catch (BadMessage e) {
            throw new BadMessage(502, e.reason());
        }
    }

    /** RFC 9110 §8.6: digits, and not so many that they overflow. */
    private static long length(String text) throws BadMessage {
        if (text.isEmpty() || text.length() > 18) {
            throw BadMessage.bad("a Content-Length that is no number of bytes");
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                throw BadMessage.bad("a Content-Length that is no number of bytes");
            }
        }
        return Long.parseLong(text);
    }
}
