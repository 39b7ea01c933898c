package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.Traffic;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One TCP conversation: a {@link Tcb} towards the guest and a stream socket of the host, joined so that each side's pace, end and
 * failure is the other's. See the package's theory of operation. Confined to the loop.
 */
final class TcpFlow extends Work implements Flow, TcpOutput, GuestStream {
    /** Room to have before a read; what is free beyond that is read as well. */
    private static final int READ_SIZE = 256 << 10;
    /** The same for a flow that did not fill its last read: most have little to say, and memory held is memory that others lack. */
    private static final int FIRST_READ_SIZE = 16 << 10;
    /** Bytes after which other flows get their turn; the last read may exceed it by what the ring holds. */
    private static final int TURN_BUDGET = 256 << 10;
    /** Unsent bytes in the ring above which the socket is left alone: more would only be memory. */
    private static final int READ_AHEAD = 256 << 10;
    /** Bytes in buffers of all flows from which on nobody reads with {@link #READ_AHEAD} in flight: as many as stay in a large cache. */
    private static final int CROWDED = 16 << 20;
    /** In-order bytes after which the guest gets its ACK at once instead of at the end of the batch. */
    private static final int ACK_EVERY = 512 << 10;
    /** In-order bytes whose ACK may wait for those of later frames that are at hand already. */
    private static final int OWED_FROM = 32 << 10;

    private static final long SECOND = 1_000_000_000L;
    /** Seconds; two hours are what nearly every system waits. */
    private static final int LEAST_KEEP_ALIVE = 10;

    private static final int MOST_KEEP_ALIVE = 7200;
    /** How long the host may take nothing of what a guest said that is gone. */
    private static final long DEPARTURE = 60 * SECOND;
    /** Payload from which on a segment is gathered with those that follow; a smaller one goes to the socket at once. */
    private static final int GATHERED_FROM = 1024;

    final Guest guest;
    final int guestPort;
    /** The remote address as the guest knows it, before translation; IPv4 mapped, as in {@link dev.sluice.wire.IpHeader}. */
    final long remoteHigh;

    final long remoteLow;

    final int remotePort;
    /** Port of the host's 127.0.0.1 to be tried if its ::1 refuses; 0 if there is nothing to try. */
    int otherLoopbackPort;

    final Traffic traffic;
    /** Whom the host's socket talks to; null for a service of the gateway. */
    @Nullable
    IpAddress host;

    int hostPort;
    /** Under which name the guest asked for that, if it told us. */
    private @Nullable String name;
    /** Why it was reset, if somebody said so. */
    private @Nullable String reason;

    final Tcb tcb;
    final Held held;
    /** What it came in by; null for the guest's own. */
    @Nullable
    TcpForward forward;

    /** The guest's share, which this flow counts in. */
    final GuestFlows share;

    private final TcpFlows flows;
    private @Nullable StreamSocket socket;
    private final Timer timer = new FlowTimer();

    /** Next flow of the same hash chain. */
    @Nullable
    TcpFlow nextInChain;
    /** Next flow to transmit at the end of the batch, while {@link #touched}. */
    @Nullable
    TcpFlow nextTouched;

    boolean touched;
    /** Its ACK waits for more frames, since {@link #owingSince}. */
    boolean owing;

    long owingSince;
    /** Next flow whose ACK waits, while {@link #owing}. */
    @Nullable
    TcpFlow nextOwing;
    /** Waits for room on the guest's link. */
    boolean stalled;
    /** The host connect is under way; counts against the half-open limit. */
    boolean halfOpen;
    /** Neighbours in the guest's list of half-open flows, while {@link #halfOpen}. */
    @Nullable
    TcpFlow olderHalfOpen;

    @Nullable
    TcpFlow newerHalfOpen;
    /** The socket may hold data: an edge was seen and no read has blocked since. */
    private boolean readable;
    /** Room to have before the next read. */
    private int readSize = FIRST_READ_SIZE;
    /** Waits for memory of the pool. */
    boolean hungry;
    /** Nothing more is read of the host: it has ended its stream, and the guest was told, or {@link #hostBroken}. */
    private boolean hostEnded;
    /** The host's side is broken: the guest gets what it said before, then the reset. */
    private boolean hostBroken;
    /** The guest has ended its stream, and the host's socket has all of it, the end included. */
    private boolean guestEnded;
    /** A write blocked; the rest waits in the Tcb for {@link #onWritable}. */
    private boolean writeBlocked;

