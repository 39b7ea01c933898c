package dev.sluice.cli.settings;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Reads one YAML 1.2 document from the library's events. The tree is made here rather than by the library: it keeps every place, and is
 * bounded in depth and, aliases counted as often as they stand, in size.
 */
final class YamlDocument {
    /** Characters. */
    static final int MAX_LENGTH = 1 << 20;

    static final int MAX_DEPTH = 32;
    static final int MAX_ITEMS = 50_000;

    /** YAML 1.2.2 §10.3.2, the core schema, as far as keys can use it. */
    private static final Pattern INTEGER = Pattern.compile("[-+]?[0-9]{1,18}");

    /** @param size items in it, as they would be if aliases were written out */
    private record Anchored(Item item, int size) {}

    private final Where file;
    private final Iterator<Event> events;
    private final Mistakes mistakes;
    private final Map<Anchor, Anchored> anchors = new HashMap<>();
    private int items;

    private YamlDocument(String text, Where file, Mistakes mistakes) {
        this.file = file;
        this.mistakes = mistakes;
        LoadSettings settings = LoadSettings.builder()
                .setLabel(file.source())
                .setCodePointLimit(MAX_LENGTH)
                .build();
        this.events = new ParserImpl(settings, new StreamReader(settings, text));
    }

    /**
     * Reads it; what does not spoil the tree (a name twice) goes to {@code mistakes}.
     *
     * @param file with what {@link Item#where} begins
     * @return null if the document is empty
     * @throws SettingsException if it is no YAML, or too large
     */
    static @Nullable Item read(String text, Where file, Mistakes mistakes) throws SettingsException {
        if (text.length() > MAX_LENGTH) {
            throw wrong(file, "it has more than " + MAX_LENGTH + " characters");
        }
        try {
            return new YamlDocument(text, file, mistakes).document();
        } catch (MarkedYamlEngineException e) {
            String problem = e.getContext() == null ? e.getProblem() : e.getContext() + ": " + e.getProblem();
            throw wrong(at(file, e.getProblemMark().orElse(null)), "this is no YAML: " + flat(problem));
        } catch (YamlEngineException e) {
            throw wrong(file, "this is no YAML: " + flat(String.valueOf(e.getMessage())));
        }
    }

    private static String flat(@Nullable String text) {
        return String.valueOf(text).replaceAll("\\s+", " ").strip();
    }

    private static SettingsException wrong(Where where, String message) {
        return new SettingsException(List.of(new Mistake(where, "", message)));
    }

    private static Where at(Where file, @Nullable Mark mark) {
        return mark == null ? file : file.at(mark.getLine() + 1, mark.getColumn() + 1);
    }

    private Where at(Event event) {
        return at(file, event.getStartMark().orElse(null));
    }

    private @Nullable Item document() throws SettingsException {
        Item root = null;
        int documents = 0;
        while (events.hasNext()) {
            Event event = events.next();
            switch (event.getEventId()) {
                case StreamStart, StreamEnd, DocumentEnd, Comment -> {}
                case DocumentStart -> {
                    if (++documents > 1) {
                        throw wrong(at(event), "a second document begins here; there is one to a file");
                    }
                }
                default -> root = item(event, 1);
            }
        }
        return root instanceof Item.Scalar(Object value, String _, Where _) && value == null ? null : root;
    }

    private Item item(Event event, int depth) throws SettingsException {
        Where where = at(event);
        if (depth > MAX_DEPTH) {
            throw wrong(where, "it is nested deeper than " + MAX_DEPTH + " levels");
        }
        if (event instanceof AliasEvent alias) {
            Anchored known = anchors.get(alias.getAlias());
            if (known == null) {
                throw wrong(where, "no anchor &" + alias.getAlias().getValue() + " stands before this alias");
            }
            count(known.size, where);
            return known.item;
        }
        int before = items;
        count(1, where);
        Item item = switch (event.getEventId()) {
            case Scalar -> scalar((ScalarEvent) event, where);
            case SequenceStart -> sequence(where, depth);
            case MappingStart -> mapping(where, depth);
            default -> throw wrong(where, "something is missing here");
        };
        if (event instanceof NodeEvent node && node.getAnchor().isPresent()) {
            anchors.put(node.getAnchor().get(), new Anchored(item, items - before));
        }
        return item;
    }

    private void count(int more, Where where) throws SettingsException {
        items += more;
        if (items > MAX_ITEMS) {
            throw wrong(where, "there are more than " + MAX_ITEMS + " values by here, aliases written out");
        }
    }

    private Item scalar(ScalarEvent scalar, Where where) throws SettingsException {
        if (scalar.getTag().isPresent()) {
            throw wrong(where, "tags as " + scalar.getTag().get() + " mean nothing here");
        }
        String text = scalar.getValue();
        return new Item.Scalar(scalar.isPlain() ? plain(text) : text, text, where);
    }

    private static @Nullable Object plain(String text) {
        return switch (text) {
            case "", "~", "null", "Null", "NULL" -> null;
            case "true", "True", "TRUE" -> true;
            case "false", "False", "FALSE" -> false;
            default -> INTEGER.matcher(text).matches() ? (Object) Long.parseLong(text) : text;
        };
    }

    private Item sequence(Where where, int depth) throws SettingsException {
        List<Item> list = new ArrayList<>();
        for (Event event = events.next(); event.getEventId() != Event.ID.SequenceEnd; event = events.next()) {
            list.add(item(event, depth + 1));
        }
        return new Item.Sequence(list, where);
    }

    private Item mapping(Where where, int depth) throws SettingsException {
        Map<String, Item.Member> members = new LinkedHashMap<>();
        for (Event event = events.next(); event.getEventId() != Event.ID.MappingEnd; event = events.next()) {
            Where place = at(event);
            Item name = item(event, depth + 1);
            Item value = item(events.next(), depth + 1);
            if (!(name instanceof Item.Scalar(Object _, String text, Where _))) {
                mistakes.add(place, "", "a name must be a word, not " + name.kind());
            } else if (members.putIfAbsent(text, new Item.Member(place, value)) instanceof Item.Member first) {
                mistakes.add(
                        place,
                        text,
                        "stands a second time; the first is in line "
                                + first.where().line());
            }
        }
        return new Item.Mapping(members, where);
    }
}
