package dev.sluice.host;

import dev.sluice.loop.Loop;
import dev.sluice.loop.Work;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Two streams joined: what one end does (data, end, reset) the other sees. Nothing is stored in between: bytes are looked at, written,
 * and only then taken, so what a slow reader leaves stays with the writer's socket and stops the writer. Confined to the loop; carrying
 * allocates nothing.
 */
public abstract class Joint extends Work {
    private static final int SMALLEST_MOVE = 16 << 10;

    private final Loop loop;
    private final Scratch scratch;
    /** Who came. */
    protected final End client = new End();
    /** Whom it came for. */
    protected final End service = new End();

    private boolean joined;
    private boolean closed;

    /** @param scratch of the same loop */
    protected Joint(Loop loop, Scratch scratch) {
        this.loop = loop;
        this.scratch = scratch;
    }

    /** So many bytes went each way; perhaps none. */
    protected abstract void moved(int toService, int toClient);

    /** It is over: both sockets are closed, or will be before this turn ends. Called once. */
    protected abstract void ended();

    /** The service's connection is there. */
    protected abstract void connected();

    /** The service's connection failed. */
    protected abstract void connectFailed(HostError error);

    /** Takes the events of the client's socket. */
    public final StreamSocket.Events client() {
        return client;
    }

    /** The service has ended its stream, and the client has been told. */
    protected void serviceEnded() {}

    public final boolean isClosed() {
        return closed;
    }

    /** Begins to carry; both ends are connected. */
    protected final void join() {
        joined = true;
        loop.enqueue(this);
    }

    /** Moves what is there both ways, within the turn's share. */
    @Override
    protected final void run() {
        if (!joined || closed) {
            return;
        }
        int toService = move(client, service);
        int toClient = closed ? 0 : move(service, client);
        moved(toService, toClient);
        if (closed) {
            return;
        }
        if (client.ended && service.ended) {
            close();
        } else if (client.socket().broken() && client.ended || service.socket().broken() && service.ended) {
            reset(); // an end that was followed by a reset, which no read shows any more
        } else if (mayMove(client, service) || mayMove(service, client)) {
            loop.enqueue(this);
        }
    }

    private static boolean mayMove(End from, End to) {
        return from.readable && !from.ended && !to.full;
    }

    /** Bytes moved; stops at its share of the turn, when one side would block, or at the end. */
    private int move(End from, End to) {
        if (!mayMove(from, to)) {
            return 0;
        }
        MemorySegment memory = scratch.memory();
        int share = scratch.share(from.lastTurn);
        from.lastTurn = loop.now();
        int moved = 0;
        while (mayMove(from, to) && !closed && moved < share) {
            int most = Math.min(from.stride, share - moved);
            int n = from.socket().peek(memory, 0, most);
            if (n > 0) {
                int m = to.socket().write(memory, 0, n, 0, 0);
                if (m == StreamSocket.FAILED) {
                    passLastWords(to, from);
                    reset();
                    return moved;
                }
                to.full = m < n;
                if (m > 0) {
                    from.socket().skip(memory, 0, m);
                    moved += m;
                }
                if (to.full) {
                    from.stride = Math.clamp(Integer.highestOneBit(Math.max(1, m)) * 4L, SMALLEST_MOVE, from.stride);
                } else if (n == most) {
                    from.stride = Math.min(Scratch.BYTES, from.stride * 2);
                } else if (!from.socket().mayHoldMore()) {
                    from.readable = false; // a short read has emptied it; the next edge tells of more (epoll(7))
                }
            } else if (n == StreamSocket.WOULD_BLOCK) {
                from.readable = false;
            } else if (n == StreamSocket.END) {
                from.ended = true;
                to.socket().shutdownOutput();
                if (from == service) {
                    serviceEnded();
                }
            } else {
                reset();
            }
        }
        return moved;
    }

    /** What lies in a broken socket was said before it broke: the other side gets it, as far as it takes it at once. */
    private void passLastWords(End from, End to) {
        MemorySegment memory = scratch.memory();
        for (int moved = 0; moved < Scratch.BYTES; ) {
            int n = from.ended ? 0 : from.socket().peek(memory, 0, Scratch.BYTES);
            int m = n > 0 ? to.socket().write(memory, 0, n, 0, 0) : 0;
            if (m <= 0) {
                return;
            }
            from.socket().skip(memory, 0, m);
            moved += m;
            moved(to == service ? m : 0, to == client ? m : 0);
        }
    }

    /** Ends both sides in order. */
    protected final void close() {
        finish();
        client.socket().close();
        service.socket().close();
    }

    /** Ends both sides with a reset. */
    public final void reset() {
        finish();
        client.reset();
        service.reset();
    }

    /** Gives the sockets up without touching them; another goes on with the client's. */
    protected final void abandon(StreamSocket.Events successor) {
        finish();
        client.successor = successor;
        if (client.readable) {
            successor.onReadable();
        }
    }

    private void finish() {
        if (!closed) {
            closed = true;
            ended();
        }
    }

    /** Whether it ever carried anything. */
    protected final boolean wasJoined() {
        return joined;
    }

    /** One of the two sockets, and what is known of it. */
    public final class End implements StreamSocket.Events {
        private @Nullable StreamSocket socket;
        /** May hold data: an edge was seen and no read has blocked since. */
        private boolean readable;
        /** Took less than it was given; an event will tell of room. */
        private boolean full;
        /** Has ended its stream, and the other was told. */
        private boolean ended;
        /** Bytes to look at next: what the other end takes at a time, about. */
        private int stride = Scratch.BYTES;
        /** When bytes of it were moved last, on the loop's clock. */
        private long lastTurn;
        /** Who goes on with the socket when the joint is none. */
        private StreamSocket.@Nullable Events successor;

        private End() {}

        public void socket(StreamSocket socket) {
            this.socket = socket;
        }

        /** Whether it was given a socket yet. */
        public boolean hasSocket() {
            return socket != null;
        }

        public StreamSocket socket() {
            if (socket == null) {
                throw new IllegalStateException("not connected");
            }
            return socket;
        }

        private void reset() {
            if (socket != null) {
                socket.reset();
            }
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
            if (!joined && !closed && this == client && socket().broken()) {
                Joint.this.reset();
                return;
            }
            Joint.this.run();
        }

        @Override
        public void onWritable() {
            if (successor != null) {
                successor.onWritable();
            } else if (full) {
                full = false;
                Joint.this.run();
            }
        }
    }
}
