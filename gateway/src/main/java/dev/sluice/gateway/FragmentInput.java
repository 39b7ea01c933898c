package dev.sluice.gateway;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.Ipv6Chain;
import java.lang.foreign.MemorySegment;

/** Fragments of both families on their way into one reassembler: counts what is wrong with them and lets old ones expire. */
final class FragmentInput {
    private final Loop loop;
    private final Counters counters;
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

    FragmentInput(Loop loop, Counters counters, Reassembler reassembler) {
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
            case OVERLAP -> counters.drop(Drop.FRAGMENT_OVERLAP);
            case TOO_LONG -> counters.drop(Drop.TOO_BIG);
            case INCONSISTENT, TINY, BAD_LENGTH -> counters.drop(Drop.BAD_FRAGMENT);
        }
        return false;
    }
}
