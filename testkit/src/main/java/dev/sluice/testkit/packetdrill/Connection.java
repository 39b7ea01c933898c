package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpState;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** One connection of the stack under test, with what its user has heard of it. */
final class Connection implements TcpOutput {
    final Tcb tcb;
    final int localPort;
    final int remotePort;
    private final Stack stack;
    /** Where it is to be accepted; null once it was, and for connections made by connect. */
    @Nullable
    Listener listener;

    boolean established;
    /** The peer will send no more, and all it sent was read. */
    boolean remoteClosed;

    boolean over;
    private TcpState lastState = TcpState.CLOSED;
    /** The errno that the next call or SO_ERROR reports; "" for none. */
    String error = "";

    /** The user has written with {@code MSG_MORE}, and nothing since. */
    private boolean announced;

    private int wanted;
    /** In the headers of its IP packets. */
    int ttl;

    int trafficClass;
    /** Bytes the user has read. */
    private long taken;
    /** When it may be accepted although it has said nothing; only while its listener keeps it back. */
    long silentUntil;
    /** A write found too little room, so that somebody may wait for some. */
    boolean fullSeen;

    final Counts counts = new Counts();
    final Waiting waiting = new Waiting();

    /** What happened to a connection, as systems count it; times are of the stack's clock. */
    static final class Counts {
        long segmentsIn;
        long dataSegmentsIn;
        /** As far as the system merges what comes in a row, of one packet. */
        long largestSegmentIn = 536;

        long segmentsOut;
        long dataSegmentsOut;
        long bytesSent;
        long lastDataSent;
        long lastDataReceived;
        long lastAckReceived;
    }

    Connection(Stack stack, SocketOptions options, int localPort, int remotePort) {
        this.stack = stack;
        this.localPort = localPort;
        this.remotePort = remotePort;
        this.ttl = options.ttl;
        this.trafficClass = options.trafficClass;
        this.tcb = new Tcb(stack.shard, stack.settings.profile(options), this);
    }

    /** From now on behaves as {@code profile} says; what {@code MSG_MORE} has announced need not come any more. */
    void adopt(TcpProfile profile) {
        announced = false;
        tcb.adopt(profile);
    }

    /** More will be written ({@code MSG_MORE}), or not: as if corked meanwhile. */
    private void announce(boolean more) {
        if (more && !announced && !tcb.profile().cork()) {
            announced = true;
            tcb.adopt(tcb.profile().withCork(true));
        } else if (!more && announced) {
            announced = false;
            tcb.adopt(tcb.profile().withCork(false));
        }
    }

    /** A segment for it comes. */
    void onReceive(MemorySegment s, int length) {
        if (stack.settings.dialect == Script.Dialect.LINUX) {
            announce(false); // Linux looks for something to send, and has forgotten the flag
        }
        counts.segmentsIn++;
        counts.lastAckReceived = stack.now();
        int payload = length - TcpHeader.headerLength(s, 0);
        if (payload > 0) {
            int packet = Math.min(stack.settings.packetMss, tcb.profile().mss());
            counts.largestSegmentIn = Math.max(counts.largestSegmentIn, Math.min(payload, packet));
            counts.dataSegmentsIn++;
            counts.lastDataReceived = stack.now();
        }
    }

    /** Bytes that came in order, read or not. */
    long received() {
        return taken + readable();
    }

    TcpState state() {
        if (over && lastState == TcpState.TIME_WAIT && !stack.isResting(localPort, remotePort)) {
            return TcpState.CLOSED;
        }
        return over ? lastState : tcb.state();
    }

