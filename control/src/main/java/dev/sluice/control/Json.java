package dev.sluice.control;

import dev.sluice.control.diagnose.Secret;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.MacAddress;
import java.lang.reflect.RecordComponent;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes JSON (RFC 8259), indented for people: records become objects of their components, enum constants lower case with dashes,
 * addresses their text.
 */
public final class Json {
    private static final String HEX = "0123456789abcdef";

    private final StringBuilder out = new StringBuilder(1024);
    private final boolean oneLine;
    private final String colon;
    private int depth;

    private Json(boolean oneLine, String colon) {
        this.oneLine = oneLine;
        this.colon = colon;
    }

    /** @throws IllegalArgumentException if something in {@code value} has no form in JSON */
    public static String of(@Nullable Object value) {
        Json json = new Json(false, ": ");
        json.write(value);
        return json.out.append('\n').toString();
    }

    /** As {@link #of}, without any line break. */
    public static String line(@Nullable Object value) {
        return line(value, ": ");
    }

    /** As {@link #line}, without any space that it can do without: as other programs write it, whose readers may look for that. */
    public static String compact(@Nullable Object value) {
        return line(value, ":");
    }

    private static String line(@Nullable Object value, String colon) {
        Json json = new Json(true, colon);
        json.write(value);
        return json.out.toString();
    }

    private void write(@Nullable Object value) {
        switch (value) {
            case null -> out.append("null");
            case Boolean flag -> out.append(flag.booleanValue());
            case Integer number -> out.append(number.intValue());
            case Long number -> out.append(number.longValue());
            case CharSequence text -> string(text);
            case Enum<?> constant ->
                string(constant.name().toLowerCase(Locale.ROOT).replace('_', '-'));
            case IpAddress address -> string(address.toString());
            case Ipv4Cidr network -> string(network.toString());
            case Ipv6Cidr network -> string(network.toString());
            case MacAddress address -> string(address.toString());
            case Map<?, ?> map -> object(map);
            case Collection<?> list -> array(list);
            case Secret _ -> string(Secret.SHOWN);
            case Record record -> object(components(record));
            default -> throw new IllegalArgumentException(value.getClass() + " has no form in JSON");
        }
    }

    /** The components of a record, by name and in order. */
    static Map<String, @Nullable Object> components(Record record) {
        Map<String, @Nullable Object> values = new LinkedHashMap<>();
        for (RecordComponent component : record.getClass().getRecordComponents()) {
            try {
                values.put(component.getName(), component.getAccessor().invoke(record));
            } catch (ReflectiveOperationException e) {
                throw new IllegalArgumentException(record.getClass() + " is not readable", e);
            }
        }
        return values;
    }

    private void object(Map<?, ?> map) {
        out.append('{');
        depth++;
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            line();
            string(String.valueOf(entry.getKey()));
            out.append(colon);
            write(entry.getValue());
            separator = ",";
        }
        depth--;
        if (!map.isEmpty()) {
            line();
        }
        out.append('}');
    }

    private void array(Collection<?> items) {
        out.append('[');
        depth++;
        String separator = "";
        for (Object item : items) {
            out.append(separator);
            line();
            write(item);
            separator = ",";
        }
        depth--;
        if (!items.isEmpty()) {
            line();
        }
        out.append(']');
    }

    private void line() {
        if (oneLine) {
            return;
        }
        out.append('\n').repeat("  ", depth);
    }

    private void string(CharSequence text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"', '\\' -> out.append('\\').append(c);
                case '\n' -> out.append("\\n");
                case '\t' -> out.append("\\t");
                default -> {
                    // Controls, also those that would steer a terminal, and halves of characters, which have no UTF-8.
                    if (c < 0x20 || c >= 0x7f && c < 0xa0 || Character.isSurrogate(c)) {
                        out.append("\\u");
                        for (int shift = 12; shift >= 0; shift -= 4) {
                            out.append(HEX.charAt(c >> shift & 0xf));
                        }
                    } else {
                        out.append(c);
                    }
                }
            }
        }
        out.append('"');
    }
}
