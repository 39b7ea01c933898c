package dev.sluice.gateway.flow;

import dev.sluice.stack.share.Share;

/**
 * What a guest holds, and may hold, of each thing that guests share, whatever addresses it uses. Made by {@link Shares}: for each machine as a
 * part of its link's, which is a part of all. Confined to the loop.
 */
public final class GuestShares {
    /** One alone gets four fifths of the places, and something stays free for the next. */
    private static final int PLACES_FACTOR = 4;
    /** Of what everybody needs for a moment only, one alone gets half. */
    private static final int PENDING_FACTOR = 1;

    public final Share tcpFlows;
    public final Share tcpHalfOpen;
    /** Bytes. */
    public final Share buffers;

    public final Share udpFlows;
    public final Share pingFlows;
    public final Share proxySessions;
    /** TCP connections that were ended so that others get their guaranteed part of the buffers. */
    public long evictions;

    private final long mac;

    /** All there is. */
    GuestShares(Limits limits, Share buffers) {
        this.tcpFlows = Share.of(limits.tcpFlows());
        this.tcpHalfOpen = Share.of(limits.tcpHalfOpen());
        this.buffers = buffers;
        this.udpFlows = Share.of(limits.udpFlows());
        this.pingFlows = Share.of(limits.pingFlows());
        this.proxySessions = Share.of(limits.proxySessions());
        this.mac = 0;
    }

    /** A part of {@code whole}. */
    GuestShares(GuestShares whole, long mac) {
        this.tcpFlows = whole.tcpFlows.part();
        this.tcpHalfOpen = whole.tcpHalfOpen.part();
        this.buffers = whole.buffers.part();
        this.udpFlows = whole.udpFlows.part();
        this.pingFlows = whole.pingFlows.part();
        this.proxySessions = whole.proxySessions.part();
        this.mac = mac;
    }

    /** The party is gone; what it still holds it gives back as before. */
    void end() {
        tcpFlows.end();
        tcpHalfOpen.end();
        buffers.end();
        udpFlows.end();
        pingFlows.end();
        proxySessions.end();
    }

    /** Whether it holds nothing. Whoever is half open has flows. */
    boolean isIdle() {
        return tcpFlows.held() == 0
                && buffers.held() == 0
                && udpFlows.held() == 0
                && pingFlows.held() == 0
                && proxySessions.held() == 0;
    }

    /** MAC bits of the machine; 0 if it stands for several that have no share of their own. */
    public long mac() {
        return mac;
    }

    public boolean mayOpen() {
        return tcpFlows.may(1, PLACES_FACTOR);
    }

    public boolean mayHalfOpen() {
        return tcpHalfOpen.may(1, PENDING_FACTOR);
    }

    public boolean mayStartProxySession() {
        return proxySessions.may(1, PENDING_FACTOR);
    }

    boolean mayMap(FlowPolicy.Protocol protocol) {
        return flows(protocol).may(1, PLACES_FACTOR);
    }

    /** Flows of a protocol. */
    public Share flows(FlowPolicy.Protocol protocol) {
        return switch (protocol) {
            case TCP -> tcpFlows;
            case UDP -> udpFlows;
            case PING -> pingFlows;
        };
    }
}
