package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.stack.ndp.Reachability;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv6Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which neighbour of a family has which hardware address. A bounded table in order of last look-up; the one not looked up for longest goes
 * first, but who was sent to has a second chance: those who keep a neighbour never look it up. What becomes of a neighbour, its {@link Reachability} decides; here are the frames that wait for it, the questions and the timer.
 */
final class NeighbourCache {
    private final Loop loop;
    private final HostLink link;
    private final NeighbourProtocol protocol;
    private final IpCounters counters;
    private final int capacity;
    private final int waitingBytes;
    private final Consumer<Neighbour> onUnreachable;
    private final Map<Ipv6Address, Neighbour> neighbours = new LinkedHashMap<>(16, 0.75f, true);
    private final Frame frame = new Frame();
    /** For one frame on its way from the queue to the link; made when first needed. */
    private MemorySegment memory = MemorySegment.NULL;

    private Reachability.Timing timing;
    /** The one looked up last, most often the next one as well. */
    private @Nullable Neighbour last;

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            expire(now);
        }
    };

    NeighbourCache(
            HostLink link,
            NeighbourProtocol protocol,
            Reachability.Timing timing,
            IpCounters counters,
            int capacity,
            int waitingBytes,
            Consumer<Neighbour> onUnreachable) {
        this.loop = link.loop;
        this.link = link;
        this.protocol = protocol;
        this.timing = timing;
        this.counters = counters;
        this.capacity = capacity;
        this.waitingBytes = waitingBytes;
        this.onUnreachable = onUnreachable;
    }

    private int longest() {
        return EthernetHeader.LENGTH + link.mtu();
    }

    /** For all from now on. */
    void timing(Reachability.Timing timing) {
        if (!timing.equals(this.timing)) {
            this.timing = timing;
            neighbours.values().forEach(neighbour -> neighbour.reachability.timing(timing));
        }
    }

    /** The neighbour with an address, known or to be asked for. */
    Neighbour find(long high, long low) {
        Neighbour recent = last;
        if (recent != null && recent.is(high, low)) {
            return recent;
        }
        Neighbour known = known(high, low);
        return last = known == null ? add(high, low, Reachability.unknown(timing)) : known;
    }

    @Nullable
    Neighbour known(long high, long low) {
        return neighbours.get(new Ipv6Address(high, low));
    }

    private Neighbour add(long high, long low, Reachability reachability) {
        if (neighbours.size() >= capacity) {
            counters.neighboursEvicted++;
            remove(idle());
        }
        Neighbour neighbour = new Neighbour(high, low, reachability);
        neighbours.put(new Ipv6Address(high, low), neighbour);
        return neighbour;
    }

    /** The first that nothing was sent to since it was last passed over here. */
    private Neighbour idle() {
        while (true) {
            Neighbour eldest = neighbours.values().iterator().next();
            if (!eldest.used) {
                return eldest;
            }
            eldest.used = false;
            known(eldest.high(), eldest.low()); // which puts it behind all others
        }
    }

    /** Sends a frame, complete but for its destination, to {@code to}, now or when its hardware address is known. */
    boolean send(Neighbour to, Frame frame, long now) {
        to.used = true;
        long mac = to.reachability.linkAddress();
        if (mac != 0) {
            act(to, to.reachability.onUse(now));
            Bytes.put48(frame.head, frame.headAt, mac);
            counters.packetsOut++;
            return link.send(frame);
        }
        if (to.gone() || frame.gso != Frame.GSO_NONE || frame.length() > longest()) {
            counters.droppedUnresolved++;
            if (!to.gone()) {
                act(to, to.reachability.onUse(now)); // it comes again, and then the answer is here
            }
            return false;
        }
        // The latest is worth most (RFC 1122 §2.3.2.2, RFC 4861 §7.2.2).
        while (to.pendingBytes + frame.length() > waitingBytes && !to.pending.isEmpty()) {
            to.pendingBytes -= to.pending.remove().length();
            counters.droppedUnresolved++;
        }
        to.pending.add(new PendingFrame(frame));
        to.pendingBytes += frame.length();
        act(to, to.reachability.onUse(now));
        return true;
    }

    private void act(Neighbour neighbour, Reachability.Action action) {
        switch (action) {
            case ASK_ALL -> protocol.ask(neighbour.high(), neighbour.low(), 0);
            case ASK_IT -> protocol.ask(neighbour.high(), neighbour.low(), neighbour.reachability.linkAddress());
            case NONE, GIVE_UP -> {}
        }
        long deadline = neighbour.reachability.deadline();
        if (deadline != Long.MAX_VALUE && (!timer.isArmed() || deadline - timer.deadline() < 0)) {
            loop.schedule(timer, deadline);
        }
    }

    private void expire(long now) {
        ArrayList<Neighbour> failed = new ArrayList<>();
        for (Neighbour neighbour : neighbours.values()) {
            long before = neighbour.reachability.linkAddress();
            Reachability.Action action = neighbour.reachability.onTimer(now);
            act(neighbour, action);
            settle(neighbour, before, now);
            if (action == Reachability.Action.GIVE_UP) {
                failed.add(neighbour);
            }
        }
        for (Neighbour neighbour : failed) {
            counters.unresolved++;
            remove(neighbour);
            onUnreachable.accept(neighbour);
        }
    }

    private void remove(Neighbour neighbour) {
        neighbours.remove(new Ipv6Address(neighbour.high(), neighbour.low()));
        drop(neighbour);
    }

    private void drop(Neighbour neighbour) {
        counters.droppedUnresolved += neighbour.pending.size();
        neighbour.pending.clear();
        neighbour.pendingBytes = 0;
        neighbour.leave();
        if (last == neighbour) {
            last = null;
        }
    }

    // ---- what was heard

    /**
     * An ARP message has said where an address is.
     *
     * @param create whether to remember it if it is unknown: it asked for us, so we shall talk to it soon (RFC 826)
     */
    void onClaim(long high, long low, long mac, boolean create, long now) {
        Neighbour neighbour = known(high, low);
        if (neighbour == null && create) {
            neighbour = add(high, low, Reachability.unknown(timing));
        }
        if (neighbour != null) {
            long before = neighbour.reachability.linkAddress();
            act(neighbour, neighbour.reachability.onClaim(mac, now));
            settle(neighbour, before, now);
        }
    }

    /** A solicitation or a router's message has told its sender's hardware address (RFC 4861 §7.2.3). */
    void onSolicitation(long high, long low, long mac, long now) {
        Neighbour neighbour = known(high, low);
        if (neighbour == null) {
            add(high, low, Reachability.heard(timing, mac));
            return;
        }
        long before = neighbour.reachability.linkAddress();
        neighbour.reachability.onSolicitation(mac);
        settle(neighbour, before, now);
    }

    /** A neighbour advertisement (RFC 4861 §7.2.5); of nobody we know, nothing is remembered. */
    void onAdvertisement(long high, long low, long mac, boolean solicited, boolean override, long now) {
        Neighbour neighbour = known(high, low);
        if (neighbour != null) {
            long before = neighbour.reachability.linkAddress();
            neighbour.reachability.onAdvertisement(mac, solicited, override, now);
            settle(neighbour, before, now);
        }
    }

    /** Sends what has waited, if the address is known now. */
    private void settle(Neighbour neighbour, long before, long now) {
        long mac = neighbour.reachability.linkAddress();
        if (mac == 0 || mac == before) {
            return;
        }
        if (before != 0) {
            counters.neighboursMoved++;
        }
        neighbour.pendingBytes = 0;
        PendingFrame waiting;
        while ((waiting = neighbour.pending.poll()) != null) {
            if (memory.byteSize() == 0) {
                memory = Arena.ofAuto().allocate(longest() + 8L, 8);
            }
            waiting.restore(memory, frame);
            send(neighbour, frame, now);
        }
    }

    /** Forgets everybody: the address has changed. */
    void clear() {
        neighbours.values().forEach(this::drop);
        neighbours.clear();
        loop.cancel(timer);
    }
}
