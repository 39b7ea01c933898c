package dev.sluice.cli.settings;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A piece of a document, of whatever language, and where it stands. */
sealed interface Item {
    Where where();

    /**
     * Text, number, truth value or nothing.
     *
     * @param value String, Long, Boolean or null
     * @param text as it was written
     */
    record Scalar(@Nullable Object value, String text, Where where) implements Item {}

    record Sequence(List<Item> items, Where where) implements Item {}

    record Mapping(Map<String, Member> members, Where where) implements Item {}

    /** @param where its name stands */
    record Member(Where where, Item item) {}

    /** For messages: {@code a list}. */
    default String kind() {
        return switch (this) {
            case Mapping _ -> "a mapping";
            case Sequence _ -> "a list";
            case Scalar(Object value, String text, Where _) -> value == null ? "nothing" : "'" + text + "'";
        };
    }

    /** From a value as {@link dev.sluice.wire.JsonReader} gives it. */
    static Item of(@Nullable Object value, Where where) {
        return switch (value) {
            case Map<?, ?> map -> {
                Map<String, Member> members = new LinkedHashMap<>();
                map.forEach((name, each) -> members.put(String.valueOf(name), new Member(where, of(each, where))));
                yield new Mapping(members, where);
            }
            case List<?> list -> {
                List<Item> items = new ArrayList<>();
                list.forEach(each -> items.add(of(each, where)));
                yield new Sequence(items, where);
            }
            case null -> new Scalar(null, "", where);
            case Integer number -> new Scalar(number.longValue(), number.toString(), where);
            default -> new Scalar(value, String.valueOf(value), where);
        };
    }
}
