package dev.sluice.net;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one stack by both addresses, of either family, and both ports. Chained hashing with the links inside the sessions, so that nothing is
 * allocated per packet; the hash is keyed, so that a peer cannot aim at one chain. Confined to the loop.
 */
final class TcpTable {
    private final long key;
    private @Nullable TcpSession[] chains = new @Nullable TcpSession[64];
    private int size;

    TcpTable(long key) {
        this.key = key | 1;
    }

    int size() {
        return size;
    }

    @Nullable
    TcpSession find(long localHigh, long localLow, int localPort, long remoteHigh, long remoteLow, int remotePort) {
        int ports = remotePort << 16 | localPort;
        TcpSession session = chains[index(localLow, remoteHigh, remoteLow, ports, chains.length)];
        while (session != null
                && (session.remoteLow != remoteLow
                        || session.remotePort != remotePort
                        || session.localPort != localPort
                        || session.localLow != localLow
                        || session.remoteHigh != remoteHigh
                        || session.localHigh != localHigh)) {
            session = session.nextInChain;
        }
        return session;
    }

    void add(TcpSession session) {
        if (size >= chains.length) {
            grow();
        }
        link(session, chains);
        size++;
    }

    void remove(TcpSession session) {
        int index = index(session, chains.length);
        TcpSession at = chains[index];
        if (at == session) {
            chains[index] = session.nextInChain;
            size--;
        } else {
            while (at != null && at.nextInChain != session) {
                at = at.nextInChain;
            }
            if (at != null) {
                at.nextInChain = session.nextInChain;
                size--;
            }
        }
        session.nextInChain = null;
    }

    /** Visits all; the visitor may remove the one it is at. */
    void forEach(Consumer<TcpSession> action) {
        for (TcpSession head : chains.clone()) {
            TcpSession session = head;
            while (session != null) {
                TcpSession next = session.nextInChain;
                action.accept(session);
                session = next;
            }
        }
    }

    private void grow() {
        @Nullable TcpSession[] larger = new @Nullable TcpSession[chains.length * 2];
        for (TcpSession head : chains) {
            TcpSession session = head;
            while (session != null) {
                TcpSession next = session.nextInChain;
                link(session, larger);
                session = next;
            }
        }
        chains = larger;
    }

    private void link(TcpSession session, @Nullable TcpSession[] into) {
        int index = index(session, into.length);
        session.nextInChain = into[index];
        into[index] = session;
    }

    private int index(TcpSession session, int length) {
        int ports = session.remotePort << 16 | session.localPort;
        return index(session.localLow, session.remoteHigh, session.remoteLow, ports, length);
    }

    private int index(long localLow, long remoteHigh, long remoteLow, int ports, int length) {
        long h = (remoteLow ^ key) * 0x9e37_79b9_7f4a_7c15L;
        h = (Long.rotateLeft(h, 27) ^ localLow) * 0xc2b2_ae3d_27d4_eb4fL;
        h = (Long.rotateLeft(h, 27) ^ ports ^ key) * 0x9e37_79b9_7f4a_7c15L;
        if (remoteHigh != 0) {
            h = (Long.rotateLeft(h, 27) ^ remoteHigh) * 0xc2b2_ae3d_27d4_eb4fL;
        }
        return (int) (h ^ h >>> 32) & (length - 1);
    }
}
