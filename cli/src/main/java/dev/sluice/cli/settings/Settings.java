package dev.sluice.cli.settings;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Keys with their values, and where each was said. Immutable. */
public final class Settings {
    /** @param value of the key's type */
    private record Said(Object value, Where where) {}

    /** With nothing said. */
    public static final Settings NONE = new Settings(Map.of());

    private final Map<Key<?>, Said> said;

    private Settings(Map<Key<?>, Said> said) {
        this.said = said;
    }

    /** Null if it was not said. */
    @SuppressWarnings("unchecked") // only Draft puts values, under keys of their type
    public <T extends Object> @Nullable T get(Key<T> key) {
        Said found = said.get(key);
        return found == null ? null : (T) found.value;
    }

    public <T extends Object> T get(Key<T> key, T otherwise) {
        T value = get(key);
        return value == null ? otherwise : value;
    }

    public boolean has(Key<?> key) {
        return said.containsKey(key);
    }

    /** Where it was said; null if it was not. */
    public @Nullable Where where(Key<?> key) {
        Said found = said.get(key);
        return found == null ? null : found.where;
    }

    /** These where they say something, else the lower ones. */
    public Settings over(Settings lower) {
        if (lower.said.isEmpty()) {
            return this;
        }
        Map<Key<?>, Said> all = new LinkedHashMap<>(lower.said);
        all.putAll(said);
        return new Settings(all);
    }

    /** Keys whose values differ, in the order of the table. */
    public List<Key<?>> differences(Settings other) {
        List<Key<?>> all = new ArrayList<>();
        for (Key<?> key : Keys.ALL) {
            if (!Objects.equals(get(key), other.get(key))) {
                all.add(key);
            }
        }
        return all;
    }

    /** As a document: sections with what was said. */
    public Map<String, Object> plain() {
        Map<String, Object> sections = new LinkedHashMap<>();
        for (Key<?> key : Keys.ALL) {
            Object value = plain(key);
            if (value != null) {
                put(sections, key.name(), value);
            }
        }
        return sections;
    }

    private <T extends Object> @Nullable Object plain(Key<T> key) {
        T value = get(key);
        return value == null ? null : key.form().plain(value);
    }

    @SuppressWarnings("unchecked") // made here
    private static void put(Map<String, Object> sections, String name, Object value) {
        int dot = name.indexOf('.');
        if (dot < 0) {
            sections.put(name, value);
        } else {
            put(
                    (Map<String, Object>) sections.computeIfAbsent(name.substring(0, dot), _ -> new LinkedHashMap<>()),
                    name.substring(dot + 1),
                    value);
        }
    }

    /** Where each key was said, by name. */
    public Map<String, String> origins() {
        Map<String, String> all = new LinkedHashMap<>();
        for (Key<?> key : Keys.ALL) {
            Where where = where(key);
            if (where != null) {
                all.put(key.name(), where.toString());
            }
        }
        return all;
    }

    /** Settings in the making, by one thread. */
    public static final class Draft {
        private final Map<Key<?>, Said> said = new LinkedHashMap<>();

        /** Says it, in the place of what was said before. */
        public <T extends Object> Draft set(Key<T> key, T value, Where where) {
            said.put(key, new Said(value, where));
            return this;
        }

        /**
         * Says it as it is written.
         *
         * @throws IllegalArgumentException saying what is wrong
         */
        public <T extends Object> Draft parse(Key<T> key, String text, Where where) {
            Mistakes mistakes = new Mistakes();
            T value = key.form().read(new Item.Scalar(text, text, where), key.name(), mistakes);
            if (value == null) {
                throw new IllegalArgumentException(mistakes.first());
            }
            return set(key, value, where);
        }

        /** Adds to a list. */
        public <T extends Object> Draft add(Key<List<T>> key, List<T> more, Where where) {
            List<T> all = new ArrayList<>(build().get(key, List.of()));
            all.addAll(more);
            return set(key, List.copyOf(all), where);
        }

        public Settings build() {
            return said.isEmpty() ? NONE : new Settings(Map.copyOf(said));
        }
    }
}
