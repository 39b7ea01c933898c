package dev.sluice.gateway.event;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.MacAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.LongSupplier;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/** Tells of what happens to those who listen; any thread. See the package. */
public final class Events {
    /** Listeners at a time; one more is refused. */
    public static final int MAX_SUBSCRIPTIONS = 16;
    /** Events that wait for one listener; at one more it is cut off. */
    public static final int QUEUE = 4096;

    private final Counters counters;
    private final Summaries summaries;
    private final AtomicLong ids = new AtomicLong();
    private final LongAdder cuts = new LongAdder();
    private volatile Subscription[] subscriptions = {};
    /** Kinds that somebody wants, a bit each. */
    private volatile int wanted;

    private volatile @Nullable DropRecorder recorder;
    private boolean closed;

    private volatile Function<IpAddress, List<String>> names = _ -> List.of();

    /**
     * With nobody listening yet.
     *
     * @param counters whose drops are told of
     * @param stalls turns of the loop that took long, so far
     */
    public Events(Counters counters, LongSupplier stalls) {
        this.counters = counters;
        this.summaries = new Summaries(this, counters, stalls);
    }

    /** Says under which names an address was looked up. */
    public void names(Function<IpAddress, List<String>> names) {
        this.names = names;
    }

    static int bit(Event.Kind kind) {
        return 1 << kind.ordinal();
    }

    /** Whether somebody listens for this kind: if not, an event need not be made. */
    public boolean wants(Event.Kind kind) {
        return (wanted & bit(kind)) != 0;
    }

    /** Tells those who want it. Does not block. */
    public void publish(Event.Kind kind, Record data) {
        if (!wants(kind)) {
            return;
        }
        Event event = new Event(ids.incrementAndGet(), System.currentTimeMillis(), kind, data);
        for (Subscription subscription : subscriptions) {
            if ((subscription.kinds() & bit(kind)) != 0) {
                subscription.offer(event);
            }
        }
    }

    /**
     * Begins to listen.
     *
     * @return null if there are as many as can be
     */
    public synchronized @Nullable Subscription subscribe(Set<Event.Kind> kinds) {
        return subscribe(kinds, QUEUE);
    }

    synchronized @Nullable Subscription subscribe(Set<Event.Kind> kinds, int queue) {
        if (subscriptions.length >= MAX_SUBSCRIPTIONS) {
            return null;
        }
        Subscription made = new Subscription(this, kinds, queue);
        Subscription[] more = Arrays.copyOf(subscriptions, subscriptions.length + 1);
        more[more.length - 1] = made;
        replace(more);
        return made;
    }

    synchronized void remove(Subscription gone) {
        replace(Arrays.stream(subscriptions).filter(each -> each != gone).toArray(Subscription[]::new));
    }

    private void replace(Subscription[] now) {
        subscriptions = now;
        int bits = 0;
        for (Subscription each : now) {
            bits |= each.kinds();
        }
        wanted = bits;
        summaries.run(wants(Event.Kind.DROPS) || wants(Event.Kind.STALL));
    }

    /** One has too much waiting; it takes itself away. */
    void cut(Subscription slow) {
        cuts.increment();
    }

    /** Listeners now. */
    public int size() {
        return subscriptions.length;
    }

    /** Listeners cut off so far, because their events were not taken in time. */
    public long cuts() {
        return cuts.sum();
    }

    // ---- what happens
    // ---------------------------------------------------------------------------------------------------------

    /**
     * What is said of a guest that came, went, or was given an address.
     *
     * @param link by which it is reached
     */
    public record Neighbour(IpAddress address, MacAddress mac, String link) {}

    /**
     * What was dropped in the last second.
     *
     * @param drops how many, by reason
     */
    public record Drops(Map<String, Long> drops) {}

    /**
     * What is said of the loop in the last second.
     *
     * @param stalls turns of it that took long
     */
    public record Stalls(long stalls) {}

    /** What is said of a flow that ended. */
    public record FlowEnd(FlowInfo flow, String reason) {}

    /** A flow has begun: TCP once it is connected, others with their first datagram. */
    public void opened(Flow flow, long now) {
        if (wants(Event.Kind.FLOW_OPEN)) {
            publish(Event.Kind.FLOW_OPEN, named(flow.info(now)));
        }
        if (!isRecording()) {
            return;
        }
        FlowOpenEvent record = new FlowOpenEvent();
        if (record.isEnabled()) {
            recordDrops();
            record.fill(named(flow.info(now)));
            record.commit();
        }
    }

    /**
     * A flow has ended, or could not begin.
     *
     * @param reason a word for it
     */
    public void closed(Flow flow, String reason, long now) {
        if (wants(Event.Kind.FLOW_CLOSE)) {
            publish(Event.Kind.FLOW_CLOSE, new FlowEnd(named(flow.info(now)), reason));
        }
        if (!isRecording()) {
            return;
        }
        FlowCloseEvent record = new FlowCloseEvent();
        if (record.isEnabled()) {
            recordDrops();
            record.fill(named(flow.info(now)), reason);
            record.commit();
        }
    }

    /** Whether the flight recorder was ever used. Until then its events are not touched: their classes would cost every start a tenth of a second. */
    private static boolean isRecording() {
        return FlightRecorder.isInitialized();
    }

    /** The recorder records: it shall ask for drops, too. */
    private void recordDrops() {
        if (recorder == null) {
            synchronized (this) {
                if (recorder == null && !closed) {
                    recorder = DropRecorder.start(counters);
                }
            }
        }
    }

    /** Ends what was started. */
    public synchronized void close() {
        closed = true;
        DropRecorder started = recorder;
        if (started != null) {
            started.close();
        }
    }

    /** The same flow with the names of whom it talks to. */
    public FlowInfo named(FlowInfo flow) {
        IpAddress host = flow.direction() == FlowInfo.Direction.OUT ? flow.host() : null;
        // a name that the guest itself has given for this flow says more than those that lead to the same address
        return host == null || !flow.names().isEmpty() ? flow : flow.withNames(names.apply(host));
    }

    /**
     * A name was looked up.
     *
     * @param type as {@code AAAA}
     * @param answer the response code in lower case, as {@code nxdomain}
     */
    public record Lookup(IpAddress guest, String name, String type, String answer, long micros) {}

    /** A name was looked up. */
    public void looked(Lookup lookup) {
        publish(Event.Kind.DNS, lookup);
        if (!isRecording()) {
            return;
        }
        DnsEvent record = new DnsEvent();
        if (record.isEnabled()) {
            recordDrops();
            record.fill(lookup);
            record.commit();
        }
    }

    /** Whether anybody wants to know of lookups. */
    public boolean wantsLookups() {
        return wants(Event.Kind.DNS) || isRecording() && DnsEvent.isRecorded();
    }
}
