package dev.sluice.gateway.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/** The field lines of a head, in order. Names are compared without regard to case. */
public record Fields(List<Field> list) {
    public Fields {
        list = List.copyOf(list);
    }

    public boolean has(String name) {
        return list.stream().anyMatch(field -> field.is(name));
    }

    /** The values of all fields of this name. */
    public List<String> all(String name) {
        return list.stream().filter(field -> field.is(name)).map(Field::value).toList();
    }

    public Optional<String> first(String name) {
        return list.stream().filter(field -> field.is(name)).map(Field::value).findFirst();
    }

    /** The members of a list field (RFC 9110 §5.6.1), in lower case; empty ones are none. */
    public List<String> members(String name) {
        List<String> members = new ArrayList<>();
        for (String value : all(name)) {
            for (String member : value.split(",", -1)) {
                String text = member.strip().toLowerCase(Locale.ROOT);
                if (!text.isEmpty()) {
                    members.add(text);
                }
            }
        }
        return members;
    }

    /** Without those of these names (in lower case). */
    public Fields without(Predicate<String> names) {
        return new Fields(list.stream()
                .filter(field -> !names.test(field.name().toLowerCase(Locale.ROOT)))
                .toList());
    }

    /** With one more at the end. */
    public Fields with(String name, String value) {
        List<Field> more = new ArrayList<>(list);
        more.add(Field.of(name, value));
        return new Fields(more);
    }

    /** With this value in the place of the first field of the name, and no other of that name; in front if there was none. */
    public Fields replacing(String name, String value) {
        List<Field> changed = new ArrayList<>(list.size() + 1);
        boolean placed = false;
        for (Field field : list) {
            if (!field.is(name)) {
                changed.add(field);
            } else if (!placed) {
                placed = true;
                changed.add(field.value().equals(value) ? field : Field.of(field.name(), value));
            }
        }
        if (!placed) {
            changed.addFirst(Field.of(name, value));
        }
        return new Fields(changed);
    }

    void write(StringBuilder out) {
        for (Field field : list) {
            out.append(field.line()).append("\r\n");
        }
        out.append("\r\n");
    }
}
