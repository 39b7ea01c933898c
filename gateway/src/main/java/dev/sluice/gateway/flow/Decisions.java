package dev.sluice.gateway.flow;

import dev.sluice.host.DatagramHost;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.util.Arrays;
import java.util.List;

/**
 * What the policy said about the destinations of one unconnected flow, so that a datagram to a known one asks nobody and allocates
 * nothing. Remembers {@value #LIMIT}; above it the one remembered longest is forgotten and would be asked about again. Confined to
 * the loop.
 */
public final class Decisions {
    public static final int LIMIT = 16;

    /** What was decided, as {@link #verdict} tells it. */
    public enum Verdict {
        ALLOW,
        PROHIBIT,
        REJECT
    }

    /** What the guest addressed. */
    private long[] askedHigh = new long[1];

    private long[] askedLow = new long[1];
    private int[] askedPort = new int[1];

    private long[] targetHigh = new long[1];
    private long[] targetLow = new long[1];
    private int[] targetPort = new int[1];
    private Verdict[] verdicts = {Verdict.REJECT};
    private int size;
    /** Where the next one goes once all are in use. */
    private int oldest;
    /** Where the last search ended, as most flows have one destination. */
    private int last;
    /** True if some target differs from what the guest addressed. */
    private boolean redirects;

    /** The index of the decision about this destination, for the methods below; valid until the next call. */
    public int about(
            FlowPolicy policy,
            FlowPolicy.Protocol protocol,
            Guest guest,
            int guestPort,
            long high,
            long low,
            int port) {
        if (last < size && isAbout(last, high, low, port)) {
            return last;
        }
        for (int i = 0; i < size; i++) {
            if (isAbout(i, high, low, port)) {
                last = i;
                return i;
            }
        }
        FlowPolicy.Decision decision = policy.decide(
                new FlowPolicy.Request(protocol, guest.ipAddress(), guestPort, IpHeader.address(high, low), port));
        last = room();
        askedHigh[last] = high;
        askedLow[last] = low;
        askedPort[last] = port;
        store(last, decision);
        return last;
    }

    private boolean isAbout(int index, long high, long low, int port) {
        return askedLow[index] == low && askedPort[index] == port && askedHigh[index] == high;
    }

    public Verdict verdict(int index) {
        return verdicts[index];
    }

    /** High half of the address to use on the host, as in {@link DatagramHost}. */
    public long targetHigh(int index) {
        return targetHigh[index];
    }

    public long targetLow(int index) {
        return targetLow[index];
    }

    public int targetPort(int index) {
        return targetPort[index];
    }

    /** High half of what the guest addressed. */
    public long destinationHigh(int index) {
        return askedHigh[index];
    }

    public long destinationLow(int index) {
        return askedLow[index];
    }

    public int destinationPort(int index) {
        return askedPort[index];
    }

    /** Destinations remembered. */
    public int size() {
        return size;
    }

    /** The index of the decision asked for last; -1 if there is none. */
    public int latest() {
        return last < size ? last : -1;
    }

    /** The decision that led to this host-side address and port; -1 if none is remembered or none can differ from it. */
    public int redirectedTo(long high, long low, int port) {
        if (!redirects) {
            return -1;
        }
        for (int i = 0; i < size; i++) {
            if (targetLow[i] == low && targetPort[i] == port && targetHigh[i] == high && verdicts[i] == Verdict.ALLOW) {
                return i;
            }
        }
        return -1;
    }

    /**
     * A flow with these destinations, as people see it.
     *
     * @param open whether it has a socket
     * @param localPort of its socket; 0 as long as that has none
     */
    public FlowInfo info(
            FlowPolicy.Protocol protocol,
            Guest guest,
            int guestPort,
            Traffic traffic,
            boolean open,
            int localPort,
            long now) {
        traffic.sample(now);
        int at = latest();
        return new FlowInfo(
                traffic.id,
                protocol,
                FlowInfo.Direction.OUT,
                guest.ipAddress(),
                guestPort,
                at < 0 ? null : IpHeader.address(askedHigh[at], askedLow[at]),
                at < 0 ? 0 : askedPort[at],
                size,
                at < 0 || verdicts[at] != Verdict.ALLOW ? null : IpHeader.address(targetHigh[at], targetLow[at]),
                at < 0 || verdicts[at] != Verdict.ALLOW ? 0 : targetPort[at],
                localPort,
                open ? "open" : "closed",
                traffic.bytesToHost,
                traffic.bytesToGuest,
                traffic.rateToHost(),
                traffic.rateToGuest(),
                traffic.ageMillis(now),
                List.of());
    }

    /** Forgets all, after the policy has changed. */
    public void clear() {
        size = 0;
        oldest = 0;
        redirects = false;
    }

    private int room() {
        if (size < LIMIT) {
            if (size == askedLow.length) {
                int more = size * 2;
                askedHigh = Arrays.copyOf(askedHigh, more);
                askedLow = Arrays.copyOf(askedLow, more);
                askedPort = Arrays.copyOf(askedPort, more);
                targetHigh = Arrays.copyOf(targetHigh, more);
                targetLow = Arrays.copyOf(targetLow, more);
                targetPort = Arrays.copyOf(targetPort, more);
                verdicts = Arrays.copyOf(verdicts, more);
            }
            return size++;
        }
        int index = oldest;
        oldest = (oldest + 1) % LIMIT;
        return index;
    }

    private void store(int index, FlowPolicy.Decision decision) {
        switch (decision) {
            case FlowPolicy.Allow(IpAddress address, int port) -> {
                verdicts[index] = Verdict.ALLOW;
                targetPort[index] = port;
                targetHigh[index] = address.high();
                targetLow[index] = address.low();
                redirects |= !isAbout(index, targetHigh[index], targetLow[index], port);
            }
            case FlowPolicy.Prohibit() -> verdicts[index] = Verdict.PROHIBIT;
            case FlowPolicy.Reject _, FlowPolicy.Tunnel _ -> verdicts[index] = Verdict.REJECT;
        }
    }
}