    private boolean closed;
    /** The guest has broken it off, and the host has still to get what that said before. */
    private boolean departing;
    /** The memory whose payload may be gathered while a segment in it is looked at, else null. */
    private @Nullable MemorySegment lasting;

    TcpFlow(
            TcpFlows flows,
            Guest guest,
            GuestFlows share,
            TcpProfile profile,
            int guestPort,
            long remoteHigh,
            long remoteLow,
            int remotePort) {
        this.flows = flows;
        this.guest = guest;
        this.share = share;
        this.guestPort = guestPort;
        this.remoteHigh = remoteHigh;
        this.remoteLow = remoteLow;
        this.remotePort = remotePort;
        this.traffic = new Traffic(flows.counters, flows.loop.now());
        this.tcb = new Tcb(flows.shard, profile, this, share.buffers);
        this.held = new Held(this);
    }

    /**
     * Puts bytes before what the host's socket says. To be called before anything was read from that.
     *
     * @return false if there is no memory for them
     */
    boolean sendFirst(MemorySegment from, int length) {
        if (tcb.reserveSend(length) < length) {
            return false;
        }
        SendRing ring = tcb.sendRing();
        MemorySegment.copy(from, 0, ring.memory(), ring.freeAt(), length);
        ring.commit(length);
        hold(flows.loop.now());
        return true;
    }

    void attach(StreamSocket socket) {
        this.socket = socket;
    }

    // ---- from the guest
    // -------------------------------------------------------------------------------------------------------

    /** A checked segment of this flow. */
    void onSegment(MemorySegment s, long at, int length, long now) {
        if (!flows.gathering.accepts(this, s)) {
            flush();
        }
        boolean plain = (TcpHeader.flags(s, at) & ~(TcpHeader.ACK | TcpHeader.PSH)) == 0;
        if (plain && !writeBlocked && socket != null && tcb.keepsNothing() && guest.link.keeps(s)) {
            lasting = s;
        } else {
            flush(); // what follows may end the stream, or must come after what is written
        }
        if (TcpHeader.sequence(s, at) == tcb.receiveNext() - 1 && plain) {
            passKeepAlive(s, at, length, now);
        }
        int events = tcb.onSegment(s, at, length, now);
        lasting = null;
        handle(events, now);
        if (closed) {
            return;
        }
        if (writeBlocked) {
            hold(now);
        }
        if (tcb.unacknowledged() >= ACK_EVERY) {
            transmit(now);
        } else {
            flows.batch.touch(this);
        }
    }

    /**
     * A guest that asks whether the other side is still there is answered here, so the host's socket asks the world, at the guest's pace.
     * Against a shut window the same segment asks for something else.
     */
    private void passKeepAlive(MemorySegment s, long at, int length, long now) {
        boolean probe =
                length - TcpHeader.headerLength(s, at) <= 1 && tcb.state().isSynchronized();
        if (probe && tcb.offered() > 0 && socket != null) {
            long idle = (now - tcb.lastHeard()) / SECOND;
            socket.keepAlive(Math.clamp(idle, LEAST_KEEP_ALIVE, MOST_KEEP_ALIVE));
        }
    }

    /**
     * Whether all it has for its guest is an ACK of much, with more frames at hand, and with as much of the window left, so that the
     * guest need not stop.
     */
    boolean mayOwe() {
        int much = tcb.unacknowledged();
        return much >= OWED_FROM
                && guest.link.mayHoldMore()
                && tcb.offered() >= much
                && tcb.unsent() == 0
                && tcb.keepsNothing();
    }

    private void handle(int events, long now) {
        if (events == 0) {
            return;
        }
        flush();
        if ((events & (Tcb.Events.RESET | Tcb.Events.TIMED_OUT)) != 0) {
            if (reason == null && (events & Tcb.Events.TIMED_OUT) != 0) {
                reason = "timed-out";
            }
            flows.transmit(this, now);
            depart(now);
            return;
        }
        if ((events & Tcb.Events.REMOTE_CLOSED) != 0 && socket != null) {
            socket.shutdownOutput();
            guestEnded = true;
        }
        if ((events & (Tcb.Events.ESTABLISHED | Tcb.Events.SEND_SPACE)) != 0 && readable) {
            flows.loop.enqueue(this);
        }
        if ((events & Tcb.Events.CLOSED) != 0) {
            flows.transmit(this, now); // the last ACK
            if ((events & Tcb.Events.TIME_WAIT) != 0) {
                flows.remember(this, now);
            }
            finish(false, now);
            return;
        }
        resetIfToldAll(now);
    }

