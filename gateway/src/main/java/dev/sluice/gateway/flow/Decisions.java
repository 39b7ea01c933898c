package dev.sluice.gateway.flow;

import dev.sluice.host.DatagramHost;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.util.Arrays;

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

    /** IPv4 bits of what the guest addressed, then the port, in 48 bits. */
    private long[] asked = new long[1];

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
            FlowPolicy policy, FlowPolicy.Protocol protocol, int guest, int guestPort, int destination, int port) {
        long key = key(destination, port);
        if (last < size && asked[last] == key) {
            return last;
        }
        for (int i = 0; i < size; i++) {
            if (asked[i] == key) {
                last = i;
                return i;
            }
        }
        FlowPolicy.Decision decision = policy.decide(new FlowPolicy.Request(
                protocol, new Ipv4Address(guest), guestPort, new Ipv4Address(destination), port));
        last = room();
        store(last, key, decision);
        return last;
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

    /** What the guest addressed, as IPv4 bits. */
    public int destination(int index) {
        return (int) (asked[index] >>> 16);
    }

    public int destinationPort(int index) {
        return (int) asked[index] & 0xffff;
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

    /** Forgets all, after the policy has changed. */
    public void clear() {
        size = 0;
        oldest = 0;
        redirects = false;
    }

    private int room() {
        if (size < LIMIT) {
            if (size == asked.length) {
                int more = size * 2;
                asked = Arrays.copyOf(asked, more);
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

    private void store(int index, long key, FlowPolicy.Decision decision) {
        asked[index] = key;
        switch (decision) {
            case FlowPolicy.Allow(IpAddress address, int port) -> {
                verdicts[index] = Verdict.ALLOW;
                targetPort[index] = port;
                switch (address) {
                    case Ipv4Address v4 -> {
                        targetHigh[index] = DatagramHost.MAPPED_HIGH;
                        targetLow[index] = DatagramHost.mapped(v4.bits());
                        redirects |= key(v4.bits(), port) != key;
                    }
                    case Ipv6Address v6 -> {
                        targetHigh[index] = v6.high();
                        targetLow[index] = v6.low();
                        redirects = true;
                    }
                }
            }
            case FlowPolicy.Prohibit() -> verdicts[index] = Verdict.PROHIBIT;
            case FlowPolicy.Reject() -> verdicts[index] = Verdict.REJECT;
        }
    }

    private static long key(int address, int port) {
        return (address & 0xffff_ffffL) << 16 | port;
    }
}
