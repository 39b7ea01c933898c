package dev.sluice.gateway.tcp;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The TCP flows of one gateway by their four-tuple. Chained hashing with the links inside the flows, so looking up, adding and
 * removing allocate nothing but the doubled array now and then. The hash is keyed: a guest cannot aim at one chain.
 */
final class FlowTable {
    private final int key;
    private @Nullable TcpFlow[] chains = new @Nullable TcpFlow[256];
    private int size;

    FlowTable(int key) {
        this.key = key | 1;
    }

    int size() {
        return size;
    }

    @Nullable
    TcpFlow find(int guestAddress, int guestPort, int remoteAddress, int remotePort) {
        int ports = guestPort << 16 | remotePort;
        TcpFlow flow = chains[index(guestAddress, remoteAddress, ports, chains.length)];
        while (flow != null
                && (flow.guest.address != guestAddress
                        || flow.remoteAddress != remoteAddress
                        || flow.guestPort != guestPort
                        || flow.remotePort != remotePort)) {
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
        return index(flow.guest.address, flow.remoteAddress, flow.guestPort << 16 | flow.remotePort, length);
    }

    private int index(int guestAddress, int remoteAddress, int ports, int length) {
        int h = (guestAddress ^ key) * 0x9e3779b9;
        h = (Integer.rotateLeft(h, 13) ^ remoteAddress) * 0x85ebca6b;
        h = (Integer.rotateLeft(h, 13) ^ ports) * 0xc2b2ae35;
        return (h ^ h >>> 16) & (length - 1);
    }
}
