package dev.sluice.gateway.flow;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Plain counters of one gateway: written on the loop's thread only, read anywhere (a reader may be a little behind). Per-packet
 * figures must not cost an atomic operation.
 */
public final class Counters {
    private final long[] drops = new long[Drop.values().length];
    /** Flows of every protocol so far, which is the id of the latest. */
    public long flows;

    private @Nullable Consumer<Drop> listener;
    public long tcpOpened;
    public long tcpClosed;
    public long tcpRefused;
    public long tcpBytesToHost;
    public long tcpBytesToGuest;
    public long udpOpened;
    public long udpDatagramsToHost;
    public long udpDatagramsToGuest;
    public long pingsToHost;
    public long pingsToGuest;
    public long icmpErrorsToGuest;
    public long arpReplies;
    public long neighbourAdvertisements;
    public long routerAdvertisements;
    public long dhcpReplies;
    public long dnsQueries;
    public long dnsFailures;

    /** Tells {@code listener} of every drop, on the loop's thread; null for nobody. */
    public void tell(@Nullable Consumer<Drop> listener) {
        this.listener = listener;
    }

    public void drop(Drop reason) {
        drops[reason.ordinal()]++;
        if (listener != null) {
            listener.accept(reason);
        }
    }

    public long dropped(Drop reason) {
        return drops[reason.ordinal()];
    }
}
