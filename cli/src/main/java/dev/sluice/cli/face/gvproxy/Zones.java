package dev.sluice.cli.face.gvproxy;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Zones with addresses, asked in their order: the first that a name lies in answers for it. Within a zone the first record that fits is the
 * answer, then the zone's default address, else there is no such name. Any thread.
 */
final class Zones {
    /** Records of all zones together; further ones are refused. */
    static final int MAX_RECORDS = 10_000;

    /**
     * One address.
     *
     * @param name before the zone's, as {@code gateway}; empty if only the pattern counts
     * @param pattern found in what stands before the zone's name; null for none
     */
    record Entry(String name, Ipv4Address ip, @Nullable Pattern pattern) {
        boolean fits(String label) {
            return !name.isEmpty() && name.equalsIgnoreCase(label)
                    || pattern != null && pattern.matcher(label).find();
        }
    }

    /** @param name with the final dot, as {@code containers.internal.} */
    record Zone(String name, List<Entry> records, @Nullable Ipv4Address defaultIp) {
        Zone {
            records = List.copyOf(records);
            if (name.isEmpty()) {
                throw new IllegalArgumentException("a zone needs a name");
            }
        }

        /** In lower case, without dots at its ends. */
        private String suffix() {
            String lower = name.toLowerCase(Locale.ROOT);
            return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
        }
    }

    /** What a zone says of a name: its address, or that there is no such name. */
    record Verdict(@Nullable Ipv4Address address) {}

    private volatile List<Zone> zones = List.of();
    private volatile Runnable onChange = () -> {};

    /** @param told of every zone from now on: what was learnt elsewhere of its names is not so any more */
    void onChange(Runnable told) {
        onChange = told;
    }

    List<Zone> all() {
        return zones;
    }

    /** Adds a zone; to one of the same name, the records are added before those there, and the default address is the new one's, even if that has none. */
    synchronized void add(Zone added) {
        List<Zone> now = new ArrayList<>(zones);
        int at = 0;
        while (at < now.size() && !now.get(at).name.equals(added.name)) {
            at++;
        }
        if (at == now.size()) {
            now.add(added);
        } else {
            Zone before = now.get(at);
            List<Entry> records = new ArrayList<>(added.records);
            records.addAll(before.records);
            now.set(at, new Zone(before.name, records, added.defaultIp));
        }
        if (now.stream().mapToInt(zone -> zone.records.size() + 1).sum() > MAX_RECORDS) {
            throw new IllegalArgumentException("there may be " + MAX_RECORDS + " zones and records");
        }
        zones = List.copyOf(now);
        onChange.run();
    }

    /**
     * Looks a name up.
     *
     * @param name in any case, without the final dot
     * @return null if it lies in no zone
     */
    @Nullable
    Verdict find(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        for (Zone zone : zones) {
            String suffix = zone.suffix();
            if (lower.endsWith("." + suffix)) {
                String label = lower.substring(0, lower.length() - suffix.length() - 1);
                for (Entry entry : zone.records) {
                    if (entry.fits(label)) {
                        return new Verdict(entry.ip);
                    }
                }
                return new Verdict(zone.defaultIp);
            }
        }
        return null;
    }

    /** As the name server asks: the addresses of a name, none if there is no such name, null if it lies in no zone. */
    @Nullable
    List<IpAddress> addresses(String name) {
        Verdict verdict = find(name);
        if (verdict == null) {
            return null;
        }
        return verdict.address == null ? List.of() : List.of(verdict.address);
    }

    /** As its API shows one. */
    static Map<String, Object> shown(Zone zone) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("Name", zone.name);
        members.put("Records", zone.records.stream().map(Zones::shown).toList());
        members.put("DefaultIP", zone.defaultIp == null ? "" : zone.defaultIp.toString());
        return members;
    }

    private static Map<String, @Nullable Object> shown(Entry entry) {
        Map<String, @Nullable Object> members = new LinkedHashMap<>();
        members.put("Name", entry.name);
        members.put("IP", entry.ip.toString());
        members.put("Regexp", entry.pattern == null ? null : entry.pattern.pattern());
        return members;
    }
}
