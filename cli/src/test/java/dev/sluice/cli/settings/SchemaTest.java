package dev.sluice.cli.settings;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.control.Json;
import dev.sluice.wire.JsonReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The JSON Schema and the reader agree: each accepts what the other describes, and both refuse what has another shape. */
class SchemaTest {
    private static final Map<?, ?> SCHEMA = (Map<?, ?>) JsonReader.read(Json.of(Schema.document()));

    /** Values of every shape. */
    private static final List<@Nullable Object> SHAPES = java.util.Arrays.asList(
            "text",
            7L,
            -1L,
            true,
            null,
            List.of(),
            List.of(7L),
            List.of(true),
            List.of(List.of()),
            Map.of(),
            Map.of("a", 7L),
            Map.of("a", List.of(7L)));

    @Test
    void theDocumentationHoldsIt() throws Exception {
        assertThat(Files.readString(Path.of("../docs/config.schema.json"))).isEqualTo(Json.of(Schema.document()));
    }

    @TestFactory
    List<DynamicTest> bothSayTheSame() {
        List<DynamicTest> tests = new ArrayList<>();
        for (Key<?> key : Keys.ALL) {
            tests.add(DynamicTest.dynamicTest(key.name(), () -> check(key)));
        }
        return tests;
    }

    private static void check(Key<?> key) throws Exception {
        Map<?, ?> schema = schema(key);
        assertThat(schema).as("it is in the schema").isNotEmpty();
        assertThat(String.valueOf(schema.get("description"))).startsWith(key.text());
        for (Object example : examples(schema)) {
            assertThat(flaws(nested(key.name(), example))).isEmpty();
            SettingsReader.json(nested(key.name(), example), Where.API);
        }
        for (Object shape : SHAPES) {
            Object document = nested(key.name(), shape);
            boolean read;
            try {
                SettingsReader.json(document, Where.API);
                read = true;
            } catch (SettingsException e) {
                read = false;
            }
            // the schema knows shapes, not meanings: whatever it refuses the reader has to refuse, and what is read
            // fits it
            assertThat(!read || flaws(document).isEmpty())
                    .as(key.name() + ": the reader takes " + shape + ", the schema does not")
                    .isTrue();
            boolean meaning = shape instanceof String || shape instanceof Map<?, ?> || isWordy(schema, shape);
            assertThat(read || meaning || !flaws(document).isEmpty())
                    .as(key.name() + ": the schema takes " + shape + ", the reader does not")
                    .isTrue();
        }
    }

    /** Whether a number stands where a text with a meaning could. */
    private static boolean isWordy(Map<?, ?> schema, @Nullable Object shape) {
        return shape instanceof List<?> list
                && !list.isEmpty()
                && schema.get("items") instanceof Map<?, ?> items
                && items.get("type") instanceof List<?>;
    }

    private static List<Object> examples(Map<?, ?> schema) {
        List<Object> all = new ArrayList<>();
        if (schema.get("examples") instanceof List<?> examples) {
            all.addAll(examples);
        } else if (schema.get("items") instanceof Map<?, ?> items) {
            examples(items).forEach(each -> all.add(List.of(each)));
        } else if (schema.get("minimum") instanceof Long least) {
            all.add(least);
            all.add(schema.get("maximum"));
        } else {
            all.add(true);
        }
        return all;
    }

    private static Map<?, ?> schema(Key<?> key) {
        Object at = SCHEMA;
        for (String name : key.name().split("\\.")) {
            at = at instanceof Map<?, ?> map && map.get("properties") instanceof Map<?, ?> below
                    ? below.get(name)
                    : null;
        }
        return at instanceof Map<?, ?> map ? map : Map.of();
    }

    private static Map<String, @Nullable Object> nested(String name, @Nullable Object value) {
        int dot = name.indexOf('.');
        Map<String, @Nullable Object> map = new LinkedHashMap<>();
        map.put(dot < 0 ? name : name.substring(0, dot), dot < 0 ? value : nested(name.substring(dot + 1), value));
        return map;
    }

    @Test
    void everySectionAndKeyOfTheSchemaIsKnownToTheReader() {
        List<String> names = new ArrayList<>();
        collect(SCHEMA, "", names);
        assertThat(names)
                .containsExactlyInAnyOrderElementsOf(
                        Keys.ALL.stream().map(Key::name).toList());
        assertThat(flaws(Map.of("xyzzy", 1L))).isNotEmpty();
        assertThat(flaws(Map.of("dns", Map.of("xyzzy", 1L)))).isNotEmpty();
    }

    private static void collect(Map<?, ?> schema, String place, List<String> into) {
        if (schema.get("properties") instanceof Map<?, ?> properties) {
            properties.forEach(
                    (name, each) -> collect((Map<?, ?>) each, place + (place.isEmpty() ? "" : ".") + name, into));
        } else {
            into.add(place);
        }
    }

    private static List<String> flaws(@Nullable Object document) {
        return flaws(document, SCHEMA, "");
    }

    /** What is wrong with a value by the part of JSON Schema that the document uses. */
    private static List<String> flaws(@Nullable Object value, Map<?, ?> schema, String at) {
        if (schema.get("oneOf") instanceof List<?> choices) {
            return choices.stream()
                                    .filter(each ->
                                            flaws(value, (Map<?, ?>) each, at).isEmpty())
                                    .count()
                            == 1
                    ? List.of()
                    : List.of(at + " is none of those it may be");
        }
        List<?> types = schema.get("type") instanceof List<?> several ? several : List.of(schema.get("type"));
        if (!types.contains(type(value))) {
            return List.of(at + " is " + type(value) + ", not " + types);
        }
        List<String> flaws = new ArrayList<>();
        if (value instanceof Long number
                && (schema.get("minimum") instanceof Long least && number < least
                        || schema.get("maximum") instanceof Long most && number > most)) {
            flaws.add(at + " is out of bounds");
        }
        if (schema.get("enum") instanceof List<?> allowed && !allowed.contains(value)) {
            flaws.add(at + " is none of " + allowed);
        }
        if (value instanceof List<?> list && schema.get("items") instanceof Map<?, ?> items) {
            list.forEach(each -> flaws.addAll(flaws(each, items, at + "[]")));
        }
        if (value instanceof Map<?, ?> map) {
            Map<?, ?> properties = schema.get("properties") instanceof Map<?, ?> known ? known : Map.of();
            if (schema.get("required") instanceof List<?> required) {
                required.stream()
                        .filter(name -> !map.containsKey(name))
                        .forEach(name -> flaws.add(at + " lacks " + name));
            }
            map.forEach((name, each) -> {
                if (properties.get(name) instanceof Map<?, ?> below) {
                    flaws.addAll(flaws(each, below, at + "." + name));
                } else if (schema.get("additionalProperties") instanceof Map<?, ?> others) {
                    flaws.addAll(flaws(each, others, at + "." + name));
                } else {
                    flaws.add(at + "." + name + " is not described");
                }
            });
        }
        return flaws;
    }

    private static String type(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case String _ -> "string";
            case Long _ -> "integer";
            case Boolean _ -> "boolean";
            case List<?> _ -> "array";
            default -> "object";
        };
    }
}
