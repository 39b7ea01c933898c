package dev.sluice.gateway.http;

import java.nio.charset.StandardCharsets;

/**
 * A request without its body (RFC 9112 §3).
 *
 * @param target as it came
 * @param minor version 1.{@code minor}
 */
public record RequestHead(String method, String target, int minor, Fields fields) {
    /** The other version is said to be not supported (RFC 9110 §15.6.6). */
    private static final int VERSION_NOT_SUPPORTED = 505;

    private static final int DELETE = 0x7f;

    /** @param bytes from the first of the request line to the last of the empty line */
    public static RequestHead parse(byte[] bytes) throws BadMessage {
        HeadLines lines = HeadLines.of(bytes);
        String[] parts = lines.start().split(" ", -1);
        if (parts.length != 3 || parts[1].isEmpty() || !HeadLines.isToken(parts[0])) {
            throw BadMessage.bad("the request line is not 'METHOD target HTTP/1.1'");
        }
        for (int i = 0; i < parts[1].length(); i++) {
            if (parts[1].charAt(i) == '\t') {
                throw BadMessage.bad("white space in the request target");
            }
        }
        int minor = HeadLines.minorVersion(parts[2], VERSION_NOT_SUPPORTED);
        RequestHead head = new RequestHead(parts[0], parts[1], minor, lines.fields());
        int hosts = head.fields.all("host").size();
        if (hosts > 1 || hosts == 0 && minor == 1) {
            throw BadMessage.bad(
                    hosts == 0 ? "a request of HTTP/1.1 without Host (RFC 9112 §3.2)" : "more than one Host");
        }
        Framing.ofRequest(head); // refuses what has none
        return head;
    }

    /** Whether bytes that came first on a connection could begin a request; if not, they are of another protocol. */
    public static boolean mayBegin(byte[] bytes, int length) {
        int at = 0;
        while (at < length && (bytes[at] == '\r' || bytes[at] == '\n')) {
            at++;
        }
        int spaces = 0;
        int lastSpace = at;
        for (int i = at; i < length; i++) {
            byte b = bytes[i];
            if (b == '\r' || b == '\n') {
                String version = new String(bytes, lastSpace, i - lastSpace, StandardCharsets.ISO_8859_1).strip();
                return spaces >= 2 && version.startsWith("HTTP/1.");
            }
            if (b == ' ' && i > at) {
                spaces++;
                lastSpace = i;
            } else if (b >= 0 && b < ' ' || b == DELETE) {
                return false;
            } else if (spaces == 0 && (b < 'A' || b > 'Z') && (b < 'a' || b > 'z') && b != '-' && b != '_') {
                return false;
            }
        }
        return spaces > 0 || length - at < 24; // no method is that long
    }

    public RequestHead with(Fields other) {
        return new RequestHead(method, target, minor, other);
    }

    public RequestHead withTarget(String other) {
        return new RequestHead(method, other, minor, fields);
    }

    /** Whether the connection may carry another request (RFC 9112 §9.3). */
    public boolean keepsAlive() {
        return minor == 1 && !fields.members("connection").contains("close");
    }

    /** Asks for another protocol (RFC 9110 §7.8). */
    public boolean upgrades() {
        return minor == 1
                && fields.has("upgrade")
                && fields.members("connection").contains("upgrade");
    }

    public byte[] bytes() {
        StringBuilder out = new StringBuilder(512);
        out.append(method)
                .append(' ')
                .append(target)
                .append(" HTTP/1.")
                .append(minor)
                .append("\r\n");
        fields.write(out);
        return out.toString().getBytes(StandardCharsets.ISO_8859_1);
    }
}
