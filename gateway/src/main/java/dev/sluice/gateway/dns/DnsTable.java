package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The records and zones given by configuration or at run time. Any thread: a change replaces an immutable picture, so a lookup sees all of
 * it or nothing, and waits for nobody.
 *
 * <p>A name's records override what the servers say of the same types; of addresses both families, and the records that carry address
 * hints (RFC 9460). A name that starts with {@code *.} stands for those under it that have no records (RFC 4592). A zone with servers is
 * asked of them; a zone without any is here alone, and what has no record in it does not exist.
 */
final class DnsTable implements DnsDirectory, NameSource {
    static final int MAX_RECORDS = 10_000;
    static final int MAX_ZONES = 1_000;

    /** One entry in both its forms. */
    private record Held(Entry entry, ResourceRecord record) {}

    private record Servers(Zone zone, Upstreams upstreams) {}

    /** @param reverse names of the addresses of A and AAAA records */
    private record Picture(
            Map<String, List<Held>> records, Map<IpAddress, List<String>> reverse, Map<String, Servers> zones) {}

    private final Runnable onChange;
    private volatile Picture picture = new Picture(Map.of(), Map.of(), Map.of());

    /** @param onChange told after each change, by whoever makes it */
    DnsTable(Runnable onChange) {
        this.onChange = onChange;
    }

    /** Adds what is there from the start. */
    void fill(List<Entry> records, List<Zone> zones) {
        if (!records.isEmpty()) {
            addRecords(records);
        }
        zones.forEach(this::putZone);
    }

    @Override
    public String title() {
        return "configured records";
    }

    @Override
    public @Nullable Answer answer(DnsQuery query) {
        Picture now = picture;
        if (now.records.isEmpty()) {
            return null;
        }
        List<Held> held = find(now, query.name());
        if (held != null) {
            return answer(query, held);
        }
        IpAddress address = now.reverse.isEmpty() ? null : ReverseName.parse(query.name());
        List<String> names = address == null ? null : now.reverse.get(address);
        return names == null ? null : NameSource.names(query, names);
    }

    /** What is said of names in zones that are here alone, once nobody else knew them. */
    NameSource zonesHeldHere() {
        return new NameSource() {
            @Override
            public String title() {
                return "zones without servers";
            }

            @Override
            public @Nullable Answer answer(DnsQuery query) {
                Picture now = picture;
                Servers zone = now.zones.isEmpty() ? null : zone(now, query.name());
                if (zone == null || !zone.upstreams.servers().isEmpty()) {
                    return null;
                }
                // A name with other records exists, and so does one that only has names under it (RFC 8020 §2).
                boolean exists = query.name().equals(key(zone.zone.name()))
                        || find(now, query.name()) != null
                        || now.records.keySet().stream().anyMatch(name -> name.endsWith("." + query.name()));
                return exists ? new Records(List.of()) : new NoSuchName();
            }
        };
    }

    /** The longest zone that {@code name} is in; null for none. */
    @Nullable
    Match zoneOf(String name) {
        Picture now = picture;
        Servers found = now.zones.isEmpty() ? null : zone(now, name);
        return found == null ? null : new Match(found.zone.name(), found.upstreams);
    }

    /** A zone and whom to ask for it. */
    record Match(String zone, Upstreams upstreams) {}

    private static @Nullable Servers zone(Picture picture, String name) {
        for (int at = 0; at >= 0; at = name.indexOf('.', at) + 1) {
            Servers found = picture.zones.get(name.substring(at));
            if (found != null) {
                return found;
            }
            if (name.indexOf('.', at) < 0) {
                break;
            }
        }
        return null;
    }

    /** The records of a name, or those of the wildcard that is closest above it. */
    private static @Nullable List<Held> find(Picture picture, String name) {
        List<Held> held = picture.records.get(name);
        for (int dot = name.indexOf('.'); held == null && dot >= 0; dot = name.indexOf('.', dot + 1)) {
            String parent = name.substring(dot + 1);
            held = picture.records.get("*." + parent);
            if (held == null && picture.records.containsKey(parent)) {
                return null; // A closer name hides the wildcards above it.
            }
        }
        return held;
    }

