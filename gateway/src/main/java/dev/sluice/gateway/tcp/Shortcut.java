package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Work;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A client of a published port, joined to the service in the guest's namespace: two sockets of the host, no frames. What one end does
 * (data, end, reset) the other sees. Nothing is stored in between: bytes are looked at, written, and only then taken, so what a slow
 * reader leaves stays in the writer's socket and stops the writer. Confined to the loop.
 */
final class Shortcut extends Work {
    /** Bytes moved before others get their turn. */
    private static final int TURN_BUDGET = 1 << 20;

    private static final int SMALLEST_MOVE = 16 << 10;

    private final TcpInbound inbound;
    private final StreamHost inside;
    private final TcpForward.Client who;

    final End client = new End();
    private final End service = new End();
    /** Services often listen on loopback alone: tried when the guest's own address refuses, or is not known. */
    private boolean triedLoopback;

    private boolean refused;
    private boolean joined;
    private boolean closed;

    Shortcut(TcpInbound inbound, StreamHost inside, TcpForward.Client who) {
        this.inbound = inbound;
        this.inside = inside;
        this.who = who;
        client.socket = who.socket();
        connect();
    }

    TcpForward forward() {
        return who.forward();
    }

    private void connect() {
        Guest guest = who.guest();
        triedLoopback = guest == null || service.socket != null;
        IpAddress address = triedLoopback || guest == null ? Ipv4Address.LOOPBACK : guest.ipAddress();
        service.socket = inside.connect(address, who.forward().guestPort, StreamHost.DEFAULT_TTL, service);
    }

    private void connectFailed(HostError error) {
        refused |= error == HostError.REFUSED;
        if (closed) {
            return;
        }
        if (!triedLoopback && error != HostError.NO_RESOURCES) {
            connect();
            return;
        }
        closed = true;
        inbound.ended(this);
        if (refused) {
            inbound.flows.counters.tcpRefused++;
            client.socket().reset();
        } else {
            // no socket at hand, or no loopback in there: then by frames
            StreamSocket.Events flow = inbound.flow(who);
            client.successor = flow;
            if (client.readable) {
                flow.onReadable();
            }
        }
    }

    private void connected() {
        if (closed) {
            return;
        }
        joined = true;
        inbound.flows.counters.tcpOpened++;
        if (who.forward().proxy) {
            int length = inbound.writeProxyHeader(who);
            if (service.socket().write(inbound.scratch(), 0, length, 0, 0) != length) {
                reset(); // a new socket has room for some fifty bytes, unless it is broken
                return;
            }
        }
        inbound.flows.loop.enqueue(this);
    }

    /** Moves what is there both ways, within the turn's share. */
    @Override
    protected void run() {
        if (!joined || closed) {
            return;
        }
        int toService = move(client, service);
        inbound.flows.counters.tcpBytesToGuest += Math.max(0, toService);
        int toClient = closed ? 0 : move(service, client);
        inbound.flows.counters.tcpBytesToHost += Math.max(0, toClient);
        if (closed) {
            return;
        }
        if (client.ended && service.ended) {
            close();
        } else if (client.socket().broken() && client.ended || service.socket().broken() && service.ended) {
            reset(); // an end that was followed by a reset, which no read shows any more
        } else if (mayMove(client, service) || mayMove(service, client)) {
            inbound.flows.loop.enqueue(this);
        }
    }

    private static boolean mayMove(End from, End to) {
        return from.readable && !from.ended && !to.full;
    }

    /** Bytes moved; stops at the turn's budget, when one side would block, or at the end. */
    private int move(End from, End to) {
        MemorySegment memory = inbound.scratch();
        int moved = 0;
        while (mayMove(from, to) && !closed && moved < TURN_BUDGET) {
            int n = from.socket().peek(memory, 0, from.stride);
            if (n > 0) {
                int m = to.socket().write(memory, 0, n, 0, 0);
                if (m == StreamSocket.FAILED) {
                    reset();
                    return moved;
                }
                to.full = m < n;
                if (m > 0) {
                    from.socket().skip(memory, 0, m);
                    moved += m;
                }
                if (to.full) {
                    from.stride =
                            Math.max(SMALLEST_MOVE, Math.min(from.stride, Integer.highestOneBit(Math.max(1, m)) * 2));
                } else if (n == from.stride) {
                    from.stride = Math.min(TcpInbound.SCRATCH, from.stride * 2);
                } else if (!from.socket().ending()) {
                    from.readable = false; // a short read has emptied it; the next edge tells of more (epoll(7))
                }
            } else if (n == StreamSocket.WOULD_BLOCK) {
                from.readable = false;
            } else if (n == StreamSocket.END) {
                from.ended = true;
                to.socket().shutdownOutput();
            } else {
                reset();
            }
        }
        return moved;
    }

    private void close() {
        finish();
        client.socket().close();
        service.socket().close();
    }

    /** Ends both sides with a reset. */
    void reset() {
        finish();
        client.socket().reset();
        service.socket().reset();
    }

    private void finish() {
        if (!closed) {
            closed = true;
            if (joined) {
                inbound.flows.counters.tcpClosed++;
            }
            inbound.ended(this);
        }
    }

    /** One of the two sockets, and what is known of it. */
    final class End implements StreamSocket.Events {
        private @Nullable StreamSocket socket;
        /** May hold data: an edge was seen and no read has blocked since. */
        private boolean readable;
        /** Took less than it was given; an event will tell of room. */
        private boolean full;
        /** Has ended its stream, and the other was told. */
        private boolean ended;
        /** Bytes to look at next: what the other end takes at a time, about. */
        private int stride = SMALLEST_MOVE * 4;
        /** Who goes on with the socket when the shortcut is none. */
        private StreamSocket.@Nullable Events successor;

        StreamSocket socket() {
            if (socket == null) {
                throw new IllegalStateException("not connected");
            }
            return socket;
        }

        @Override
        public void onConnected() {
            connected();
        }

        @Override
        public void onConnectFailed(HostError error) {
            connectFailed(error);
        }

        @Override
        public void onReadable() {
            if (successor != null) {
                successor.onReadable();
                return;
            }
            readable = true;
            if (!joined && !closed && this == client && client.socket().broken()) {
                reset();
                return;
            }
            Shortcut.this.run();
        }

        @Override
        public void onWritable() {
            if (successor != null) {
                successor.onWritable();
            } else if (full) {
                full = false;
                Shortcut.this.run();
            }
        }
    }
}
