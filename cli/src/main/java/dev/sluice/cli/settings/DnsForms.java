package dev.sluice.cli.settings;

import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.dns.DnsServer;
import dev.sluice.gateway.dns.DnsSettings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How names, records and zones are written. */
public final class DnsForms {
    /** Records given when a network starts go as soon as it does, so guests keep them for a short time only. */
    private static final int RECORD_TTL = 60;

    static final Form<DnsServer> SERVER =
            Form.text("192.0.2.53", (text, _) -> DnsServer.parse(text), DnsServer::toString);
    static final Form<String> NAME = Form.text("my.host", (text, _) -> text, text -> text);
    static final Form<DnsDirectory.Entry> RECORD = new RecordForm();
    static final Form<List<DnsDirectory.Zone>> ZONES = new ZonesForm();

    private DnsForms() {}

    /**
     * Reads {@code NAME=ADDRESS} or {@code NAME=OTHER.NAME}.
     *
     * @throws IllegalArgumentException saying how it is written
     */
    public static DnsDirectory.Entry record(String text) {
        int equals = text.indexOf('=');
        if (equals <= 0 || equals == text.length() - 1) {
            throw new IllegalArgumentException("write NAME=ADDRESS, as in db.test=10.0.0.5");
        }
        String value = text.substring(equals + 1);
        return new DnsDirectory.Entry(text.substring(0, equals), type(value), RECORD_TTL, value);
    }

    private static String type(String value) {
        boolean digits = value.chars().allMatch(c -> c == '.' || c >= '0' && c <= '9');
        return value.indexOf(':') >= 0 ? "AAAA" : digits ? "A" : "CNAME";
    }

    /**
     * Reads {@code ZONE=SERVER[,SERVER]} or {@code ZONE=}.
     *
     * @throws IllegalArgumentException saying how it is written
     */
    public static DnsDirectory.Zone zone(String text) {
        int equals = text.indexOf('=');
        if (equals <= 0) {
            throw new IllegalArgumentException("write ZONE=SERVER, as in corp.example=10.0.0.53");
        }
        String list = text.substring(equals + 1);
        List<String> asked = list.isEmpty() ? List.of() : List.of(list.split(","));
        asked.forEach(DnsServer::parse);
        return new DnsDirectory.Zone(text.substring(0, equals), asked);
    }

    /** {@code NAME=VALUE}, or the parts by name. */
    private static final class RecordForm extends Form<DnsDirectory.Entry> {
        private static final List<String> PARTS = List.of("name", "type", "value", "ttl");
        private static final Form<String> WORD = Form.text("db.test", (text, _) -> text, text -> text);
        private static final Form<Long> TTL = Form.number(0, Integer.MAX_VALUE);

        @Override
        DnsDirectory.@Nullable Entry read(Item item, String key, Mistakes mistakes) {
            DnsDirectory.Entry entry = switch (item) {
                case Item.Mapping mapping -> parts(mapping, key, mistakes);
                default ->
                    Form.text("db.test=10.0.0.5", (text, _) -> record(text), e -> e)
                            .read(item, key, mistakes);
            };
            if (entry == null) {
                return null;
            }
            try {
                DnsSettings.defaults().withRecords(List.of(entry));
                return entry;
            } catch (IllegalArgumentException e) {
                mistakes.add(item.where(), key, String.valueOf(e.getMessage()));
                return null;
            }
        }

        private static DnsDirectory.@Nullable Entry parts(Item.Mapping mapping, String key, Mistakes mistakes) {
            Map<String, String> words = new LinkedHashMap<>();
            long ttl = RECORD_TTL;
            boolean whole = true;
            for (Map.Entry<String, Item.Member> each : mapping.members().entrySet()) {
                String name = each.getKey();
                Item item = each.getValue().item();
                String path = key + "." + name;
                if (!PARTS.contains(name)) {
                    mistakes.add(
                            each.getValue().where(), path, "means nothing; a record has " + String.join(", ", PARTS));
                    whole = false;
                } else if (name.equals("ttl")) {
                    Long seconds = TTL.read(item, path, mistakes);
                    whole &= seconds != null;
                    ttl = seconds == null ? ttl : seconds;
                } else {
                    String word = WORD.read(item, path, mistakes);
                    whole &= word != null;
                    words.put(name, word == null ? "" : word);
                }
            }
            for (String name : List.of("name", "value")) {
                if (!words.containsKey(name)) {
                    mistakes.add(mapping.where(), key, "lacks '" + name + "'");
                    whole = false;
                }
            }
            String value = words.getOrDefault("value", "");
            return whole
                    ? new DnsDirectory.Entry(
                            words.getOrDefault("name", ""),
                            words.getOrDefault("type", type(value)),
                            Math.toIntExact(ttl),
                            value)
                    : null;
        }

        @Override
        Object plain(DnsDirectory.Entry entry) {
            Map<String, Object> parts = new LinkedHashMap<>();
            parts.put("name", entry.name());
            parts.put("type", entry.type());
            parts.put("value", entry.value());
            parts.put("ttl", entry.ttl());
            return parts;
        }

        @Override
        Map<String, Object> schema() {
            Map<String, Object> parts = new LinkedHashMap<>();
            for (String name : PARTS) {
                parts.put(name, name.equals("ttl") ? TTL.schema() : Map.of("type", "string"));
            }
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("type", "object");
            object.put("properties", parts);
            object.put("required", List.of("name", "value"));
            object.put("additionalProperties", false);
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put("oneOf", List.of(Map.of("type", "string"), object));
            schema.put("examples", List.of("db.test=10.0.0.5"));
            return schema;
        }
    }

    /** A mapping from zones to lists of servers. */
    private static final class ZonesForm extends Form<List<DnsDirectory.Zone>> {
        private static final Form<List<DnsServer>> SERVERS = Form.list(SERVER, 16);

        @Override
        @Nullable
        List<DnsDirectory.Zone> read(Item item, String key, Mistakes mistakes) {
            if (!(item instanceof Item.Mapping(Map<String, Item.Member> members, Where _))) {
                mistakes.add(
                        item.where(),
                        key,
                        "must be a mapping from zones to servers, as corp.example: [10.0.0.53], not " + item.kind());
                return null;
            }
            List<DnsDirectory.Zone> zones = new ArrayList<>();
            members.forEach((name, member) -> {
                List<DnsServer> servers = SERVERS.read(member.item(), key + "." + name, mistakes);
                if (servers != null) {
                    zone(name, servers, member, key, mistakes, zones);
                }
            });
            return zones.size() == members.size() ? List.copyOf(zones) : null;
        }

        private static void zone(
                String name,
                List<DnsServer> servers,
                Item.Member member,
                String key,
                Mistakes mistakes,
                List<DnsDirectory.Zone> zones) {
            DnsDirectory.Zone zone = new DnsDirectory.Zone(
                    name, servers.stream().map(DnsServer::toString).toList());
            try {
                DnsSettings.defaults().withZones(List.of(zone));
                zones.add(zone);
            } catch (IllegalArgumentException e) {
                mistakes.add(member.where(), key, String.valueOf(e.getMessage()));
            }
        }

        @Override
        Object plain(List<DnsDirectory.Zone> zones) {
            Map<String, Object> all = new LinkedHashMap<>();
            zones.forEach(zone -> all.put(zone.name(), zone.servers()));
            return all;
        }

        @Override
        Map<String, Object> schema() {
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put("type", "object");
            schema.put("additionalProperties", SERVERS.schema());
            schema.put("examples", List.of(Map.of("corp.example", List.of("10.0.0.53"))));
            return schema;
        }
    }
}