    private static @Nullable Answer answer(DnsQuery query, List<Held> all) {
        ResourceRecord first = all.getFirst().record;
        if (first.type() == DnsMessage.TYPE_CNAME && query.type() != DnsMessage.TYPE_CNAME) {
            return new Alias(key(all.getFirst().entry.value()), first.ttl());
        }
        List<ResourceRecord> found = new ArrayList<>();
        boolean addresses = false;
        for (Held held : all) {
            ResourceRecord record = held.record;
            addresses |= record.type() == DnsHeader.TYPE_A || record.type() == DnsHeader.TYPE_AAAA;
            if (query.asks(record.type())
                    && (found.isEmpty() || found.getFirst().type() == record.type())) {
                found.add(record);
            }
        }
        boolean overridden = addresses
                && switch (query.type()) {
                    case DnsHeader.TYPE_A, DnsHeader.TYPE_AAAA, DnsMessage.TYPE_SVCB, DnsMessage.TYPE_HTTPS -> true;
                    default -> false;
                };
        return found.isEmpty() && !overridden ? null : new Records(found);
    }

    @Override
    public List<Entry> records() {
        return picture.records.values().stream()
                .flatMap(List::stream)
                .map(Held::entry)
                .toList();
    }

    @Override
    public void addRecords(List<Entry> entries) {
        synchronized (this) {
            picture = pictured(plus(picture.records, entries), picture.zones);
        }
        onChange.run();
    }

    private static Map<String, List<Held>> plus(Map<String, List<Held>> before, List<Entry> entries) {
        Map<String, List<Held>> records = new TreeMap<>(before);
        for (Entry entry : entries) {
            Held held = held(entry);
            String name = held.entry.name();
            List<Held> there = records.getOrDefault(name, List.of());
            if (there.stream().noneMatch(other -> other.entry.equals(held.entry))) {
                checkAlias(name, there, held.record);
                List<Held> after = new ArrayList<>(there);
                after.add(held);
                records.put(name, List.copyOf(after));
            }
        }
        return records;
    }

    private static Held held(Entry entry) {
        Entry written = new Entry(
                checkedName(entry.name()),
                entry.type().toUpperCase(Locale.ROOT),
                entry.ttl(),
                entry.value().strip());
        return new Held(written, RecordData.of(entry));
    }

    private static Map<String, List<Held>> minus(Map<String, List<Held>> before, List<Entry> entries) {
        Map<String, List<Held>> records = new TreeMap<>(before);
        for (Entry entry : entries) {
            Entry gone = held(entry).entry;
            records.computeIfPresent(gone.name(), (_, there) -> {
                List<Held> kept =
                        there.stream().filter(each -> !each.entry.equals(gone)).toList();
                return kept.isEmpty() ? null : kept;
            });
        }
        return records;
    }

    private static Picture pictured(Map<String, List<Held>> records, Map<String, Servers> zones) {
        int count = records.values().stream().mapToInt(List::size).sum();
        if (count > MAX_RECORDS) {
            throw new IllegalArgumentException("at most " + MAX_RECORDS + " records can be held, and these would make "
                    + count + "; remove some first");
        }
        if (zones.size() > MAX_ZONES) {
            throw new IllegalArgumentException("at most " + MAX_ZONES + " zones can be held; remove one first");
        }
        return new Picture(records, reverse(records.values()), zones);
    }

    /**
     * Replaces what one set of settings said by what another says, in one step; what others have added stays.
     *
     * @throws IllegalArgumentException if that cannot be; then nothing has changed
     */
    void change(DnsSettings from, DnsSettings to) {
        synchronized (this) {
            Map<String, Servers> zones = new LinkedHashMap<>(picture.zones);
            for (Zone zone : without(from.zones(), to.zones())) {
                Servers made = servers(zone);
                zones.remove(made.zone.name(), made); // another one of that name is somebody else's
            }
            for (Zone zone : without(to.zones(), from.zones())) {
                Servers made = servers(zone);
                zones.put(made.zone.name(), made);
            }
            picture = pictured(
                    plus(
                            minus(picture.records, without(from.records(), to.records())),
                            without(to.records(), from.records())),
                    zones);
        }
        onChange.run();
    }

    private static <T extends Object> List<T> without(List<T> all, List<T> these) {
        return all.stream().filter(each -> !these.contains(each)).toList();
    }

