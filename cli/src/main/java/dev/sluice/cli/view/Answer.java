package dev.sluice.cli.view;

import dev.sluice.wire.JsonReader;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An object of the API's JSON. What it does not say is empty, 0 or false. */
public record Answer(Map<?, ?> members) {
    /** @throws IllegalArgumentException if it is no JSON */
    public static Answer of(String json) {
        return of(JsonReader.read(json));
    }

    private static Answer of(@Nullable Object value) {
        return new Answer(value instanceof Map<?, ?> map ? map : Map.of());
    }

    /** A member as text; empty if there is none. */
    public String text(String name) {
        Object value = members.get(name);
        return value == null ? "" : String.valueOf(value);
    }

    public long number(String name) {
        return members.get(name) instanceof Long number ? number : 0;
    }

    public boolean flag(String name) {
        return Boolean.TRUE.equals(members.get(name));
    }

    /** An object in it. */
    public Answer object(String name) {
        return of(members.get(name));
    }

    /** A list of objects in it. */
    public List<Answer> list(String name) {
        List<Answer> all = new ArrayList<>();
        if (members.get(name) instanceof List<?> list) {
            list.forEach(item -> all.add(of(item)));
        }
        return all;
    }

    /** A list of texts in it. */
    public List<String> texts(String name) {
        List<String> all = new ArrayList<>();
        if (members.get(name) instanceof List<?> list) {
            list.forEach(item -> all.add(String.valueOf(item)));
        }
        return all;
    }
}
