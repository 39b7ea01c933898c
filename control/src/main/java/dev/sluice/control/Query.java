package dev.sluice.control;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The fields of a query ({@code a=1&b=2}), taken one by one; what is left at the end is refused. Used by one thread. */
public final class Query {
    private final Map<String, List<String>> left;

    private Query(Map<String, List<String>> left) {
        this.left = left;
    }

    static Query of(String query) {
        Map<String, List<String>> fields = new LinkedHashMap<>();
        for (String field : query.isEmpty() ? new String[0] : query.split("&")) {
            int equals = field.indexOf('=');
            String name = HttpRequest.decode(equals < 0 ? field : field.substring(0, equals), "");
            String value = equals < 0 ? "" : HttpRequest.decode(field.substring(equals + 1), name);
            fields.computeIfAbsent(name, _ -> new ArrayList<>()).add(value);
        }
        return new Query(fields);
    }

    /** Every value of a field that may be repeated. */
    List<String> all(String name) {
        List<String> values = left.remove(name);
        return values == null ? List.of() : values;
    }

    /** The value of a field; {@code otherwise} if it is not there. */
    String text(String name, String otherwise) {
        List<String> values = all(name);
        if (values.size() > 1) {
            throw HttpProblem.bad("'" + name + "' may stand only once", name);
        }
        return values.isEmpty() ? otherwise : values.getFirst();
    }

    /** Refuses what nobody took; to be called once all were. */
    void end(String... known) {
        for (String name : left.keySet()) {
            throw HttpProblem.bad(
                    "'" + name + "' means nothing here"
                            + (known.length == 0 ? "" : "; known are '" + String.join("', '", known) + "'"),
                    name);
        }
    }
}
