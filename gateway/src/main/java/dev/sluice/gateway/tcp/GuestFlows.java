package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.GuestShares;
import dev.sluice.stack.tcp.BufferShare;
import dev.sluice.stack.tcp.TcpShard;
import org.jspecify.annotations.Nullable;

/**
 * The TCP flows of one guest: what they share of flows and buffers with other guests', those whose host connection is pending, in order of
 * age, and those that hold buffers. Confined to the loop.
 */
final class GuestFlows {
    final GuestShares shares;
    /** What the buffers of its flows are taken of. */
    final BufferShare buffers;

    final Holders holders = new Holders();
    /** Those that may hold buffers, though they may be no flows for the guest any more. */
    private int flows;

    private @Nullable TcpFlow oldest;
    private @Nullable TcpFlow newest;

    GuestFlows(GuestShares shares, TcpShard shard) {
        this.shares = shares;
        this.buffers = shard.share(shares.buffers);
    }

    /** Whether it holds more buffers than the {@code other}: by its link first, so that whoever makes up machines gains nothing. */
    boolean holdsMoreThan(GuestFlows other) {
        long ofLink = shares.buffers.whole().held();
        long ofOther = other.shares.buffers.whole().held();
        return ofLink == ofOther ? shares.buffers.held() > other.shares.buffers.held() : ofLink > ofOther;
    }

    /** The pending connection that has waited longest. */
    @Nullable
    TcpFlow oldestHalfOpen() {
        return oldest;
    }

    void added() {
        if (flows++ == 0) {
            buffers.join();
        }
        shares.tcpFlows.take(1);
    }

    /** A flow is none for the guest any more. */
    void removed() {
        shares.tcpFlows.give(1);
    }

    /** It holds nothing any more. */
    void released(TcpFlow flow) {
        holders.remove(flow.held);
        if (--flows == 0) {
            buffers.leave();
        }
    }

    boolean isEmpty() {
        return flows == 0;
    }

    void addHalfOpen(TcpFlow flow) {
        shares.tcpHalfOpen.take(1);
        flow.halfOpen = true;
        flow.olderHalfOpen = newest;
        if (newest == null) {
            oldest = flow;
        } else {
            newest.newerHalfOpen = flow;
        }
        newest = flow;
    }

    void removeHalfOpen(TcpFlow flow) {
        shares.tcpHalfOpen.give(1);
        flow.halfOpen = false;
        TcpFlow older = flow.olderHalfOpen;
        TcpFlow newer = flow.newerHalfOpen;
        if (older == null) {
            oldest = newer;
        } else {
            older.newerHalfOpen = newer;
        }
        if (newer == null) {
            newest = older;
        } else {
            newer.olderHalfOpen = older;
        }
        flow.olderHalfOpen = null;
        flow.newerHalfOpen = null;
    }
}
