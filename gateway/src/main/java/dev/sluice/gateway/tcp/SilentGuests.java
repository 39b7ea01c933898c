package dev.sluice.gateway.tcp;

import dev.sluice.loop.Timer;

/**
 * Asks guests about connections of theirs on which they have said nothing for long: one that was started anew behind a link that lives denies
 * them. Nobody loses anything by silence, so a question may get lost, and is asked again at the next look. One timer for all flows, as one for
 * each would have to be set anew with every segment. Confined to the loop.
 */
final class SilentGuests extends Timer {
    private static final long MINUTE = 60_000_000_000L;
    /** Nearly every system asks after two hours (RFC 9293 §3.8.4). */
    static final long SILENCE = 120 * MINUTE;

    static final long BETWEEN_LOOKS = 30 * MINUTE;

    private final TcpFlows flows;

    SilentGuests(TcpFlows flows) {
        this.flows = flows;
    }

    /** There is a flow, so there will be something to look at. */
    void watch() {
        if (!isArmed()) {
            flows.loop.schedule(this, flows.loop.now() + BETWEEN_LOOKS);
        }
    }

    @Override
    protected void onTimer(long now) {
        flows.table.forEach(flow -> {
            if (flow.forward == null && now - flow.tcb.lastHeard() >= SILENCE) {
                flow.tcb.ask();
                flow.transmit(now);
            }
        });
        if (flows.size() > 0) {
            watch();
        }
    }
}
