package dev.sluice.gateway.flow;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * All mappings of one protocol. Each ends when it was not used for a while, or as its guest's idlest when that has its share of the table,
 * which is counted. One timer serves all: the table is in order of last use, so it always waits for the first. To find one allocates
 * nothing. Confined to the loop.
 */
public final class Mappings<M extends Mapping<M>> {
    /** Hears of the end of a mapping that had a socket. */
    @FunctionalInterface
    public interface Ending {
        void closed(Flow flow, String reason, long now);
    }

    private final FlowPolicy.Protocol protocol;
    private final Loop loop;
    private final FlowTable<M> table;
    private final long idle;
    private final Counters counters;
    private final Drop evicted;
    private final Ending ending;
    private final Timer sweep = new Timer() {
        @Override
        protected void onTimer(long now) {
            sweep(now);
        }
    };

    /**
     * @param limit the most there may be
     * @param idle ns without use after which one ends
     * @param evicted counts those that had to go for others
     */
    public Mappings(
            FlowPolicy.Protocol protocol,
            Loop loop,
            int limit,
            long idle,
            Counters counters,
            Drop evicted,
            Ending ending) {
        this.protocol = protocol;
        this.loop = loop;
        this.table = new FlowTable<>(limit);
        this.idle = idle;
        this.counters = counters;
        this.evicted = evicted;
        this.ending = ending;
    }

    /** The mapping of a guest's port or identifier, marked as used by this guest; null if there is none. */
    public @Nullable M find(Guest guest, int port, long now) {
        M mapping = table.find(guest.high, guest.low, port);
        if (mapping != null) {
            if (mapping.guest != guest) {
                count(mapping.guest, -1);
                mapping.guest = guest;
                count(guest, 1);
            }
            table.use(mapping, now);
        }
        return mapping;
    }

    /** Adds one that was not found; another may have to go. */
    public void add(M mapping, long now) {
        if (!table.mayHold(mapping.guest.mappings(protocol))) {
            makeRoom(mapping.guest);
        }
        table.add(mapping, now);
        count(mapping.guest, 1);
        if (!sweep.isArmed()) {
            loop.schedule(sweep, now + idle);
        }
    }

    private void count(Guest guest, int more) {
        guest.mappings[protocol.ordinal()] += more;
    }

    /** A guest that has its share gives up the one of its own that is idle longest; one that has none takes from the others. */
    private void makeRoom(Guest guest) {
        M victim = table.idlest();
        if (guest.mappings(protocol) > 0) {
            while (victim != null && victim.guest != guest) {
                victim = table.newer(victim);
            }
        }
        if (victim != null) {
            end(victim, "evicted");
            counters.drop(evicted);
        }
    }

    /** Marks one as used by an answer. */
    public void use(M mapping) {
        table.use(mapping, loop.now());
    }

    public void end(M mapping, String reason) {
        table.remove(mapping);
        count(mapping.guest, -1);
        if (mapping.isOpen()) {
            ending.closed(mapping, reason, loop.now());
        }
        mapping.close();
    }

    private void sweep(long now) {
        M mapping = table.idlest();
        while (mapping != null && now - mapping.lastUsed() >= idle) {
            end(mapping, "idle");
            mapping = table.idlest();
        }
        if (mapping != null) {
            loop.schedule(sweep, mapping.lastUsed() + idle);
        }
    }

    /** Visits each; the action ends none. */
    public void forEach(Consumer<? super M> action) {
        for (M mapping = table.idlest(); mapping != null; mapping = table.newer(mapping)) {
            action.accept(mapping);
        }
    }

    public int size() {
        return table.size();
    }

    /** Ends all of a guest that is gone. */
    public void forget(Guest guest) {
        M mapping = table.idlest();
        while (mapping != null) {
            M next = table.newer(mapping);
            if (mapping.guest.hasAddress(guest.high, guest.low)) {
                end(mapping, "guest-gone");
            }
            mapping = next;
        }
    }

    /** Has the policy asked again about every destination. */
    public void forgetDecisions() {
        forEach(mapping -> mapping.decisions.clear());
    }

    /** Closes all their sockets, and tells nobody. */
    public void close() {
        loop.cancel(sweep);
        forEach(Mapping::close);
        table.clear();
    }
}
