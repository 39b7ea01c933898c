package dev.sluice.cli.settings;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The JSON Schema of a settings file (draft 2020-12), for editors that complete and check. */
public final class Schema {
    private Schema() {}

    /** All of it. */
    public static Map<String, Object> document() {
        Map<String, Object> schema = section("");
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        document.put("title", "Sluice settings");
        document.putAll(schema);
        document.put("type", List.of("object", "null"));
        return document;
    }

    private static Map<String, Object> section(String place) {
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Key<?> key : Keys.ALL) {
            if (key.name().startsWith(place)) {
                String rest = key.name().substring(place.length());
                int dot = rest.indexOf('.');
                if (dot < 0) {
                    properties.put(rest, described(key));
                } else {
                    String name = rest.substring(0, dot);
                    properties.computeIfAbsent(name, _ -> section(place + name + "."));
                }
            }
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", List.of("object", "null"));
        schema.put("properties", properties);
        schema.put("additionalProperties", false);
        return schema;
    }

    private static Map<String, Object> described(Key<?> key) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put(
                "description",
                key.text() + " Without it: " + key.usual() + "."
                        + (key.live() ? "" : " Can't change while the network runs."));
        schema.putAll(key.form().schema());
        return schema;
    }
}
