package dev.sluice.gateway.proxy;

import java.nio.charset.StandardCharsets;

/** What a guest is told when its request cannot be served: what failed, which upstream and rule, what to check. Pure. */
final class ErrorPage {
    private ErrorPage() {}

    /**
     * A whole response, after which the connection ends.
     *
     * @param html whether the guest is a browser
     * @param withBody false for HEAD
     */
    static byte[] of(int status, String what, String detail, boolean html, boolean withBody) {
        String title = status + " " + reason(status);
        String advice = advice(status);
        StringBuilder body = new StringBuilder(512);
        if (html) {
            body.append("<!DOCTYPE html>\n<title>")
                    .append(title)
                    .append("</title>\n<h1>")
                    .append(title);
            body.append("</h1>\n<p>").append(escape(what)).append("</p>\n");
            if (!detail.isEmpty()) {
                body.append("<pre>").append(escape(detail)).append("</pre>\n");
            }
            body.append("<p>")
                    .append(escape(advice))
                    .append("</p>\n<hr><p>Sluice, the proxy of this guest network</p>\n");
        } else {
            body.append(title).append("\n\n").append(what).append('\n');
            if (!detail.isEmpty()) {
                body.append(detail).append('\n');
            }
            body.append('\n').append(advice).append("\n-- Sluice, the proxy of this guest network\n");
        }
        byte[] bytes = body.toString().getBytes(StandardCharsets.UTF_8);
        byte[] head = ("HTTP/1.1 " + title + "\r\nContent-Type: text/" + (html ? "html" : "plain")
                        + "; charset=utf-8\r\nContent-Length: " + bytes.length
                        + "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.ISO_8859_1);
        if (!withBody) {
            return head;
        }
        byte[] all = new byte[head.length + bytes.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        return all;
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }

    private static String advice(int status) {
        return switch (status) {
            case 400, 413, 431, 501, 505 -> "Please check: the program that has sent this request.";
            case 403 -> "Please check: the rule named above, or ask whoever has set it.";
            case 408 -> "Please check: whether the program has stopped in the middle of its request.";
            case 503 -> "Please try again in a moment: there are too many connections.";
            default ->
                "Please check: the name in the URL; whether this machine is online, and on the VPN that it needs; the proxy"
                        + " settings ('sluice status' shows what is in use).";
        };
    }

    private static String reason(int status) {
        return switch (status) {
            case 400 -> "Bad Request";
            case 403 -> "Forbidden";
            case 408 -> "Request Timeout";
            case 431 -> "Request Header Fields Too Large";
            case 501 -> "Not Implemented";
            case 502 -> "Bad Gateway";
            case 503 -> "Service Unavailable";
            case 504 -> "Gateway Timeout";
            case 505 -> "HTTP Version Not Supported";
            case 508 -> "Loop Detected";
            default -> "Error";
        };
    }
}
