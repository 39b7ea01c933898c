package dev.sluice.gateway.flow;

/**
 * Everything a guest could make grow, with its bound. What happens at each bound is said here and counted in {@link Counters}.
 *
 * @param tcpFlows concurrent TCP flows; a guest above its share is refused with RST
 * @param tcpHalfOpen TCP flows whose host connect is pending; a guest above its share loses the one that waits longest
 * @param tcpTimeWait remembered closed connections; the oldest is forgotten
 * @param udpFlows UDP mappings; a guest above its share loses the one idle longest
 * @param udpIdleSeconds when an unused UDP mapping ends
 * @param pingFlows ICMP echo mappings; a guest above its share loses the one idle longest
 * @param pingIdleSeconds when an unused echo mapping ends
 * @param reassemblyBytes memory for incomplete datagrams; the oldest is dropped
 * @param reassemblyDatagrams incomplete datagrams at a time; the oldest is dropped
 * @param bufferBytes memory of all flow buffers together; data above it is dropped and comes again
 * @param flowBufferBytes largest buffer of one flow in one direction, a power of two
 * @param guests neighbours remembered; the one idle longest without a lease is forgotten
 * @param dnsQueries name lookups under way; a query above it is answered SERVFAIL
 */
public record Limits(
        int tcpFlows,
        int tcpHalfOpen,
        int tcpTimeWait,
        int udpFlows,
        int udpIdleSeconds,
        int pingFlows,
        int pingIdleSeconds,
        long reassemblyBytes,
        int reassemblyDatagrams,
        long bufferBytes,
        int flowBufferBytes,
        int guests,
        int dnsQueries) {

    /** The same with other bounds of TCP flows, those being connected included. */
    public Limits withTcpFlows(int flows) {
        return new Limits(
                flows,
                Math.min(tcpHalfOpen, flows),
                tcpTimeWait,
                udpFlows,
                udpIdleSeconds,
                pingFlows,
                pingIdleSeconds,
                reassemblyBytes,
                reassemblyDatagrams,
                bufferBytes,
                flowBufferBytes,
                guests,
                dnsQueries);
    }

    public static Limits defaults() {
        return new Limits(16384, 1024, 4096, 2048, 90, 1024, 60, 4 << 20, 256, 256L << 20, 1 << 20, 4096, 512);
    }

    /** These with another {@code tcpHalfOpen}. */
    public Limits withTcpHalfOpen(int tcpHalfOpen) {
        return new Limits(
                tcpFlows,
                tcpHalfOpen,
                tcpTimeWait,
                udpFlows,
                udpIdleSeconds,
                pingFlows,
                pingIdleSeconds,
                reassemblyBytes,
                reassemblyDatagrams,
                bufferBytes,
                flowBufferBytes,
                guests,
                dnsQueries);
    }

    /** These with another {@code udpFlows}. */
    public Limits withUdpFlows(int udpFlows) {
        return new Limits(
                tcpFlows,
                tcpHalfOpen,
                tcpTimeWait,
                udpFlows,
                udpIdleSeconds,
                pingFlows,
                pingIdleSeconds,
                reassemblyBytes,
                reassemblyDatagrams,
                bufferBytes,
                flowBufferBytes,
                guests,
                dnsQueries);
    }

    /** These with another {@code flowBufferBytes}. */
    public Limits withFlowBufferBytes(int flowBufferBytes) {
        return new Limits(
                tcpFlows,
                tcpHalfOpen,
                tcpTimeWait,
                udpFlows,
                udpIdleSeconds,
                pingFlows,
                pingIdleSeconds,
                reassemblyBytes,
                reassemblyDatagrams,
                bufferBytes,
                flowBufferBytes,
                guests,
                dnsQueries);
    }

    /** These with another {@code dnsQueries}. */
    public Limits withDnsQueries(int dnsQueries) {
        return new Limits(
                tcpFlows,
                tcpHalfOpen,
                tcpTimeWait,
                udpFlows,
                udpIdleSeconds,
                pingFlows,
                pingIdleSeconds,
                reassemblyBytes,
                reassemblyDatagrams,
                bufferBytes,
                flowBufferBytes,
                guests,
                dnsQueries);
    }
}