    private static Servers servers(Zone zone) {
        return servers(
                zone.name(),
                Upstreams.of(zone.servers().stream().map(DnsServer::parse).toList()));
    }

    private static Servers servers(String name, Upstreams upstreams) {
        List<String> texts =
                upstreams.servers().stream().map(DnsServer::toString).toList();
        return new Servers(new Zone(checkedName(name), texts), upstreams);
    }

    private static void checkAlias(String name, List<Held> before, ResourceRecord added) {
        boolean alias = added.type() == DnsMessage.TYPE_CNAME;
        boolean wasAlias = !before.isEmpty() && before.getFirst().record.type() == DnsMessage.TYPE_CNAME;
        if (alias && !before.isEmpty() || wasAlias) {
            throw new IllegalArgumentException(
                    name + " has other records, and a CNAME stands alone (RFC 1034 §3.6.2); remove those first");
        }
    }

    private static Map<IpAddress, List<String>> reverse(Collection<List<Held>> all) {
        Map<IpAddress, List<String>> names = new HashMap<>();
        for (List<Held> list : all) {
            for (Held held : list) {
                String name = held.entry.name();
                IpAddress address = name.startsWith("*.")
                        ? null
                        : switch (held.record.type()) {
                            case DnsHeader.TYPE_A -> Ipv4Address.parse(held.entry.value());
                            case DnsHeader.TYPE_AAAA -> Ipv6Address.parse(held.entry.value());
                            default -> null;
                        };
                if (address != null) {
                    names.computeIfAbsent(address, _ -> new ArrayList<>(1)).add(name);
                }
            }
        }
        return names;
    }

    @Override
    public List<Entry> removeRecords(String name, String type) {
        String key = key(name);
        int number = type.isEmpty() ? 0 : RecordData.type(type);
        List<Entry> removed = new ArrayList<>();
        synchronized (this) {
            List<Held> kept = new ArrayList<>();
            for (Held held : picture.records.getOrDefault(key, List.of())) {
                if (number == 0 || held.record.type() == number) {
                    removed.add(held.entry);
                } else {
                    kept.add(held);
                }
            }
            if (removed.isEmpty()) {
                return removed;
            }
            Map<String, List<Held>> records = new TreeMap<>(picture.records);
            if (kept.isEmpty()) {
                records.remove(key);
            } else {
                records.put(key, List.copyOf(kept));
            }
            picture = new Picture(records, reverse(records.values()), picture.zones);
        }
        onChange.run();
        return removed;
    }

    @Override
    public List<Zone> zones() {
        return picture.zones.values().stream().map(Servers::zone).toList();
    }

    @Override
    public void putZone(Zone zone) {
        replaceZones(List.of(servers(zone)), List.of());
    }

    /** As {@link DnsService#putZones}. */
    void putZones(Map<String, Upstreams> come, Collection<String> gone) {
        replaceZones(
                come.entrySet().stream()
                        .map(each -> servers(each.getKey(), each.getValue()))
                        .toList(),
                gone);
    }

    private void replaceZones(List<Servers> come, Collection<String> gone) {
        synchronized (this) {
            Map<String, Servers> zones = new LinkedHashMap<>(picture.zones);
            gone.forEach(name -> zones.remove(key(name)));
            come.forEach(made -> zones.put(made.zone.name(), made));
            picture = pictured(picture.records, zones);
        }
        onChange.run();
    }

    @Override
    public Optional<Zone> removeZone(String name) {
        Servers removed;
        synchronized (this) {
            Map<String, Servers> zones = new LinkedHashMap<>(picture.zones);
            removed = zones.remove(key(name));
            if (removed == null) {
                return Optional.empty();
            }
            picture = new Picture(picture.records, picture.reverse, zones);
        }
        onChange.run();
        return Optional.of(removed.zone);
    }

    /** As {@link DnsQuery#name} is written; not checked. */
    private static String key(String name) {
        byte[] bytes = DnsMessage.encodeName(name);
        return bytes.length == 0 ? "" : DnsMessage.name(bytes, 0);
    }

    private static String checkedName(String name) {
        String key = key(name);
        if (key.isEmpty()) {
            throw new IllegalArgumentException(
                    "'" + name + "' is not a name; write labels of 1–63 characters with dots between, at most 253");
        }
        return key;
    }
}
