package dev.sluice.gateway.proxy;

import java.util.concurrent.atomic.LongAdder;

/** What the proxy did; counted on any thread, read on any thread. */
public final class ProxyCounters {
    final LongAdder sessions = new LongAdder();
    final LongAdder sessionsRefused = new LongAdder();
    final LongAdder requests = new LongAdder();
    final LongAdder tunnels = new LongAdder();
    final LongAdder badRequests = new LongAdder();
    final LongAdder timeouts = new LongAdder();
    final LongAdder refused = new LongAdder();
    final LongAdder connectFailures = new LongAdder();
    final LongAdder upstreamRefusals = new LongAdder();
    final LongAdder badResponses = new LongAdder();

    /**
     * The counters at one moment.
     *
     * @param active connections that the proxy looks into now; tunnels that stand are not among them
     * @param sessions connections looked into so far
     * @param sessionsRefused above the limit
     * @param requests forwarded
     * @param tunnels opened: CONNECT, TLS seen on its way, other protocols, WebSocket and its like
     * @param badRequests answered with an error because of what they are
     * @param timeouts guests that took too long to say what they want
     * @param refused by the policy
     * @param connectFailures servers and upstreams that could not be reached
     * @param upstreamRefusals tunnels that an upstream did not open
     * @param badResponses of servers and upstreams: no HTTP, or cut off before they began
     */
    public record Snapshot(
            int active,
            long sessions,
            long sessionsRefused,
            long requests,
            long tunnels,
            long badRequests,
            long timeouts,
            long refused,
            long connectFailures,
            long upstreamRefusals,
            long badResponses) {}

    /** @param active connections looked into now */
    public Snapshot snapshot(int active) {
        return new Snapshot(
                active,
                sessions.sum(),
                sessionsRefused.sum(),
                requests.sum(),
                tunnels.sum(),
                badRequests.sum(),
                timeouts.sum(),
                refused.sum(),
                connectFailures.sum(),
                upstreamRefusals.sum(),
                badResponses.sum());
    }
}
