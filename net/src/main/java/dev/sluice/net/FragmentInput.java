package dev.sluice.net;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.net.ip.IpCounters;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.Ipv6Chain;
import java.lang.foreign.MemorySegment;

/** Fragments of both families on their way into one reassembler: counts what is wrong with them and lets old ones expire. Confined to the loop. */
final class FragmentInput {
    private final Loop loop;
    private final IpCounters counters;
    private final Reassembler reassembler;
    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            reassembler.expire(now);
            if (reassembler.datagrams() > 0) {
                loop.schedule(this, now + Reassembler.TIMEOUT / 4);
            }
        }
    };

    FragmentInput(Loop loop, IpCounters counters, Reassembler reassembler) {
        this.loop = loop;
        this.counters = counters;
        this.reassembler = reassembler;
    }

    /** Has the packet while the last {@code add} said so. */
    Reassembler reassembler() {
        return reassembler;
    }

    /** Takes an IPv4 fragment; true if it was the last one missing. */
    boolean add(MemorySegment s, long at, long now) {
        return account(reassembler.add(s, at, now), now);
    }

    /** Takes an IPv6 fragment, whose fragment header {@code chain} has found; true if it was the last one missing. */
    boolean add(MemorySegment s, long at, Ipv6Chain chain, long now) {
        return account(reassembler.add(s, at, chain, now), now);
    }

    private boolean account(Reassembler.Outcome outcome, long now) {
        switch (outcome) {
            case COMPLETE -> {
                return true;
            }
            case INCOMPLETE -> {
                if (!timer.isArmed()) {
                    loop.schedule(timer, now + Reassembler.TIMEOUT);
                }
            }
            case OVERLAP, INCONSISTENT, TOO_LONG, TINY, BAD_LENGTH -> counters.fragmentsDropped++;
        }
        return false;
    }

    void close() {
        loop.cancel(timer);
    }
}
