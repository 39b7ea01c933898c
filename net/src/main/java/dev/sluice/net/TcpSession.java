package dev.sluice.net;

import dev.sluice.loop.Timer;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The loop's side of a {@link TcpConnection}: its {@code Tcb}, its timer, and the way between the queues and the {@code Tcb}. Confined to
 * the loop but for {@link #kick} and {@link #onRead}.
 */
final class TcpSession implements TcpOutput {
    /** In-order bytes after which the peer gets its ACK at once instead of at the end of the batch. */
    private static final int ACK_EVERY = 128 << 10;

    final long localHigh;
    final long localLow;
    final long remoteHigh;
    final long remoteLow;
    final int remotePort;
    final int localPort;
    final Tcb tcb;
    final TcpConnection connection;
    /** Who is to accept it; null if this side connected, or it was accepted. */
    @Nullable
    TcpListener listener;
    /** Our initial sequence number, to know an ICMP error that is about our SYN. */
    int iss;
    /** When its SYN came or went, on the loop's clock. */
    final long since;
    /** When it is handed out although it has said nothing; only while its listener keeps it back. */
    long silentUntil;
    /** What ICMP last said about the way to the peer; the reason to give if that is all that came. */
    volatile @Nullable Failure softError;

    private final TcpEngine engine;
    private @Nullable Neighbour nextHop;
    private boolean established;
    private boolean gone;
    /** Gone, but the Tcb keeps acknowledged data that the user has not made room for yet. */
    private boolean resting;

    private boolean shutDone;
    private boolean closeDone;
    /** What comes in after the user is done resets the connection, but not in the middle of a call of the Tcb. */
    private boolean resetDue;

    /** True from {@link #kick} until the loop has seen to it. */
    private final AtomicBoolean kicked = new AtomicBoolean();

    private final Runnable attention = this::attend;
    /** The Tcb keeps data that {@link TcpConnection#incoming} had no room for. */
    private volatile boolean held;

    /** Links of the table's chain, of those touched in this batch, and of those that wait. */
    @Nullable
    TcpSession nextInChain;

    @Nullable
    TcpSession nextTouched;

    boolean touched;
    boolean stalled;
    boolean starved;

    private final Timer timer = new Timer() {
        @Override
        protected void onTimer(long now) {
            handle(tcb.onTimer(now), now);
            pump(now);
        }
    };

    TcpSession(
            TcpEngine engine,
            TcpProfile profile,
            int queueBytes,
            long localHigh,
            long localLow,
            int localPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        this.engine = engine;
        this.localHigh = localHigh;
        this.localLow = localLow;
        this.remoteHigh = remoteHigh;
        this.remoteLow = remoteLow;
        this.remotePort = remotePort;
        this.localPort = localPort;
        this.since = engine.loop.now();
        this.tcb = new Tcb(engine.shard, profile, this);
        this.connection = new TcpConnection(
                this,
                profile,
                queueBytes,
                IpHeader.address(localHigh, localLow),
                localPort,
                IpHeader.address(remoteHigh, remoteLow),
                remotePort);
    }

    // ---- from users, any thread

    /** Has the loop look at the connection's wishes and queues. */
    void kick() {
        if (kicked.compareAndSet(false, true)) {
            try {
                engine.loop.execute(attention);
            } catch (RejectedExecutionException e) {
                connection.onFailure(TcpEngine.STACK_CLOSED, false);
            }
        }
    }

    /** The user has made room in the incoming queue. */
    void onRead() {
        if (held && connection.incoming.room() >= connection.incoming.capacity() / 2) {
            kick();
        }
    }

    private void attend() {
        kicked.set(false);
        if (gone) {
            if (resting) {
                handOverRest();
            }
            return;
        }
        long now = engine.loop.now();
        if (tcb.profile() != connection.profile()) {
            tcb.adopt(connection.profile());
        }
        drain(now);
        pump(now);
    }

    // ---- from the peer

    void onSegment(MemorySegment s, long at, int length, boolean marked, long now) {
        handle(tcb.onSegment(s, at, length, marked, now), now);
        if (gone) {
            return;
        }
        if (tcb.unacknowledged() >= ACK_EVERY) {
            transmit(now);
        } else {
            engine.touch(this);
        }
    }

    private void handle(int events, long now) {
        if (gone || (events == 0 && !resetDue)) {
            return;
        }
        if ((events & Tcb.Events.ESTABLISHED) != 0) {
            established = true;
            engine.counters.connectionsOpened++;
            connection.onEstablished();
            TcpListener waiting = listener;
            if (waiting != null) {
                waiting.onEstablished(this, now);
            }
        }
        if ((events & Tcb.Events.URGENT) != 0) {
            connection.onUrgent(tcb.urgentLeft());
        }
        if ((events & Tcb.Events.REMOTE_CLOSED) != 0) {
            connection.onEnd();
            spoken();
        }
        if ((events & Tcb.Events.RESET) != 0) {
            transmit(now);
            finish(
                    established
                            ? new Failure(Failure.Kind.RESET, remote() + " reset the connection")
                            : new Failure(
                                    Failure.Kind.REFUSED,
                                    remote() + " refused the connection: nothing listens on that port"));
        } else if ((events & Tcb.Events.TIMED_OUT) != 0) {
            transmit(now);
            Failure told = softError;
            finish(told != null ? told : new Failure(Failure.Kind.TIMED_OUT, remote() + " does not answer any more"));
        } else if ((events & Tcb.Events.CLOSED) != 0) {
            transmit(now); // the last ACK
            if ((events & Tcb.Events.TIME_WAIT) != 0) {
                engine.remember(this, now);
            }
            finish(new Failure(Failure.Kind.CLOSED, "the connection to " + remote() + " has ended"));
        } else if (resetDue) {
            abort(now);
        }
    }

    /** In-order data goes into the user's queue; what that has no room for stays in the Tcb, whose window says so. */
    @Override
    public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        int total = length + wrapLength;
        if (connection.wantsClose()) {
            resetDue = true;
            return total;
        }
        ByteQueue queue = connection.incoming;
        int taken = take(queue, data, at, length, wrapAt, wrapLength, 0);
        if (taken < total) {
            held = true;
            // The reader may have made room before it could see that.
            if (queue.room() >= queue.capacity() / 2) {
                taken += take(queue, data, at, length, wrapAt, wrapLength, taken);
                if (taken < total) {
                    connection.onData();
                    spoken();
                    return taken;
                }
                held = false;
            }
        }
        if (taken > 0) {
            connection.onData();
            spoken();
        }
        return taken;
    }

    /** Who waits for the peer's first word hears of it. */
    private void spoken() {
        TcpListener waiting = listener;
        if (waiting != null) {
            waiting.onWord(this);
        }
    }

    /** Whether the peer has sent anything, or ended its side. */
    boolean hasSpoken() {
        return connection.hasSpoken();
    }

    private static int take(
            ByteQueue queue, MemorySegment data, long at, int length, long wrapAt, int wrapLength, int from) {
        int taken = from;
        if (taken < length) {
            taken += queue.write(data, at + taken, length - taken);
        }
        if (taken >= length && wrapLength > 0) {
            taken += queue.write(data, wrapAt + (taken - length), length + wrapLength - taken);
        }
        return taken - from;
    }

    private void drain(long now) {
        if (held) {
            held = false;
            handle(tcb.drain(now), now);
        }
    }

    // ---- to the peer

    /** Moves what the user wrote into the send ring, then what is left of the user's wishes, and sends. */
    void pump(long now) {
        if (gone) {
            return;
        }
        ByteQueue queue = connection.outgoing;
        boolean finishing = connection.wantsShutdown();
        boolean closing = connection.wantsClose();
        // Whoever comes here first, the user's own call or a segment, must find all that the user wished for.
        if (connection.wantsAbort() || (closing && !closeDone && (!established || !connection.incoming.isEmpty()))) {
            abort(now);
            return;
        }
        if (closing) {
            tcb.orphan();
        }
        int waiting;
        while (!shutDone && (waiting = queue.size()) > 0) {
            int room = tcb.reserveSend(waiting);
            if (room == 0) {
                if (tcb.sendRing().size() == 0 && tcb.state().isSynchronized()) {
                    engine.starve(this); // the memory of all connections is used up, so no event of our own will come
                }
                break;
            }
            SendRing ring = tcb.sendRing();
            int count = Math.min(room, waiting);
            int first = Math.min(count, ring.freeLength());
            queue.read(ring.memory(), ring.freeAt(), first);
            queue.read(ring.memory(), ring.wrapAt(), count - first);
            ring.commit(count);
            connection.onRoom();
        }
        if (finishing && queue.isEmpty() && established) {
            if (closing && !closeDone) {
                closeDone = true;
                shutDone = true;
                handle(tcb.close(now), now);
            } else if (!shutDone) {
                shutDone = true;
                tcb.shutdownOutput(now);
            }
        }
        transmit(now);
    }

    /** Sends what may be sent now and arms the timer for what is to come. */
    void transmit(long now) {
        if (gone) {
            return;
        }
        engine.transmit(this, now);
        long deadline = tcb.deadline();
        if (deadline == Long.MAX_VALUE) {
            engine.loop.cancel(timer);
        } else if (!timer.isArmed() || timer.deadline() != deadline) {
            engine.loop.schedule(timer, deadline);
        }
    }

    @Override
    public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
        engine.segment(this, header, at, headerLength, position, length);
    }

    /** The next hop, asked for anew when the one known is gone; null if there is no way. */
    @Nullable
    Neighbour nextHop() {
        Neighbour known = nextHop;
        if (known == null || known.gone()) {
            known = engine.route(remoteHigh, remoteLow);
            nextHop = known;
        }
        return known;
    }

    boolean isVia(Neighbour neighbour) {
        return nextHop == neighbour;
    }

    // ---- ends

    boolean isEstablished() {
        return established;
    }

    boolean isGone() {
        return gone;
    }

    /** Ends it with a reset to the peer; the user has asked for it. */
    void abort(long now) {
        abort(new Failure(Failure.Kind.CLOSED, "the connection to " + remote() + " was closed on this side"), now);
    }

    /** Ends it with a reset to the peer, and tells the user why. */
    void abort(Failure why, long now) {
        if (!gone) {
            tcb.abort(now);
            engine.transmit(this, now);
            finish(why);
        } else if (resting) {
            endRest();
        }
    }

    /** Ends it without a word to the peer. */
    void finish(Failure why) {
        if (gone) {
            return;
        }
        gone = true;
        engine.loop.cancel(timer);
        engine.forget(this);
        TcpListener waiting = listener;
        if (waiting != null) {
            waiting.forget(this);
        }
        resting = established && wantsRest(tcb) && tcb.undelivered() > 0;
        if (resting) {
            engine.rests(this);
        } else {
            tcb.release();
        }
        connection.onFailure(why, resting);
    }

    // ---- after the end: what was acknowledged to the peer is the user's

    @Override
    public boolean wantsRest(Tcb tcb) {
        return listener == null && !connection.wantsClose();
    }

    private void handOverRest() {
        held = false;
        tcb.drain(engine.loop.now());
        if (tcb.undelivered() == 0 || connection.wantsClose()) {
            endRest();
        }
    }

    private void endRest() {
        resting = false;
        tcb.release();
        engine.restOver(this);
        connection.onRestOver();
    }

    IpAddress remoteAddress() {
        return connection.remoteAddress();
    }

    boolean isIpv4() {
        return IpHeader.isIpv4(remoteHigh, remoteLow);
    }

    private String remote() {
        return Endpoint.text(remoteAddress(), remotePort);
    }

    @Override
    public String toString() {
        return connection + " " + tcb.state();
    }
}
