package dev.sluice.net;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of one stack by remote address and both ports. Chained hashing with the links inside the sessions, so that nothing is
 * allocated per packet; the hash is keyed, so that a peer cannot aim at one chain. Confined to the loop.
 */
final class TcpTable {
    private final int key;
    private @Nullable TcpSession[] chains = new @Nullable TcpSession[64];
    private int size;

    TcpTable(int key) {
        this.key = key | 1;
    }

    int size() {
        return size;
    }

    @Nullable
    TcpSession find(int remoteAddress, int remotePort, int localPort) {
        TcpSession session = chains[index(remoteAddress, remotePort, localPort, chains.length)];
        while (session != null
                && (session.remoteAddress != remoteAddress
                        || session.remotePort != remotePort
                        || session.localPort != localPort)) {
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
        return index(session.remoteAddress, session.remotePort, session.localPort, length);
    }

    private int index(int remoteAddress, int remotePort, int localPort, int length) {
        int h = (remoteAddress ^ key) * 0x9e3779b9;
        h = (Integer.rotateLeft(h, 13) ^ (remotePort << 16 | localPort)) * 0x85ebca6b;
        h = (h ^ h >>> 15) * 0xc2b2ae35;
        return (h ^ h >>> 16) & (length - 1);
    }
}
