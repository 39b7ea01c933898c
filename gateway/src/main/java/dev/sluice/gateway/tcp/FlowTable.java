package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The TCP flows of one gateway by their four-tuple, of either family. Chained hashing with the links inside the flows, so looking up, adding and
 * removing allocate nothing but the doubled array now and then. The hash is keyed: a guest cannot aim at one chain.
 */
final class FlowTable {
    private final long key;
    private @Nullable TcpFlow[] chains = new @Nullable TcpFlow[256];
    private int size;

    FlowTable(long key) {
        this.key = key | 1;
    }

    int size() {
        return size;
    }

    @Nullable
    TcpFlow find(Guest guest, int guestPort, long remoteHigh, long remoteLow, int remotePort) {
        int ports = guestPort << 16 | remotePort;
        TcpFlow flow = chains[index(guest, remoteHigh, remoteLow, ports, chains.length)];
        while (flow != null
                && (flow.remoteLow != remoteLow
                        || flow.guestPort != guestPort
                        || flow.remotePort != remotePort
                        || flow.remoteHigh != remoteHigh
                        || !flow.guest.hasAddress(guest.high, guest.low))) {
            flow = flow.nextInChain;
        }
        return flow;
    }

    void add(TcpFlow flow) {
        if (size >= chains.length) {
            grow();
        }
        link(flow, chains);
        size++;
    }

    void remove(TcpFlow flow) {
        int index = index(flow, chains.length);
        TcpFlow at = chains[index];
        if (at == flow) {
            chains[index] = flow.nextInChain;
            size--;
        } else {
            while (at != null && at.nextInChain != flow) {
                at = at.nextInChain;
            }
            if (at != null) {
                at.nextInChain = flow.nextInChain;
                size--;
            }
        }
        flow.nextInChain = null;
    }

    void forEach(Consumer<TcpFlow> action) {
        for (TcpFlow head : chains.clone()) {
            TcpFlow flow = head;
            while (flow != null) {
                TcpFlow next = flow.nextInChain;
                action.accept(flow);
                flow = next;
            }
        }
    }

    private void grow() {
        @Nullable TcpFlow[] larger = new @Nullable TcpFlow[chains.length * 2];
        for (TcpFlow head : chains) {
            TcpFlow flow = head;
            while (flow != null) {
                TcpFlow next = flow.nextInChain;
                link(flow, larger);
                flow = next;
            }
        }
        chains = larger;
    }

    private void link(TcpFlow flow, @Nullable TcpFlow[] into) {
        int index = index(flow, into.length);
        flow.nextInChain = into[index];
        into[index] = flow;
    }

    private int index(TcpFlow flow, int length) {
        int ports = flow.guestPort << 16 | flow.remotePort;
        return index(flow.guest, flow.remoteHigh, flow.remoteLow, ports, length);
    }

    private int index(Guest guest, long remoteHigh, long remoteLow, int ports, int length) {
        long h = (guest.low ^ key) * 0x9e37_79b9_7f4a_7c15L;
        h = (Long.rotateLeft(h, 27) ^ remoteLow) * 0xc2b2_ae3d_27d4_eb4fL;
        h = (Long.rotateLeft(h, 27) ^ ports ^ key) * 0x9e37_79b9_7f4a_7c15L;
        if ((guest.high | remoteHigh) != 0) {
            h = (Long.rotateLeft(h, 27) ^ guest.high) * 0xc2b2_ae3d_27d4_eb4fL;
            h = (Long.rotateLeft(h, 27) ^ remoteHigh) * 0x9e37_79b9_7f4a_7c15L;
        }
        return (int) (h ^ h >>> 32) & (length - 1);
    }
}
