package dev.sluice.wire;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON (RFC 8259), strictly: objects become maps, arrays lists, integers {@link Long}, other numbers {@link Double}. A member that
 * stands twice is refused, as one of the two would be ignored. Throws nothing but what it says, whatever the input.
 */
public final class JsonReader {
    private static final int MAX_DEPTH = 64;

    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");

    private final String text;
    private int at;

    private JsonReader(String text) {
        this.text = text;
    }

    /** @throws IllegalArgumentException saying where it is no JSON */
    public static @Nullable Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value(0);
        reader.space();
        if (reader.at < text.length()) {
            throw reader.wrong("something follows the document");
        }
        return value;
    }

    private @Nullable Object value(int depth) {
        space();
        if (depth > MAX_DEPTH) {
            throw wrong("too deep");
        }
        return switch (peek()) {
            case '{' -> object(depth);
            case '[' -> array(depth);
            case '"' -> string();
            case 't' -> word("true", true);
            case 'f' -> word("false", false);
            case 'n' -> word("null", null);
            default -> number();
        };
    }

    private Map<String, @Nullable Object> object(int depth) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        at++;
        if (!skip('}')) {
            do {
                space();
                String name = string();
                expect(':');
                if (members.containsKey(name)) {
                    throw wrong("'" + name + "' stands there twice");
                }
                members.put(name, value(depth + 1));
            } while (skip(','));
            expect('}');
        }
        return members;
    }

    private List<@Nullable Object> array(int depth) {
        List<@Nullable Object> items = new ArrayList<>();
        at++;
        if (!skip(']')) {
            do {
                items.add(value(depth + 1));
            } while (skip(','));
            expect(']');
        }
        return items;
    }

    private String string() {
        if (peek() != '"') {
            throw wrong("a string was expected");
        }
        StringBuilder out = new StringBuilder();
        for (at++; peek() != '"'; at++) {
            char c = peek();
            if (c < 0x20) {
                throw wrong("a control character in a string");
            }
            if (c != '\\') {
                out.append(c);
                continue;
            }
            at++;
            switch (peek()) {
                case 'n' -> out.append('\n');
                case 't' -> out.append('\t');
                case 'r' -> out.append('\r');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'u' -> {
                    out.append((char) hex());
                    at += 4;
                }
                case '"', '\\', '/' -> out.append(peek());
                default -> throw wrong("no such escape");
            }
        }
        at++;
        return out.toString();
    }

    private int hex() {
        int value = 0;
        for (int i = at + 1; i < at + 5; i++) {
            int digit = i < text.length() ? Character.digit(text.charAt(i), 16) : -1;
            if (digit < 0) {
                throw wrong("four hexadecimal digits were expected");
            }
            value = value << 4 | digit;
        }
        return value;
    }

    private @Nullable Object word(String word, @Nullable Object value) {
        if (!text.startsWith(word, at)) {
            throw wrong("no such word");
        }
        at += word.length();
        return value;
    }

    private Object number() {
        int start = at;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
        String digits = text.substring(start, at);
        if (!NUMBER.matcher(digits).matches()) {
            throw wrong("a value was expected");
        }
        try {
            return digits.chars().allMatch(c -> c == '-' || c >= '0' && c <= '9')
                    ? (Object) Long.valueOf(digits)
                    : (Object) Double.valueOf(digits);
        } catch (NumberFormatException e) {
            throw wrong("a number of more than 64 bits");
        }
    }

    private char peek() {
        if (at >= text.length()) {
            throw wrong("it ends too early");
        }
        return text.charAt(at);
    }

    private boolean skip(char c) {
        space();
        if (peek() != c) {
            return false;
        }
        at++;
        return true;
    }

    private void expect(char c) {
        if (!skip(c)) {
            throw wrong("'" + c + "' was expected");
        }
    }

    private void space() {
        while (at < text.length() && " \t\r\n".indexOf(text.charAt(at)) >= 0) {
            at++;
        }
    }

    private IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("no JSON at character " + at + ": " + why);
    }
}
