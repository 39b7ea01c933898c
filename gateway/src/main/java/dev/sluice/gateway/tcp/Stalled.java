package dev.sluice.gateway.tcp;

import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Flows that wait for room on their guests' links, in order, each at most once. Who closes meanwhile stays in the queue until half of it is
 * such: a link that ends has all of its flows close, and to look for each would take the square of their number. Confined to the loop.
 */
final class Stalled {
    private static final int FEW = 16;

    private final ArrayDeque<TcpFlow> flows = new ArrayDeque<>();
    private int closed;

    /** How many are in the queue, some closed ones among them. */
    int size() {
        return flows.size();
    }

    void add(TcpFlow flow) {
        if (!flow.stalled) {
            flow.stalled = true;
            flows.add(flow);
        }
    }

    /** Takes the first one, which may have closed meanwhile; null if there is none. */
    @Nullable
    TcpFlow next() {
        TcpFlow flow = flows.poll();
        if (flow != null) {
            flow.stalled = false;
            closed -= flow.isClosed() ? 1 : 0;
        }
        return flow;
    }

    /** It is closed, and perhaps one of them. */
    void closed(TcpFlow flow) {
        if (flow.stalled && ++closed >= FEW && closed >= flows.size() / 2) {
            flows.removeIf(TcpFlow::isClosed);
            closed = 0;
        }
    }
}
