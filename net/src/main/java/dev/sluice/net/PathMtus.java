package dev.sluice.net;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What routers have said that paths carry, by destination, so that a second connection need not lose its first flight to learn it (RFC
 * 1191 §6.1, RFC 8201 §5.2). Forgotten after ten minutes, as paths also become wider (RFC 8201 §5.3), and the oldest when there are too
 * many. Only asked when a connection begins. Confined to the loop.
 */
final class PathMtus {
    static final int MOST = 256;
    static final long LIFETIME = 600_000_000_000L;

    private record Path(int mtu, long until) {}

    private record Destination(long high, long low) {}

    /** In the order in which they were learnt. */
    private final Map<Destination, Path> paths = new LinkedHashMap<>();

    /** A believable report: packets to there may have {@code mtu} bytes. */
    void learn(long high, long low, int mtu, long now) {
        Destination there = new Destination(high, low);
        paths.remove(there);
        if (paths.size() >= MOST) {
            Iterator<Destination> oldest = paths.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        paths.put(there, new Path(mtu, now + LIFETIME));
    }

    /** The largest packet to there; {@code otherwise} where nothing is known. */
    int of(long high, long low, int otherwise, long now) {
        if (paths.isEmpty()) {
            return otherwise;
        }
        Destination there = new Destination(high, low);
        Path path = paths.get(there);
        if (path == null) {
            return otherwise;
        }
        if (now - path.until >= 0) {
            paths.remove(there);
            return otherwise;
        }
        return Math.min(otherwise, path.mtu);
    }

    int size() {
        return paths.size();
    }
}
