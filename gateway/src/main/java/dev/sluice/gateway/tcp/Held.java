package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Traffic;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import org.jspecify.annotations.Nullable;

/** What one flow holds in buffers, and whether it gets on with that; an entry of its guest's {@link Holders}. Confined to the loop. */
final class Held {
    /** Nothing was held. */
    private static final long NOTHING = Long.MIN_VALUE;

    final TcpFlow flow;
    private final Tcb tcb;
    private final Traffic traffic;

    /** It is among its guest's {@link Holders}, with these neighbours. */
    boolean listed;

    @Nullable
    Held before;

    @Nullable
    Held after;
    /** When it was seen to get on, while it is {@link #listed}. */
    private long since;
    /** Where {@link SendRing#start} will be once all is gone that was held then, or {@link #NOTHING}. */
    private long goneToGuest;
    /** The same of {@link Traffic#bytesToHost}. */
    private long goneToHost;

    Held(TcpFlow flow) {
        this.flow = flow;
        this.tcb = flow.tcb;
        this.traffic = flow.traffic;
    }

    boolean isAnything() {
        return tcb.sendRing().size() > 0 || tcb.undelivered() > 0;
    }

    /** What is held now is to be gone when it is asked next whether it {@link #standsStill}. */
    void note(long now) {
        since = now;
        SendRing ring = tcb.sendRing();
        int kept = tcb.undelivered();
        goneToGuest = ring.size() > 0 ? ring.end() : NOTHING;
        goneToHost = kept > 0 ? traffic.bytesToHost + kept : NOTHING;
    }

    long since() {
        return since;
    }

    /** Whether one side has not taken all that was held for it. That it takes a byte now and then is no getting on. */
    boolean standsStill() {
        SendRing ring = tcb.sendRing();
        return ring.size() > 0 && ring.start() < goneToGuest
                || tcb.undelivered() > 0 && traffic.bytesToHost < goneToHost;
    }
}
