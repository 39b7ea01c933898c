package dev.sluice.control;

import dev.sluice.wire.JsonReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The members of a JSON object that a client sent, taken one by one and checked; what is left at the end is refused. Every mistake is an
 * {@link HttpProblem} that names the field. Used by one thread.
 */
public final class Fields {
    /** What stands before the name of a member in messages: {@code records[0].}, or nothing. */
    private final String place;

    private final Map<String, Object> left = new LinkedHashMap<>();
    private final List<String> known = new ArrayList<>();

    private Fields(String place, Map<?, ?> members) {
        this.place = place;
        members.forEach((name, value) -> left.put(String.valueOf(name), value));
    }

    static Fields of(String json) {
        Object value;
        try {
            value = JsonReader.read(json);
        } catch (IllegalArgumentException e) {
            throw HttpProblem.bad(String.valueOf(e.getMessage()));
        }
        if (!(value instanceof Map<?, ?> members)) {
            throw HttpProblem.bad("the body must be an object, as {\"name\": …}");
        }
        return new Fields("", members);
    }

    private String path(String name) {
        return place + name;
    }

    private @Nullable Object take(String name) {
        known.add(name);
        return left.remove(name);
    }

    private Object required(String name, String what) {
        if (!left.containsKey(name)) {
            throw wrong(name, "must be there, and be " + what);
        }
        Object value = take(name);
        if (value == null) {
            throw wrong(name, "must be " + what + ", not null");
        }
        return value;
    }

    private HttpProblem wrong(String name, String why) {
        return HttpProblem.bad("'" + path(name) + "' " + why, path(name));
    }

    /** A text that must be there. */
    String text(String name) {
        if (required(name, "a text") instanceof String text) {
            return text;
        }
        throw wrong(name, "must be a text");
    }

    /** A text; {@code otherwise} if it is not there. */
    String text(String name, String otherwise) {
        if (left.containsKey(name)) {
            return text(name);
        }
        known.add(name);
        return otherwise;
    }

    /** A whole number within bounds; {@code otherwise} if it is not there. */
    int number(String name, int least, int most, int otherwise) {
        if (!left.containsKey(name)) {
            known.add(name);
            return otherwise;
        }
        String what = "a whole number within " + least + "…" + most;
        if (required(name, what) instanceof Long number && number >= least && number <= most) {
            return number.intValue();
        }
        throw wrong(name, "must be " + what);
    }

    /** A list of texts that must be there. */
    List<String> texts(String name, String example) {
        String what = "a list of texts as " + example;
        if (!(required(name, what) instanceof List<?> list)) {
            throw wrong(name, "must be " + what);
        }
        List<String> texts = new ArrayList<>(list.size());
        for (Object each : list) {
            if (!(each instanceof String text)) {
                throw wrong(name + "[" + texts.size() + "]", "must be a text as " + example);
            }
            texts.add(text);
        }
        return texts;
    }

    /** A list of objects that must be there. */
    List<Fields> objects(String name) {
        if (!(required(name, "a list of objects") instanceof List<?> list)) {
            throw wrong(name, "must be a list of objects");
        }
        List<Fields> objects = new ArrayList<>(list.size());
        for (Object each : list) {
            String item = name + "[" + objects.size() + "]";
            if (!(each instanceof Map<?, ?> members)) {
                throw wrong(item, "must be an object");
            }
            objects.add(new Fields(path(item) + ".", members));
        }
        return objects;
    }

    /** Refuses what nobody took; to be called once all were. */
    void end() {
        for (String name : left.keySet()) {
            throw wrong(
                    name,
                    "means nothing here; "
                            + (known.size() == 1 ? "the only member is" : "known are")
                            + " '" + String.join("', '", known) + "'");
        }
    }
}
