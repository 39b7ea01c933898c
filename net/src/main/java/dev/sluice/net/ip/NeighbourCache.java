package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.net.ip.Neighbour.State;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Who has which hardware address (RFC 826). A bounded cache in order of last look-up; the one not looked up for longest goes first.
 *
 * <p>An unknown neighbour is asked for three times, a second apart (RFC 1122 §2.3.2.1), while some packets wait; then they are dropped
 * and the owner is told. One that was not heard of for a minute is asked again when it is used, first directly, and stays in use
 * meanwhile. The same happens when another hardware address claims to be it: only if the one known does not answer is the other believed,
 * so that one forged message diverts nothing.
 */
final class NeighbourCache {
    static final long RETRY = 1_000_000_000L;
    static final int TRIES = 3;
    static final long REACHABLE = 60_000_000_000L;

    private final Loop loop;
    private final HostLink link;
    private final Arp arp;
    private final IpCounters counters;
    private final int capacity;
    private final int waitingBytes;
    private final Consumer<Neighbour> onUnreachable;
    private final Map<Integer, Neighbour> neighbours = new LinkedHashMap<>(16, 0.75f, true);
    private final Frame frame = new Frame();
    private final MemorySegment memory;
    private int ownAddress;

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            retry(now);
        }
    };

    NeighbourCache(
            HostLink link,
            Arp arp,
            IpCounters counters,
            int capacity,
            int waitingBytes,
            Consumer<Neighbour> onUnreachable) {
        this.loop = link.loop;
        this.link = link;
        this.arp = arp;
        this.counters = counters;
        this.capacity = capacity;
        this.waitingBytes = waitingBytes;
        this.onUnreachable = onUnreachable;
        this.memory = Arena.ofAuto().allocate(longest() + 8L, 8);
    }

    private int longest() {
        return EthernetHeader.LENGTH + link.mtu();
    }

    /** The address to ask from, as bits. Everything known is kept. */
    void ownAddress(int address) {
        ownAddress = address;
    }

    /** The neighbour with {@code address}, known or to be asked for. */
    Neighbour find(int address, long now) {
        Neighbour neighbour = neighbours.get(address);
        return neighbour == null ? add(address, State.INCOMPLETE, 0, now) : neighbour;
    }

    private Neighbour add(int address, State state, long mac, long now) {
        if (neighbours.size() >= capacity) {
            Neighbour eldest = neighbours.values().iterator().next();
            neighbours.remove(eldest.address());
            counters.neighboursEvicted++;
            drop(eldest);
        }
        Neighbour neighbour = new Neighbour(address, state, mac, now);
        neighbours.put(address, neighbour);
        return neighbour;
    }

    /** Sends a frame, complete but for its destination, to {@code to}, now or when its hardware address is known. */
    boolean send(Neighbour to, Frame frame, long now) {
        if (to.mac != 0) {
            if (to.state == State.REACHABLE && now - to.confirmed > REACHABLE) {
                to.state = State.PROBING;
                ask(to, now);
            }
            Bytes.put48(frame.head, frame.headAt, to.mac);
            counters.packetsOut++;
            return link.send(frame);
        }
        if (to.state == State.GONE || frame.gso != Frame.GSO_NONE || frame.length() > longest()) {
            counters.droppedUnresolved++;
            return false;
        }
        // The latest is worth most (RFC 1122 §2.3.2.2).
        while (to.pendingBytes + frame.length() > waitingBytes && !to.pending.isEmpty()) {
            to.pendingBytes -= to.pending.remove().length();
            counters.droppedUnresolved++;
        }
        to.pending.add(new PendingFrame(frame));
        to.pendingBytes += frame.length();
        if (to.tries == 0) {
            ask(to, now);
        }
        return true;
    }

    private void ask(Neighbour neighbour, long now) {
        neighbour.tries++;
        neighbour.asked = now;
        boolean direct = neighbour.state == State.PROBING && neighbour.tries == 1;
        arp.ask(ownAddress, neighbour.address(), direct ? neighbour.mac : 0);
        if (!timer.isArmed()) {
            loop.schedule(timer, now + RETRY);
        }
    }

    private void retry(long now) {
        boolean waiting = false;
        ArrayList<Neighbour> failed = new ArrayList<>();
        for (Neighbour neighbour : neighbours.values()) {
            if (neighbour.tries == 0) {
                continue;
            }
            if (now - neighbour.asked < RETRY / 2) {
                waiting = true;
            } else if (neighbour.challenger != 0) {
                adopt(neighbour, neighbour.challenger, now);
            } else if (neighbour.tries < TRIES) {
                waiting = true;
                ask(neighbour, now);
            } else {
                failed.add(neighbour);
            }
        }
        for (Neighbour neighbour : failed) {
            neighbours.remove(neighbour.address());
            counters.unresolved++;
            drop(neighbour);
            onUnreachable.accept(neighbour);
        }
        if (waiting && !timer.isArmed()) {
            loop.schedule(timer, now + RETRY);
        }
    }

    private void drop(Neighbour neighbour) {
        counters.droppedUnresolved += neighbour.pending.size();
        neighbour.pending.clear();
        neighbour.pendingBytes = 0;
        neighbour.state = State.GONE;
        neighbour.mac = 0;
    }

    /**
     * An ARP message has said that {@code address} is at {@code mac}.
     *
     * @param create whether to remember it if it is unknown: it asked for us, so we shall talk to it soon (RFC 826)
     */
    void learn(int address, long mac, boolean create, long now) {
        Neighbour neighbour = neighbours.get(address);
        if (neighbour == null) {
            if (create) {
                add(address, State.REACHABLE, mac, now);
            }
            return;
        }
        if (neighbour.mac != 0
                && neighbour.mac != mac
                && (neighbour.state == State.REACHABLE || neighbour.challenger != 0)) {
            challenge(neighbour, mac, now);
            return;
        }
        adopt(neighbour, mac, now);
    }

    private void challenge(Neighbour neighbour, long mac, long now) {
        if (neighbour.challenger == 0) {
            neighbour.state = State.PROBING;
            ask(neighbour, now);
        }
        neighbour.challenger = mac;
    }

    private void adopt(Neighbour neighbour, long mac, long now) {
        if (neighbour.mac != 0 && neighbour.mac != mac) {
            counters.neighboursMoved++;
        }
        neighbour.challenger = 0;
        neighbour.mac = mac;
        neighbour.state = State.REACHABLE;
        neighbour.confirmed = now;
        neighbour.tries = 0;
        neighbour.pendingBytes = 0;
        PendingFrame waiting;
        while ((waiting = neighbour.pending.poll()) != null) {
            waiting.restore(memory, frame);
            send(neighbour, frame, now);
        }
    }

    int size() {
        return neighbours.size();
    }

    /** Forgets everybody: the address has changed. */
    void clear() {
        neighbours.values().forEach(this::drop);
        neighbours.clear();
        loop.cancel(timer);
    }
}
