package dev.sluice.gateway.tcp;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * What flows have to do when the frames of a batch, or of a turn, have been looked at. Intrusive lists: nothing is allocated for what
 * goes well. Confined to the loop.
 *
 * <p>An ACK of bulk waits while more frames are at hand, up to {@value #OWING_NANOS} ns. With one flow it makes no difference. Where
 * the frames of many flows follow each other, an ACK of each would let each send one frame more: a socket written, a wake-up and an
 * ACK per frame, and small frames. One that waits covers several, the guest sends as many in a row, and {@link Gathering} makes one
 * write of them.
 */
final class Batch {
    /** How long an ACK may wait for frames that are at hand. */
    private static final long OWING_NANOS = 2_000_000;

    private final Gathering gathering;
    /** Flows that a segment came for. */
    private @Nullable TcpFlow touched;
    /** Flows whose ACK waits. */
    private @Nullable TcpFlow owing;
    /** Flows whose host's side failed in the middle of a delivery. */
    private final ArrayDeque<TcpFlow> failing = new ArrayDeque<>();

    Batch(Gathering gathering) {
        this.gathering = gathering;
    }

    /** Remembers a flow that has perhaps something to send. */
    void touch(TcpFlow flow) {
        if (!flow.touched) {
            flow.touched = true;
            flow.nextTouched = touched;
            touched = flow;
        }
    }

    /** Tells a flow at the next {@link #end} that its host's side has failed: its Tcb must not be disturbed now. */
    void failLater(TcpFlow flow) {
        failing.add(flow);
        touch(flow);
    }

    /** The frames of a batch have been looked at: writes what was gathered, and sends what came of them. */
    void end(long now) {
        gathering.flush();
        TcpFlow flow;
        while ((flow = touched) != null) {
            touched = flow.nextTouched;
            flow.nextTouched = null;
            flow.touched = false;
            if (!flow.isClosed() && !owes(flow, now)) {
                flow.transmit(now);
            }
        }
        while ((flow = failing.poll()) != null) {
            flow.hostFailed(now);
        }
    }

    private boolean owes(TcpFlow flow, long now) {
        if (!flow.mayOwe()) {
            return false;
        }
        if (!flow.owing) {
            flow.owing = true;
            flow.owingSince = now;
            flow.nextOwing = owing;
            owing = flow;
        }
        return true;
    }

    /** The turn is over: sends also the ACKs that have waited long enough, or for frames that did not come. */
    void endTurn(long now) {
        end(now);
        TcpFlow kept = null;
        try {
            TcpFlow flow;
            while ((flow = owing) != null) {
                owing = flow.nextOwing;
                flow.nextOwing = null;
                if (!flow.isClosed() && flow.mayOwe() && now - flow.owingSince < OWING_NANOS) {
                    flow.nextOwing = kept;
                    kept = flow;
                } else {
                    flow.owing = false;
                    if (!flow.isClosed()) {
                        flow.transmit(now);
                    }
                }
            }
        } finally {
            // also after one that threw: whoever is not listed, and believed to be, would never get its ACK
            for (TcpFlow flow = kept; flow != null; flow = kept) {
                kept = flow.nextOwing;
                flow.nextOwing = owing;
                owing = flow;
            }
        }
    }
}
