package dev.sluice.gateway.http;

import java.util.Locale;

/**
 * A host and perhaps a port (RFC 3986 §3.2, without user information).
 *
 * @param host in lower case, without a final dot, and without the brackets of an IPv6 literal
 * @param port 0 if none was given
 */
public record Authority(String host, int port) {
    private static final int LONGEST_HOST = 255;

    public static Authority parse(String text) throws BadMessage {
        int colon;
        String host;
        if (text.startsWith("[")) {
            int close = text.indexOf(']');
            host = close < 0 ? "" : text.substring(1, close);
            if (!isIpv6(host)) {
                throw BadMessage.bad("a host in brackets that is no IPv6 address");
            }
            colon = close + 1;
            if (colon < text.length() && text.charAt(colon) != ':') {
                throw BadMessage.bad("a host that is none");
            }
        } else {
            colon = text.indexOf(':');
            host = colon < 0 ? text : text.substring(0, colon);
            if (!isName(host)) {
                throw BadMessage.bad("a host that is none");
            }
        }
        boolean without = colon < 0 || colon >= text.length() - 1;
        int port = without ? 0 : port(text.substring(colon + 1));
        String lower = host.toLowerCase(Locale.ROOT);
        return new Authority(lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower, port);
    }

    private static int port(String text) throws BadMessage {
        int port = 0;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < '0' || c > '9' || i > 4) {
                throw BadMessage.bad("a port that is no number");
            }
            port = port * 10 + c - '0';
        }
        if (port < 1 || port > 65_535) {
            throw BadMessage.bad("a port that is not between 1 and 65535");
        }
        return port;
    }

    private static boolean isIpv6(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.digit(c, 16) < 0 && c != ':' && c != '.' || c > 'f') {
                return false;
            }
        }
        return text.indexOf(':') >= 0 && text.length() <= 45;
    }

    /** Letters, digits, hyphens, dots, and the underscores that some names have. */
    private static boolean isName(String text) {
        if (text.isEmpty()
                || text.equals(".")
                || text.length() > LONGEST_HOST
                || text.startsWith(".")
                || text.contains("..")) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            boolean plain = c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9';
            if (!plain && c != '-' && c != '.' && c != '_') {
                return false;
            }
        }
        return true;
    }

    /** As in a header field: brackets around an IPv6 literal, the port only if it is not {@code usual}. */
    public String text(int usual) {
        String literal = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
        return port == 0 || port == usual ? literal : literal + ":" + port;
    }

    @Override
    public String toString() {
        return text(0);
    }
}
