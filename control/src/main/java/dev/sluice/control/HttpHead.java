package dev.sluice.control;

import java.util.Map;

/**
 * A request without its body (RFC 9112 §3, §5).
 *
 * @param path as sent, without the query
 * @param query after the {@code ?}; empty for none
 * @param headers names in lower case
 * @param length bytes of the body, 0 or more
 * @param keepAlive whether another request may follow
 * @param expectsContinue whether the client waits for permission to send the body (RFC 9110 §10.1.1)
 */
public record HttpHead(
        String method,
        String path,
        String query,
        Map<String, String> headers,
        long length,
        boolean keepAlive,
        boolean expectsContinue)
        implements HttpParse {}
