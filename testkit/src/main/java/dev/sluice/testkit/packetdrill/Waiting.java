package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.Snapshot;
import dev.sluice.stack.tcp.Tcb;

/** For how long a connection has had something to send, and for how long of that only the peer's window was in the way. */
final class Waiting {
    private long since;
    private boolean busy;
    private boolean limited;
    private long busyTime;
    private long limitedTime;

    /** What began or went on at the last look lasts until {@code now}. */
    void look(Tcb tcb, long now) {
        busyTime = busyUntil(now);
        limitedTime = limitedUntil(now);
        since = now;
        int unsent = tcb.unsent();
        busy = tcb.sendRing().size() > 0;
        limited = busy && unsent > 0 && isLimited(tcb.snapshot(), unsent);
    }

    /** The window has no room for what would make a segment, and congestion control would let it go. */
    private static boolean isLimited(Snapshot s, int unsent) {
        long flight = s.sendNext() - s.sendUnacknowledged();
        long segment = Math.min(s.sendMss(), unsent);
        return s.sendWindow() - flight < segment && s.congestionWindow() - flight >= segment;
    }

    long busyUntil(long now) {
        return busyTime + (busy ? now - since : 0);
    }

    long limitedUntil(long now) {
        return limitedTime + (limited ? now - since : 0);
    }
}
