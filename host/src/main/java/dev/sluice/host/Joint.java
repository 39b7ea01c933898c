package dev.sluice.host;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Two streams joined: what one end does (data, end, reset) the other sees. Nothing is stored in between: bytes are looked at, written,
 * and only then taken, so what a slow reader leaves stays with the writer's socket and stops the writer. Confined to the loop; carrying
 * allocates nothing.
 */
public abstract class Joint {
    private static final int SMALLEST_MOVE = 16 << 10;
    /** Bytes that may move each way as soon as they are there; who has more stands in line. */
    private static final int LITTLE = 64 << 10;

    private final Scratch scratch;
    /** Who came. */
    protected final End client = new End();
    /** Whom it came for. */
    protected final End service = new End();

    private boolean joined;
    private boolean closed;
    /** Stands in line for its turn. */
    private boolean inLine;
    /** Had more than a little to move when it last did. */
    private boolean bulk;

    /** @param scratch of the loop that all this happens on */
    protected Joint(Scratch scratch) {
        this.scratch = scratch;
    }

    /** So many bytes went each way; perhaps none. */
    protected abstract void moved(int toService, int toClient);

    /** It is over: both sockets are closed, or will be before this turn ends. Called once. */
    protected abstract void ended();

    /** The service's connection is there: to be {@link #join joined}, unless it is too late. */
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

    /** Both ends are connected: it carries from the end of {@link #connected} on. */
    protected final void join() {
        joined = true;
    }

    /** There is something to move, or room for it. While others have much to move, only a little moves at once. */
    private void onEvent() {
        if (!joined || closed || inLine) {
            return;
        }
        if (scratch.isFree()) {
            carry(Scratch.BYTES);
        } else if (bulk) {
            standInLine();
        } else {
            carry(LITTLE);
        }
    }

    private void standInLine() {
        inLine = true;
        scratch.line(this);
    }

    /** Its turn has come: moves what is there both ways, at most so many bytes each; returns how many it were. */
    final int serve(int most) {
        inLine = false;
        return closed ? 0 : carry(most);
    }

    private int carry(int most) {
        int toService = move(client, service, most);
        int toClient = closed ? 0 : move(service, client, most);
        moved(toService, toClient);
        int both = toService + toClient;
        if (closed) {
            return both;
        }
        bulk = toService >= LITTLE || toClient >= LITTLE;
        if (bulk) {
            scratch.use();
        }
        if (client.ended && service.ended) {
            close();
        } else if (client.socket().broken() && client.ended || service.socket().broken() && service.ended) {
            reset(); // an end that was followed by a reset, which no read shows any more
        } else if (mayMove(client, service) || mayMove(service, client)) {
            standInLine();
        }
        return both;
    }

    private static boolean mayMove(End from, End to) {
        return from.readable && !from.ended && !to.full;
    }

    /** Bytes moved; stops at {@code most}, when one side would block, or at the end. */
    private int move(End from, End to, int most) {
        if (!mayMove(from, to)) {
            return 0;
        }
        MemorySegment memory = scratch.memory();
        int moved = 0;
        while (mayMove(from, to) && !closed && moved < most) {
            int wanted = Math.min(from.stride, most - moved);
            int n = from.socket().peek(memory, 0, wanted);
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
                } else if (n == wanted) {
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
            onEvent();
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
            onEvent();
        }

        @Override
        public void onWritable() {
            if (successor != null) {
                successor.onWritable();
            } else if (full) {
                full = false;
                onEvent();
            }
        }
    }
}
