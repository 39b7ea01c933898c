package dev.sluice.cli.settings;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** How values of one kind are written: read from a document, shown as one, and described by JSON Schema (draft 2020-12). Any thread. */
public abstract class Form<T extends Object> {
    private static final String TYPE = "type";

    Form() {}

    /** The value; null if it was none, and {@code mistakes} says why. */
    abstract @Nullable T read(Item item, String key, Mistakes mistakes);

    /** As a document has it: maps, lists, texts, numbers, truth values; what is secret stays one. */
    abstract Object plain(T value);

    abstract Map<String, Object> schema();

    /** Reads a text. */
    @FunctionalInterface
    interface Parser<T extends Object> {
        /** @throws IllegalArgumentException saying what is wrong */
        T parse(String text, Where where);
    }

    /** A text that means something. */
    static <T extends Object> Form<T> text(String example, Parser<T> parser, Function<T, Object> plain) {
        return new Text<>(example, false, parser, plain);
    }

    /** The same where a bare number makes sense, too. */
    static <T extends Object> Form<T> textOrNumber(String example, Parser<T> parser, Function<T, Object> plain) {
        return new Text<>(example, true, parser, plain);
    }

    /** A file, relative to the folder of the document. */
    static Form<Path> path(String example) {
        return text(example, Form::resolved, Path::toString);
    }

    static Path resolved(String text, Where where) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("must not be empty");
        }
        try {
            Path folder = where.folder();
            return folder == null ? Path.of(text) : folder.resolve(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("'" + text + "' is no path: " + e.getReason(), e);
        }
    }

    static Form<Boolean> flag() {
        return new Flag();
    }

    /** A whole number within bounds. */
    static Form<Long> number(long least, long most) {
        return new Number(least, most);
    }

    /** A list. */
    static <T extends Object> Form<List<T>> list(Form<T> item, int most) {
        return new Several<T, T>(item, Function.identity(), List::of, most);
    }

    /** A list of which one item may stand for several; {@code most} bounds what all stand for. */
    static <T extends Object> Form<List<T>> flatList(Form<List<T>> item, int most) {
        return new Several<List<T>, T>(item, List::of, Function.identity(), most);
    }

    private static final class Text<T extends Object> extends Form<T> {
        private final String example;
        private final boolean numbers;
        private final Parser<T> parser;
        private final Function<T, Object> plain;

        Text(String example, boolean numbers, Parser<T> parser, Function<T, Object> plain) {
            this.example = example;
            this.numbers = numbers;
            this.parser = parser;
            this.plain = plain;
        }

        @Override
        @Nullable
        T read(Item item, String key, Mistakes mistakes) {
            if (!(item instanceof Item.Scalar(Object value, String text, Where where))
                    || !(value instanceof String || numbers && value instanceof Long)) {
                mistakes.add(
                        item.where(),
                        key,
                        "must be a text as " + example + ", not " + item.kind()
                                + (item instanceof Item.Scalar(Object v, String _, Where _) && v != null
                                        ? " (put it in quotes if it is meant as text)"
                                        : ""));
                return null;
            }
            try {
                return parser.parse(text, where);
            } catch (IllegalArgumentException e) {
                mistakes.add(where, key, String.valueOf(e.getMessage()));
                return null;
            }
        }

        @Override
        Object plain(T value) {
            return plain.apply(value);
        }

        @Override
        Map<String, Object> schema() {
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put(TYPE, numbers ? List.of("string", "integer") : "string");
            schema.put("examples", List.of(example));
            return schema;
        }
    }

    private static final class Flag extends Form<Boolean> {
        @Override
        @Nullable
        Boolean read(Item item, String key, Mistakes mistakes) {
            if (item instanceof Item.Scalar(Object value, String _, Where _) && value instanceof Boolean flag) {
                return flag;
            }
            mistakes.add(item.where(), key, "must be true or false, not " + item.kind());
            return null;
        }

        @Override
        Object plain(Boolean value) {
            return value;
        }

        @Override
        Map<String, Object> schema() {
            return Map.of(TYPE, "boolean");
        }
    }

    private static final class Number extends Form<Long> {
        private final long least;
        private final long most;

        Number(long least, long most) {
            this.least = least;
            this.most = most;
        }

        @Override
        @Nullable
        Long read(Item item, String key, Mistakes mistakes) {
            if (item instanceof Item.Scalar(Object value, String _, Where _)
                    && value instanceof Long number
                    && number >= least
                    && number <= most) {
                return number;
            }
            mistakes.add(
                    item.where(), key, "must be a whole number within " + least + "…" + most + ", not " + item.kind());
            return null;
        }

        @Override
        Object plain(Long value) {
            return value;
        }

        @Override
        Map<String, Object> schema() {
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put(TYPE, "integer");
            schema.put("minimum", least);
            schema.put("maximum", most);
            return schema;
        }
    }

    private static final class Several<I extends Object, T extends Object> extends Form<List<T>> {
        private final Form<I> item;
        private final Function<T, I> single;
        private final Function<I, List<T>> values;
        private final int most;

        Several(Form<I> item, Function<T, I> single, Function<I, List<T>> values, int most) {
            this.item = item;
            this.single = single;
            this.values = values;
            this.most = most;
        }

        @Override
        @Nullable
        List<T> read(Item list, String key, Mistakes mistakes) {
            if (!(list instanceof Item.Sequence(List<Item> items, Where where))) {
                mistakes.add(list.where(), key, "must be a list, as [" + example() + "], not " + list.kind());
                return null;
            }
            if (items.size() > most) {
                mistakes.add(where, key, "has " + items.size() + " items, and at most " + most + " can be");
                return null;
            }
            List<T> all = new ArrayList<>();
            boolean whole = true;
            for (int i = 0; i < items.size(); i++) {
                I read = item.read(items.get(i), key + "[" + i + "]", mistakes);
                whole &= read != null;
                if (read != null) {
                    all.addAll(values.apply(read));
                }
                if (all.size() > most) {
                    mistakes.add(where, key, "stands for more than " + most + " items, which is as many as can be");
                    return null;
                }
            }
            return whole ? List.copyOf(all) : null;
        }

        private Object example() {
            return item.schema().get("examples") instanceof List<?> examples ? examples.getFirst() : "…";
        }

        @Override
        Object plain(List<T> all) {
            return all.stream().map(each -> item.plain(single.apply(each))).toList();
        }

        @Override
        Map<String, Object> schema() {
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put(TYPE, "array");
            schema.put("items", item.schema());
            schema.put("maxItems", most);
            return schema;
        }
    }
}
