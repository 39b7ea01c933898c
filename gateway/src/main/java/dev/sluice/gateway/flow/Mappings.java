package dev.sluice.gateway.flow;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.stack.share.Share;
import dev.sluice.wire.IpAddress;
import java.util.Collection;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * All mappings of one protocol. Each ends when it was not used for a while, or as its guest's idlest when that has its {@link Share} of the
 * table, which is counted. One timer serves all: the table is in order of last use, so it always waits for the first. To find one allocates
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
    private final Shares shares;
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
     * @param shares say how many there may be, and who may have them
     * @param idle ns without use after which one ends
     * @param evicted counts those that had to go for others
     */
    public Mappings(
            FlowPolicy.Protocol protocol,
            Loop loop,
            Shares shares,
            long idle,
            Counters counters,
            Drop evicted,
            Ending ending) {
        this.protocol = protocol;
        this.loop = loop;
        this.shares = shares;
        this.table = new FlowTable<>((int) shares.all().flows(protocol).limit());
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
                mapping.guest = guest;
                count(mapping, shares.of(guest).flows(protocol));
            }
            table.use(mapping, now);
        }
        return mapping;
    }

    /** Adds one that was not found; another may have to go. */
    public void add(M mapping, long now) {
        GuestShares holder = shares.of(mapping.guest);
        Share share = holder.flows(protocol);
        if (!holder.mayMap(protocol)) {
            makeRoom(share);
        }
        table.add(mapping, now);
        count(mapping, share);
        if (!sweep.isArmed()) {
            loop.schedule(sweep, now + idle);
        }
    }

    /** Counts it with {@code share}, and no longer where it was counted. */
    private void count(M mapping, @Nullable Share share) {
        Share before = mapping.share;
        if (before != null) {
            before.give(1);
        }
        mapping.share = share;
        if (share != null) {
            share.take(1);
        }
    }

    /**
     * Who has its share gives up the one of its own that is idle longest; a machine that has none, one of its link's; and a link that has none
     * gets one of those that have most.
     */
    private void makeRoom(Share share) {
        Share from = share.held() > 0 ? share : share.whole();
        long most = from.held() > 0 ? Long.MAX_VALUE : mostOfALink();
        M victim = table.idlest();
        while (victim != null && !isOf(victim.share, from, most)) {
            victim = table.newer(victim);
        }
        if (victim != null) {
            end(victim, "evicted");
            counters.drop(evicted);
        }
    }

    private static boolean isOf(@Nullable Share share, Share from, long most) {
        return share != null
                && (share == from || share.whole() == from || share.whole().held() >= most);
    }

    private long mostOfALink() {
        long most = 0;
        for (M mapping = table.idlest(); mapping != null; mapping = table.newer(mapping)) {
            Share share = mapping.share;
            most = share == null ? most : Math.max(most, share.whole().held());
        }
        return most;
    }

    /** Marks one as used by an answer. */
    public void use(M mapping) {
        table.use(mapping, loop.now());
    }

    public void end(M mapping, String reason) {
        table.remove(mapping);
        count(mapping, null);
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

    /** Ends all of guests that are gone. */
    public void forget(Collection<Guest> guests) {
        Set<IpAddress> gone = guests.stream().map(Guest::ipAddress).collect(Collectors.toSet());
        M mapping = table.idlest();
        while (mapping != null) {
            M next = table.newer(mapping);
            if (gone.contains(mapping.guest.ipAddress())) {
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
        forEach(mapping -> {
            count(mapping, null);
            mapping.close();
        });
        table.clear();
    }
}
