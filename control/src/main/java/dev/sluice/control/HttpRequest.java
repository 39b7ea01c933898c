package dev.sluice.control;

import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * A whole request.
 *
 * @param body empty for none
 * @param parameters what stands for the {@code {names}} of its route, decoded
 */
public record HttpRequest(HttpHead head, byte[] body, Map<String, String> parameters) {
    /** What stands for {@code {name}} in the path. */
    public String parameter(String name) {
        String value = parameters.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the route has no {" + name + "}");
        }
        return value;
    }

    /** The body as text. */
    public String text() {
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(body))
                    .toString();
        } catch (CharacterCodingException e) {
            throw HttpProblem.bad("the body is no UTF-8");
        }
    }

    /** The members of the JSON object that is the body. */
    public Fields fields() {
        return Fields.of(text());
    }

    /** The fields of the query. */
    public Query query() {
        return Query.of(head.query());
    }

    /** Percent-decodes (RFC 3986 §2.1). */
    static String decode(String text, String where) {
        try {
            // The decoder is one of forms, to which a plus is a space; here it is itself.
            return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad("after a % come two hexadecimal digits", where);
        }
    }
}
