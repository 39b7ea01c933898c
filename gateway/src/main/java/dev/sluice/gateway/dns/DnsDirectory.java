package dev.sluice.gateway.dns;

import java.util.List;
import java.util.Optional;

/**
 * Names and zones that are added, listed and removed while a network runs, as people and the control API write them. Any thread; the
 * next lookup sees the change. Both are bounded.
 */
public interface DnsDirectory {
    /**
     * One record of a name.
     *
     * @param name in any case, with or without the final dot
     * @param type as {@code A}, {@code AAAA}, {@code CNAME}, {@code TXT}
     * @param ttl seconds a guest may keep it
     * @param value in the form of a zone file (RFC 1035 §5.1), such as {@code 192.0.2.1}
     */
    record Entry(String name, String type, int ttl, String value) {}

    /**
     * Names that are asked of servers of their own.
     *
     * @param name the zone; everything under it belongs to it, unless a longer zone does
     * @param servers address and port, as {@code 192.0.2.53}, {@code 192.0.2.53:5353} or {@code [2001:db8::53]:53}, in order of preference
     */
    record Zone(String name, List<String> servers) {
        public Zone {
            servers = List.copyOf(servers);
        }
    }

    /** All records that were added. */
    List<Entry> records();

    /**
     * Adds records: all, or none. What is there already stays.
     *
     * @throws IllegalArgumentException saying which is wrong, or that there are too many
     */
    void addRecords(List<Entry> records);

    /**
     * Removes the records of a name.
     *
     * @param type only those of this type; empty for every type
     * @return those that were there
     */
    List<Entry> removeRecords(String name, String type);

    /** All zones that were added. */
    List<Zone> zones();

    /**
     * Adds a zone, in the place of one of the same name.
     *
     * @throws IllegalArgumentException saying what is wrong, or that there are too many
     */
    void putZone(Zone zone);

    /** Removes the zone of this name; what was there. */
    Optional<Zone> removeZone(String name);
}
