package dev.sluice.gateway.http;

/**
 * A field line (RFC 9112 §5). Characters are bytes (ISO 8859-1), so nothing is lost.
 *
 * @param line as it came, without its CRLF
 * @param name as it came
 * @param value without white space around it
 */
public record Field(String line, String name, String value) {
    /** One of our own. */
    public static Field of(String name, String value) {
        return new Field(name + ": " + value, name, value);
    }

    boolean is(String other) {
        return name.equalsIgnoreCase(other);
    }
}
