package dev.sluice.gateway.flow;

/**
 * Everything a guest could make grow, with its bound. What happens at each bound is said here and counted in {@link Counters}; what a guest's
 * share of a bound is, by {@link Shares}.
 *
 * @param tcpFlows concurrent TCP flows; a guest above its share is refused with RST
 * @param tcpHalfOpen TCP flows whose host connect is pending; a guest above its share loses the one that waits longest
 * @param tcpTimeWait remembered closed connections; the oldest is forgotten
 * @param tcpKeepAliveSeconds silence on a connection of a published port, or of one whose server has ended its side, after which its guest is
 *     asked whether it is still there, and time between two such questions; one that leaves 26 of them unanswered loses the connection. A
 *     client from elsewhere that was joined to its service is asked after the same silence, by the system. 0 for no questions
 * @param udpFlows UDP mappings; a guest above its share loses the one idle longest
 * @param udpIdleSeconds when an unused UDP mapping ends
 * @param pingFlows ICMP echo mappings; a guest above its share loses the one idle longest
 * @param pingIdleSeconds when an unused echo mapping ends
 * @param reassemblyBytes memory for incomplete datagrams; the oldest is dropped
 * @param reassemblyDatagrams incomplete datagrams at a time; the oldest is dropped
 * @param bufferBytes memory of all flow buffers together, the last quarter in small blocks; to a guest above its share nothing more is
 *     sent before it has taken something, and its data is dropped and comes again; if one below its guarantee lacks memory, the guest that holds
 *     most loses the connection that has stood still for longest
 * @param flowBufferBytes largest buffer of one flow in one direction, a power of two
 * @param guests neighbours remembered; the one idle longest without a lease is forgotten
 * @param dnsQueries name lookups under way; a query above it is answered SERVFAIL
 * @param dnsQueriesPerSecond name lookups that one guest may start in a second, and at once; a query above it is answered REFUSED
 * @param proxySessions connections that the HTTP proxy looks into, tunnels that stand not among them, half of it for a guest alone; one more of
 *     a guest above its share is answered 503, or reset
 * @param proxyHeadBytes a request's or response's head; a longer one is answered 431, or 502
 * @param proxyHeadSeconds for a request's head to arrive whole; then 408
 * @param proxyIdleSeconds between two requests; then the connection is closed
 */
public record Limits(
        int tcpFlows,
        int tcpHalfOpen,
        int tcpTimeWait,
        int tcpKeepAliveSeconds,
        int udpFlows,
        int udpIdleSeconds,
        int pingFlows,
        int pingIdleSeconds,
        long reassemblyBytes,
        int reassemblyDatagrams,
        long bufferBytes,
        int flowBufferBytes,
        int guests,
        int dnsQueries,
        int dnsQueriesPerSecond,
        int proxySessions,
        int proxyHeadBytes,
        int proxyHeadSeconds,
        int proxyIdleSeconds) {

    /** What {@code sluice} uses: 16,384 TCP flows, 2,048 UDP mappings, 256 MiB of buffers, 4,096 guests. */
    public static Limits defaults() {
        return new Limits(
                16384,
                1024,
                4096,
                300,
                2048,
                90,
                1024,
                60,
                4 << 20,
                256,
                256L << 20,
                1 << 20,
                4096,
                512,
                20_000,
                2048,
                64 << 10,
                30,
                300);
    }

    /** These, to be changed in part. */
    public Builder change() {
        return new Builder(this);
    }

    /** Limits in the making; each method sets the component of its name. */
    public static final class Builder {
        private int tcpFlows;
        private int tcpHalfOpen;
        private int tcpTimeWait;
        private int tcpKeepAliveSeconds;
        private int udpFlows;
        private int udpIdleSeconds;
        private int pingFlows;
        private int pingIdleSeconds;
        private long reassemblyBytes;
        private int reassemblyDatagrams;
        private long bufferBytes;
        private int flowBufferBytes;
        private int guests;
        private int dnsQueries;
        private int dnsQueriesPerSecond;
        private int proxySessions;
        private int proxyHeadBytes;
        private int proxyHeadSeconds;
        private int proxyIdleSeconds;

        private Builder(Limits from) {
            tcpFlows = from.tcpFlows;
            tcpHalfOpen = from.tcpHalfOpen;
            tcpTimeWait = from.tcpTimeWait;
            tcpKeepAliveSeconds = from.tcpKeepAliveSeconds;
            udpFlows = from.udpFlows;
            udpIdleSeconds = from.udpIdleSeconds;
            pingFlows = from.pingFlows;
            pingIdleSeconds = from.pingIdleSeconds;
            reassemblyBytes = from.reassemblyBytes;
            reassemblyDatagrams = from.reassemblyDatagrams;
            bufferBytes = from.bufferBytes;
            flowBufferBytes = from.flowBufferBytes;
            guests = from.guests;
            dnsQueries = from.dnsQueries;
            dnsQueriesPerSecond = from.dnsQueriesPerSecond;
            proxySessions = from.proxySessions;
            proxyHeadBytes = from.proxyHeadBytes;
            proxyHeadSeconds = from.proxyHeadSeconds;
            proxyIdleSeconds = from.proxyIdleSeconds;
        }

        public Builder tcpFlows(int tcpFlows) {
            this.tcpFlows = tcpFlows;
            return this;
        }

        public Builder tcpHalfOpen(int tcpHalfOpen) {
            this.tcpHalfOpen = tcpHalfOpen;
            return this;
        }

        public Builder tcpKeepAliveSeconds(int tcpKeepAliveSeconds) {
            this.tcpKeepAliveSeconds = tcpKeepAliveSeconds;
            return this;
        }

        public Builder udpFlows(int udpFlows) {
            this.udpFlows = udpFlows;
            return this;
        }

        public Builder bufferBytes(long bufferBytes) {
            this.bufferBytes = bufferBytes;
            return this;
        }

        public Builder flowBufferBytes(int flowBufferBytes) {
            this.flowBufferBytes = flowBufferBytes;
            return this;
        }

        public Builder dnsQueries(int dnsQueries) {
            this.dnsQueries = dnsQueries;
            return this;
        }

        public Builder dnsQueriesPerSecond(int dnsQueriesPerSecond) {
            this.dnsQueriesPerSecond = dnsQueriesPerSecond;
            return this;
        }

        public Builder proxySessions(int proxySessions) {
            this.proxySessions = proxySessions;
            return this;
        }

        public Builder proxyHeadSeconds(int proxyHeadSeconds) {
            this.proxyHeadSeconds = proxyHeadSeconds;
            return this;
        }

        public Builder proxyIdleSeconds(int proxyIdleSeconds) {
            this.proxyIdleSeconds = proxyIdleSeconds;
            return this;
        }

        /** The limits; no more flows may be half open than there may be. */
        public Limits build() {
            return new Limits(
                    tcpFlows,
                    Math.min(tcpHalfOpen, tcpFlows),
                    tcpTimeWait,
                    tcpKeepAliveSeconds,
                    udpFlows,
                    udpIdleSeconds,
                    pingFlows,
                    pingIdleSeconds,
                    reassemblyBytes,
                    reassemblyDatagrams,
                    bufferBytes,
                    flowBufferBytes,
                    guests,
                    dnsQueries,
                    dnsQueriesPerSecond,
                    proxySessions,
                    proxyHeadBytes,
                    proxyHeadSeconds,
                    proxyIdleSeconds);
        }
    }
}