    /** In-order data from the guest: straight from the frame into the socket, or there with others of its batch. */
    @Override
    public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        if (hostBroken) {
            return length + wrapLength; // it has nowhere to go, and the reset is on its way
        }
        if (socket == null || writeBlocked) {
            return 0;
        }
        if (data.equals(lasting) && (length >= GATHERED_FROM || flows.gathering.holds(this))) {
            flows.gathering.add(this, data, at, length);
            return length;
        }
        return written(socket.write(data, at, length, wrapAt, wrapLength), length + wrapLength);
    }

    /** Writes what was gathered of this flow. */
    private void flush() {
        if (flows.gathering.holds(this)) {
            flows.gathering.flush();
        }
    }

    /** Gathered payloads, {@code total} bytes in all, go to the socket; what it refuses, the Tcb takes back. */
    void write(MemorySegment memory, long[] at, int[] lengths, int count, int total) {
        if (socket != null) {
            int n = written(socket.write(memory, at, lengths, count), total);
            if (n < total) {
                tcb.giveBack(memory, at, lengths, count, n);
                hold(flows.loop.now());
            }
        }
    }

    /** What became of a write of {@code length} bytes with this result: bytes that need not be kept. */
    private int written(int result, int length) {
        if (result == StreamSocket.WOULD_BLOCK) {
            writeBlocked = true;
            return 0;
        }
        if (result < 0) {
            hostBroken = true;
            flows.failLater(this);
            return length;
        }
        writeBlocked = result < length;
        traffic.bytesToHost += result;
        flows.counters.tcpBytesToHost += result;
        return result;
    }

    // ---- from the host
    // --------------------------------------------------------------------------------------------------------

    @Override
    public void onConnected() {
        if (closed) {
            return; // the guest has thought better of it since
        }
        long now = flows.loop.now();
        flows.establishment.connected(this);
        tcb.accept(now);
        transmit(now);
    }

    @Override
    public void onConnectFailed(HostError error) {
        flows.establishment.connectFailed(this, error);
    }

    @Override
    public void onWritable() {
        if (writeBlocked) {
            writeBlocked = false;
            long now = flows.loop.now();
            if (departing) {
                goOnDeparting(now);
                return;
            }
            handle(tcb.drain(now), now);
            if (!closed) {
                transmit(now);
            }
        }
    }

    @Override
    public void onReadable() {
        readable = true;
        if (departing) {
            hostBroken |= socket != null && socket.broken();
            goOnDeparting(flows.loop.now());
        } else if (hostEnded && socket != null && socket.broken()) {
            hostBroken = true; // a reset that no read shows any more
            resetIfToldAll(flows.loop.now());
        } else {
            run();
        }
    }

    /** A write has met the end of the host's side: what it said before may still lie in the socket, or in the ring. */
    void hostFailed(long now) {
        if (!hostEnded) {
            readable = true;
            run();
        }
        resetIfToldAll(now);
    }

    /** Passes the host's reset on once the guest has everything that came before it. */
    private void resetIfToldAll(long now) {
        if (hostBroken && hostEnded && tcb.sendRing().size() == 0) {
            abort(now);
        }
    }

    /** Reads the socket into the ring and sends, until the socket is empty, the ring is full or the turn's share is used up. */
    @Override
    protected void run() {
        if (closed || socket == null || hostEnded) {
            return;
        }
        long now = flows.loop.now();
        int budget = TURN_BUDGET;
        while (readable && budget > 0) {
            int held = tcb.sendRing().size();
            if (tcb.unsent() >= READ_AHEAD || crowded() && held >= READ_AHEAD || held > 0 && share.buffers.isOver()) {
                break; // window, link or share is full, or the handshake is under way: an event brings us back
            }
            if (tcb.reserveSend(readSize) == 0) {
                if (tcb.sendRing().size() == 0) {
                    flows.awaitMemory(this); // others have it all, and no ACK of ours will tell when that ends
                }
                break;
            }
            SendRing ring = tcb.sendRing();
            int length = ring.freeLength();
            int wrapLength = ring.freeWrapLength();
            int n = socket.read(ring.memory(), ring.freeAt(), length, ring.wrapAt(), wrapLength);
            if (n > 0) {
                readSize = n == length + wrapLength ? READ_SIZE : n < FIRST_READ_SIZE ? FIRST_READ_SIZE : readSize;
                ring.commit(n);
                hold(now);
                traffic.bytesToGuest += n;
                flows.counters.tcpBytesToGuest += n;
                budget -= n;
                if (n < length + wrapLength && !socket.mayHoldMore() && !hostBroken) {
                    readable = false; // a short read has emptied the socket; the next edge tells of more (epoll(7))
                }
                transmit(now);
            } else if (n == StreamSocket.FAILED
                    || hostBroken) { // a write that met the error has taken it from the reads
                readable = false;
                hostEnded = true;
                hostBroken = true;
                resetIfToldAll(now);
                if (!closed) {
                    transmit(now);
                }
                return;
            } else if (n == StreamSocket.WOULD_BLOCK) {
                readable = false;
                transmit(now); // gives the room back
            } else {
                readable = false;
                hostEnded = true;
                hostBroken = socket.broken(); // a reset that came with the end is told of no more
                tcb.adopt(flows.publishedProfile(guest)); // nobody but us asks any more whether the guest is there
                tcb.shutdownOutput(now);
                transmit(now);
                resetIfToldAll(now);
            }
        }
        if (readable && budget <= 0) {
            flows.loop.enqueue(this);
        }
    }

    // ---- buffers held
    // -------------------------------------------------------------------------------------------------------------

    /** There may be something in its buffers from now on. */
    private void hold(long now) {
        if (!held.listed && held.isAnything()) {
            share.holders.add(held, now);
        }
    }

    /** Ends it for the buffers that it holds, which are due to another guest. */
    void evict(long now) {
        flows.counters.drop(Drop.TCP_FLOW_EVICTED);
        share.shares.evictions++;
        if (departing) {
            departed();
        } else {
            reason = "evicted";
            abort(now);
        }
    }

    /** Many flows hold buffers: what one may have in flight to its guest, all together need not. */
    private boolean crowded() {
        return flows.shard.buffers().inUse() >= CROWDED;
    }

    // ---- to the guest
    // ---------------------------------------------------------------------------------------------------------

    /** Sends what may be sent now and arms the timer for what is to come. */
    void transmit(long now) {
        flows.transmit(this, now);
        long deadline = tcb.deadline();
        if (deadline == Long.MAX_VALUE) {
            flows.loop.cancel(timer);
        } else if (!timer.isArmed() || timer.deadline() != deadline) {
            flows.loop.schedule(timer, deadline);
        }
    }

    @Override
    public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
        flows.sender.segment(this, header, at, headerLength, position, length);
    }

    /** There is room on the link, or memory: read on if there is anything to read. */
    void resume() {
        if (readable) {
            flows.loop.enqueue(this);
        }
    }

    /** Whether the guest may have said something that the host's socket does not have yet. */
    boolean owesHost() {
        return !closed && !guestEnded && socket != null && tcb.state().isSynchronized();
    }

    /** Ends it, as nobody will carry it any more: in order towards a host whose socket has all that the guest said, else with a reset. */
    void end(long now) {
        if (!closed && guestEnded) {
            tcb.abort(now);
            flows.transmit(this, now);
            finish(false, now);
        } else {
            abort(now);
        }
    }

    /** Ends it without a word to the guest; the host's side is reset. */
    void vanish(long now) {
        finish(true, now);
    }

    /** The way to its guest is gone. What the guest knows to be acknowledged goes to the host all the same. */
    void linkGone(long now) {
        if (halfOpen || socket == null) {
            vanish(now);
        } else if (!closed) {
            flush();
            tcb.releaseSends(); // nobody will take it, and it would look as if nothing moved
            depart(now);
        }
    }

    /** Resets the guest's side and closes the host's. */
    void abort(long now) {
        if (!closed) {
            tcb.abort(now);
            flows.transmit(this, now);
            finish(true, now);
        }
    }

    private void finish(boolean reset, long now) {
        if (!closed) {
            forget(reset, now);
            letGo(reset);
        }
    }

    /** There is no such flow any more, for the guest and for who looks at flows. */
    private void forget(boolean reset, long now) {
        closed = true;
        if (!halfOpen) {
            flows.events.closed(this, reason != null ? reason : reset ? "reset" : "end", now);
        }
        if (flows.gathering.holds(this)) {
            flows.gathering.forget();
        }
        flows.loop.cancel(timer);
        flows.closed(this);
    }

    /** Gives back what it has of memory, and of the host. */
    private void letGo(boolean reset) {
        if (socket != null) {
            if (reset) {
                socket.reset();
            } else {
                socket.close();
            }
        }
        tcb.release();
        flows.released(this);
    }

    // ---- after the guest's reset
    // ---------------------------------------------------------------------------------------------------

    @Override
    public boolean wantsRest(Tcb tcb) {
        return socket != null && !hostBroken;
    }

    /** The guest is gone. What was acknowledged to it goes to the host, as that takes it, and then the reset. */
    private void depart(long now) {
        forget(true, now);
        if (tcb.undelivered() > 0 && flows.mayDepart(this)) {
            departing = true;
            hold(now);
            flows.loop.schedule(timer, now + DEPARTURE);
        } else {
            letGo(true);
        }
    }

    private void goOnDeparting(long now) {
        int before = tcb.undelivered();
        if (!writeBlocked && (tcb.drain(now) & Tcb.Events.REMOTE_CLOSED) != 0 && socket != null) {
            socket.shutdownOutput(); // the guest had said all: its link is gone
        }
        int left = tcb.undelivered();
        if (hostBroken || left == 0) {
            departed();
        } else if (left < before) {
            flows.loop.schedule(timer, now + DEPARTURE);
        }
    }

    /** It waits no longer for the host. */
    void departed() {
        departing = false;
        flows.loop.cancel(timer);
        flows.departed(this);
        letGo(true);
    }

    boolean isClosed() {
        return closed;
    }

    // ---- for what serves it
    // ---------------------------------------------------------------------------------------------------

    @Override
    public Guest guest() {
        return guest;
    }

    @Override
    public int guestPort() {
        return guestPort;
    }

    @Override
    public IpAddress remote() {
        return IpHeader.address(remoteHigh, remoteLow);
    }

    @Override
    public int remotePort() {
        return remotePort;
    }

    @Override
    public boolean hasAll() {
        return closed || hostEnded && tcb.sendRing().size() == 0;
    }

    @Override
    public void leadsTo(String name, @Nullable IpAddress host, int hostPort) {
        this.name = name;
        this.host = host;
        this.hostPort = hostPort;
    }

    @Override
    public void abort(String reason) {
        this.reason = reason;
        abort(flows.loop.now());
    }

    // ---- for people
    // -----------------------------------------------------------------------------------------------------------

    @Override
    public Traffic traffic() {
        return traffic;
    }

    @Override
    public boolean isOver() {
        return closed;
    }

    @Override
    public void cut(long now) {
        abort(now);
    }

    @Override
    public FlowInfo info(long now) {
        traffic.sample(now);
        return new FlowInfo(
                traffic.id,
                FlowPolicy.Protocol.TCP,
                forward == null ? FlowInfo.Direction.OUT : FlowInfo.Direction.IN,
                guest.ipAddress(),
                guestPort,
                IpHeader.address(remoteHigh, remoteLow),
                remotePort,
                1,
                host,
                hostPort,
                closed || socket == null ? 0 : socket.localPort(),
                tcb.state().toString(),
                traffic.bytesToHost,
                traffic.bytesToGuest,
                traffic.rateToHost(),
                traffic.rateToGuest(),
                traffic.ageMillis(now),
                name == null ? List.of() : List.of(name));
    }

    private final class FlowTimer extends Timer {
        @Override
        protected void onTimer(long now) {
            if (departing) {
                departed();
                return;
            }
            handle(tcb.onTimer(now), now);
            if (!closed) {
                transmit(now);
            }
        }
    }
}
