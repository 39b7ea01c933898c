package dev.sluice.host;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Two streams joined: what one end does (data, end, reset) the other sees. Hardly anything is stored in between: little is looked at,
 * written, and only then taken, so what a slow reader leaves stays with the writer's socket and stops the writer. Much goes through a
 * {@link KernelPipe} without being copied; what the reader leaves of that stays in the pipe, and nothing follows before it. Confined to the
 * loop; carrying allocates nothing.
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
    /** It has ended with a reset. */
    private boolean wasReset;
    /** Stands in line for its turn. */
    private boolean inLine;
    /** Had more than a little to move when it last did. */
    private boolean bulk;

    /** @param scratch of the loop that all this happens on */
    protected Joint(Scratch scratch) {
        this.scratch = scratch;
    }

    /** So many bytes went one way; told at once, so that whoever hears of the end knows of all. */
    protected abstract void moved(int toService, int toClient);

    /** It is over: both sockets are closed, or will be before this turn ends. Called once. */
    protected abstract void ended();

    /** The service's connection is there: it is {@link #join joined}. */
    protected void connected() {
        join();
    }

    /** The service's connection has room again, and is not {@link #join joined} yet: for who has something to say first. */
    protected void serviceHasRoom() {}

    /** The service's connection failed: the client is reset. */
    protected void connectFailed(HostError error) {
        reset();
    }

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
        return !to.full && (from.pipe != null || from.readable && !from.ended);
    }

    /** Bytes moved; stops at {@code most}, when one side would block, or at the end. */
    private int move(End from, End to, int most) {
        int moved = 0;
        while (mayMove(from, to) && !closed && moved < most) {
            boolean through = from.pipe != null || bulk && splices(from, to);
            moved += through ? splice(from, to, most - moved) : copy(from, to, most - moved);
        }
        return moved;
    }

    /** Whether bytes may go through a pipe. Not beside urgent data, at which splicing stops for good, nor at the end, which hides none. */
    private static boolean splices(End from, End to) {
        return from.socket().splices()
                && to.socket().splices()
                && !from.socket().mayHoldMore();
    }

    private int copy(End from, End to, int most) {
        MemorySegment memory = scratch.memory();
        int wanted = Math.min(from.stride, most);
        int n = from.socket().peek(memory, 0, wanted);
        if (n <= 0) {
            nothingRead(from, to, n);
            return 0;
        }
        int m = to.socket().write(memory, 0, n, 0, 0);
        if (m == StreamSocket.FAILED) {
            writeFailed(from, to);
            return 0;
        }
        to.full = m < n;
        if (m > 0) {
            from.socket().skip(memory, 0, m);
            count(to, m);
        }
        if (to.full) {
            from.stride = Math.clamp(Integer.highestOneBit(Math.max(1, m)) * 4L, SMALLEST_MOVE, from.stride);
        } else if (n == wanted) {
            from.stride = Math.min(Scratch.BYTES, from.stride * 2);
        } else if (!from.socket().mayHoldMore()) {
            from.readable = false; // a short read has emptied it; the next edge tells of more (epoll(7))
        }
        return Math.max(m, 0);
    }

    private void count(End to, int bytes) {
        moved(to == service ? bytes : 0, to == client ? bytes : 0);
    }

    private int splice(End from, End to, int most) {
        if (from.pipe == null) {
            KernelPipe pipe = scratch.pipe();
            if (pipe == null) {
                return copy(from, to, most);
            }
            int n = from.socket().spliceInto(pipe, most);
            if (n <= 0) {
                scratch.give(pipe);
                if (n == StreamSocket.END) {
                    return copy(from, to, most); // who looks sees more, if it was urgent data at which splicing stops
                }
                if (n < 0) {
                    nothingRead(from, to, n);
                }
                return 0;
            }
            from.pipe = pipe;
        }
        return pour(from, to);
    }

    /** Gives one side what lies in the pipe from the other, as far as it takes it; how many bytes that were. */
    private int pour(End from, End to) {
        KernelPipe pipe = from.pipe;
        int poured = 0;
        while (pipe != null && !to.full) {
            int m = to.socket().spliceFrom(pipe);
            if (m == StreamSocket.FAILED) {
                writeFailed(from, to);
                return poured;
            }
            to.full = m == StreamSocket.WOULD_BLOCK;
            if (m > 0) {
                poured += m;
                count(to, m);
            }
            if (pipe.held() == 0) {
                from.releasePipe();
                return poured;
            }
        }
        return poured;
    }

    private void nothingRead(End from, End to, int why) {
        switch (why) {
            case StreamSocket.WOULD_BLOCK -> from.readable = false;
            case StreamSocket.END -> {
                from.ended = true;
                to.socket().shutdownOutput();
                if (from == service) {
                    serviceEnded();
                }
            }
            default -> reset();
        }
    }

    private void writeFailed(End from, End to) {
        if (!closed) {
            from.releasePipe(); // whom it was for is gone
            passLastWords(to, from);
            reset();
        }
    }

    /** What lies in a broken socket was said before it broke: the other side gets it, as far as it takes it at once. */
    private void passLastWords(End from, End to) {
        MemorySegment memory = scratch.memory();
        KernelPipe pipe = from.pipe;
        while (pipe != null && pipe.held() > 0) { // said before the rest
            int m = to.socket().spliceFrom(pipe);
            if (m <= 0) {
                return;
            }
            count(to, m);
        }
        for (int moved = 0; moved < Scratch.BYTES; ) {
            int n = from.ended ? 0 : from.socket().peek(memory, 0, Scratch.BYTES);
            int m = n > 0 ? to.socket().write(memory, 0, n, 0, 0) : 0;
            if (m <= 0) {
                return;
            }
            from.socket().skip(memory, 0, m);
            moved += m;
            count(to, m);
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
        wasReset |= !closed;
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
            client.releasePipe();
            service.releasePipe();
            ended();
        }
    }

    /** Whether it ended with a reset. */
    protected final boolean wasReset() {
        return wasReset;
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
        /** What came from here and the other has not taken yet lies in it; null if there is nothing of that kind. */
        private @Nullable KernelPipe pipe;
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

        private void releasePipe() {
            KernelPipe held = pipe;
            pipe = null;
            if (held != null) {
                scratch.give(held);
            }
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
            } else if (!joined && !closed && this == service) {
                serviceHasRoom();
                onEvent();
            } else if (full) {
                full = false;
                onEvent();
            }
        }
    }
}
