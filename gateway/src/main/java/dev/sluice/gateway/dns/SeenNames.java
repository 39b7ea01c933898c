package dev.sluice.gateway.dns;

import dev.sluice.wire.DnsHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/**
 * Under which names guests have looked up an address: learned from the replies that go to them, for people who look at flows. Any thread,
 * without a lock.
 *
 * <p>Bounded by two generations: when the younger is full it becomes the older, and what the older held is forgotten, unless it was
 * learned again since. So what guests ask for stays.
 */
public final class SeenNames {
    /** Names remembered of one address, the latest first. */
    static final int NAMES = 4;

    private static final int LARGEST_NAME = 255;

    private final int limit;
    private volatile ConcurrentMap<IpAddress, List<String>> younger = new ConcurrentHashMap<>();
    private volatile ConcurrentMap<IpAddress, List<String>> older = new ConcurrentHashMap<>();

    /** @param limit addresses in a generation */
    SeenNames(int limit) {
        this.limit = limit;
    }

    /** The names of an address; empty if none is known. */
    public List<String> of(IpAddress address) {
        List<String> names = younger.get(address);
        return names != null ? names : older.getOrDefault(address, List.of());
    }

    /** Addresses known now. */
    int size() {
        return younger.size() + older.size();
    }

    /**
     * Learns the addresses in a reply. No input throws.
     *
     * @param name that was asked for; what its aliases lead to is its own
     * @param questionEnd where the question ends in {@code reply}
     */
    void learn(String name, byte[] reply, int questionEnd) {
        if (name.length() > LARGEST_NAME || reply.length < questionEnd) {
            return;
        }
        int at = questionEnd;
        for (int left = DnsMessage.u16(reply, 6); left > 0; left--) {
            int fixed = DnsMessage.skipName(reply, at);
            if (fixed < 0 || fixed + 10 > reply.length) {
                return;
            }
            int length = DnsMessage.u16(reply, fixed + 8);
            int data = fixed + 10;
            if (data + length > reply.length) {
                return;
            }
            int type = DnsMessage.u16(reply, fixed);
            if (type == DnsHeader.TYPE_A && length == 4) {
                put(new Ipv4Address(ByteBuffer.wrap(reply, data, 4).getInt()), name);
            } else if (type == DnsHeader.TYPE_AAAA && length == 16) {
                ByteBuffer bytes = ByteBuffer.wrap(reply, data, 16);
                put(new Ipv6Address(bytes.getLong(), bytes.getLong()), name);
            }
            at = data + length;
        }
    }

    private void put(IpAddress address, String name) {
        List<String> known = of(address);
        if (known.isEmpty() || !known.getFirst().equals(name)) {
            List<String> names = new ArrayList<>(NAMES);
            names.add(name);
            for (String other : known) {
                if (names.size() < NAMES && !other.equals(name)) {
                    names.add(other);
                }
            }
            known = List.copyOf(names);
        }
        if (younger.size() >= limit) {
            // Two threads at a time may forget too much, which costs some names and nothing else.
            older = younger;
            younger = new ConcurrentHashMap<>();
        }
        younger.put(address, known);
    }
}
