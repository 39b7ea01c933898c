package dev.sluice.gateway.flow;

/**
 * Plain counters of one gateway: written on the loop's thread only, read anywhere (a reader may be a little behind). Per-packet
 * figures must not cost an atomic operation.
 */
public final class Counters {
    private final long[] drops = new long[Drop.values().length];
    /** Flows of every protocol so far, which is the id of the latest. */
    public long flows;

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

    public void drop(Drop reason) {
        drops[reason.ordinal()]++;
    }

    public long dropped(Drop reason) {
        return drops[reason.ordinal()];
    }
}
