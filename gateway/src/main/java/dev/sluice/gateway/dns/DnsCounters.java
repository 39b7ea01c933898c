package dev.sluice.gateway.dns;

import java.util.concurrent.atomic.LongAdder;

/** What the name server did; counted on any thread, read on any thread. */
public final class DnsCounters {
    /** Messages taken from guests. */
    final LongAdder queries = new LongAdder();

    final LongAdder answeredLocally = new LongAdder();
    final LongAdder forwarded = new LongAdder();
    final LongAdder shared = new LongAdder();
    final LongAdder cached = new LongAdder();
    final LongAdder failed = new LongAdder();
    final LongAdder malformed = new LongAdder();
    final LongAdder overLimit = new LongAdder();
    final LongAdder overRate = new LongAdder();
    final LongAdder transfers = new LongAdder();
    final LongAdder truncated = new LongAdder();
    final LongAdder upstreamFailures = new LongAdder();
    final LongAdder upstreamMismatches = new LongAdder();
    final LongAdder tcpSessions = new LongAdder();
    final LongAdder tcpSessionsRefused = new LongAdder();
    final LongAdder tcpSessionsCut = new LongAdder();

    /**
     * The counters at one moment.
     *
     * @param queries messages taken from guests
     * @param answeredLocally by built-in names or the hosts file
     * @param forwarded answered by a server of the host
     * @param cached answered by what a server had said before
     * @param shared of the forwarded, those that waited for the lookup of another
     * @param failed answered SERVFAIL because no server answered
     * @param malformed dropped, or answered FORMERR or NOTIMP
     * @param overLimit answered SERVFAIL because too many lookups were under way
     * @param overRate answered REFUSED because their guest asked too much in a second
     * @param transfers zones passed on, whole or not
     * @param truncated cut to the guest's size with TC set
     * @param upstreamFailures tries without an answer: silence, refusal, a socket error
     * @param upstreamMismatches replies ignored because id or question did not match
     * @param tcpSessions opened by guests
     * @param tcpSessionsRefused above the limit
     * @param tcpSessionsCut ended by us: idle, hostile length, or replies not taken
     */
    public record Snapshot(
            long queries,
            long answeredLocally,
            long forwarded,
            long cached,
            long shared,
            long failed,
            long malformed,
            long overLimit,
            long overRate,
            long transfers,
            long truncated,
            long upstreamFailures,
            long upstreamMismatches,
            long tcpSessions,
            long tcpSessionsRefused,
            long tcpSessionsCut) {}

    public Snapshot snapshot() {
        return new Snapshot(
                queries.sum(),
                answeredLocally.sum(),
                forwarded.sum(),
                cached.sum(),
                shared.sum(),
                failed.sum(),
                malformed.sum(),
                overLimit.sum(),
                overRate.sum(),
                transfers.sum(),
                truncated.sum(),
                upstreamFailures.sum(),
                upstreamMismatches.sum(),
                tcpSessions.sum(),
                tcpSessionsRefused.sum(),
                tcpSessionsCut.sum());
    }
}