    /** Learns what happened; {@code before} is the state in which it did. */
    void handle(int events, TcpState before) {
        if ((events & Tcb.Events.ESTABLISHED) != 0) {
            established = true;
            counts.lastDataReceived = Math.max(counts.lastDataReceived, stack.now());
            counts.lastDataSent = Math.max(counts.lastDataSent, stack.now());
            if (listener != null) {
                listener.onEstablished(this, stack.now());
            }
        }
        if ((events & Tcb.Events.REMOTE_CLOSED) != 0) {
            remoteClosed = true;
        }
        if ((events & Tcb.Events.RESET) != 0) {
            error = resetError(before);
        } else if ((events & Tcb.Events.TIMED_OUT) != 0) {
            error = "ETIMEDOUT";
        }
        if ((events & Tcb.Events.ENDED) != 0) {
            over = true;
            if ((events & Tcb.Events.TIME_WAIT) != 0) {
                lastState = TcpState.TIME_WAIT;
                stack.rest(this);
            }
            if (listener != null) {
                listener.forget(this);
            }
        } else if (listener != null && (remoteClosed || received() > 0)) {
            listener.onWord(this);
        }
    }

    private String resetError(TcpState before) {
        boolean linux = stack.settings.dialect != Script.Dialect.FREEBSD;
        return switch (before) {
            case SYN_SENT -> "ECONNREFUSED";
            case SYN_RECEIVED -> linux ? "ECONNRESET" : "ECONNREFUSED";
            case CLOSE_WAIT -> linux ? "EPIPE" : "ECONNRESET";
            case ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, CLOSING, LAST_ACK, TIME_WAIT, CLOSED -> "ECONNRESET";
        };
    }

    /** The peer's SYN came. */
    boolean knowsPeer() {
        return established || state() == TcpState.SYN_RECEIVED;
    }

    /** The largest segment of both sides, options included. */
    int agreedMss() {
        return tcb.sendMss() + (tcb.snapshot().timestamps() ? 12 : 0);
    }

    /** Takes what was reported, so that it is reported once. */
    String takeError() {
        String taken = error;
        error = "";
        return taken;
    }

    int readable() {
        return over && lastState == TcpState.CLOSED && tcb.undelivered() == 0 ? 0 : tcb.undelivered();
    }

    /** The user reads up to {@code count} bytes. */
    int read(int count) {
        int all = tcb.undelivered();
        wanted = Math.min(count, all);
        int read = wanted;
        taken += read;
        TcpState before = tcb.state();
        handle(tcb.drain(stack.now()), before);
        wanted = 0;
        stack.settle();
        return read;
    }

    /** Room for bytes to be written now. */
    int writable(int sendBuffer) {
        int queued = tcb.sendRing().size();
        return Math.max(0, Math.min(sendBuffer - queued, tcb.reserveSend(Math.max(1, sendBuffer - queued))));
    }

    /** Writes {@code count} bytes, for which there is room; {@code more} if the user says that it will write more. */
    void write(int count, boolean more) {
        announce(more);
        if (count > 0) {
            tcb.reserveSend(count);
            tcb.sendRing().commit(count);
        }
    }

    // ---- TcpOutput

    @Override
    public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
        byte[] bytes = new byte[headerLength + length];
        MemorySegment.copy(header, ValueLayout.JAVA_BYTE, at, bytes, 0, headerLength);
        if (length > 0) {
            SendRing ring = tcb.sendRing();
            int first = ring.firstPart(position, length);
            MemorySegment.copy(ring.memory(), ValueLayout.JAVA_BYTE, ring.at(position), bytes, headerLength, first);
            MemorySegment.copy(
                    ring.memory(), ValueLayout.JAVA_BYTE, ring.wrapAt(), bytes, headerLength + first, length - first);
        }
        counts.segmentsOut++;
        if (length > 0) {
            counts.dataSegmentsOut++;
            counts.bytesSent += length;
            counts.lastDataSent = stack.now();
        }
        stack.emit(bytes, tcb.mayBeMarked(), ttl, trafficClass);
    }

    @Override
    public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        int taken = Math.min(wanted, length + wrapLength);
        wanted -= taken;
        return taken;
    }
}
