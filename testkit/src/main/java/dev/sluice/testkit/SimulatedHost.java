package dev.sluice.testkit;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.SendRing;
import dev.sluice.stack.tcp.Snapshot;
import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpOutput;
import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.stack.tcp.TcpState;
import dev.sluice.stack.tcp.TimeWaitTable;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.function.Consumer;

/**
 * One end of a {@link TcpScenario}: a {@link Tcb}, the loop that owns it and a random user. It works in turns as an event loop does:
 * packets that have come, timers, the user, then {@link Tcb#transmit}.
 */
final class SimulatedHost implements TcpOutput {
    private static final int PORT_OFFSET = 1000;
    private static final long NEVER = Long.MAX_VALUE;
    /** Of IPv6 addresses. */
    private static final long PREFIX = 0x2001_0db8L << 32;

    final String name;
    final int address;
    final int peerAddress;
    /** Which family's addresses the checksums cover. */
    private final boolean ipv4;

    final TcpShard shard;
    final Tcb tcb;
    final SimulatedUser user;
    private final Simulation simulation;
    private final TcpProfile profile;
    private final int iss;
    private final boolean splits;
    private final TimeWaitTable timeWait;
    private final ArrayDeque<byte[]> inbox = new ArrayDeque<>();
    private final MemorySegment in;
    private Consumer<byte[]> link = packet -> {};
    private long turnAt = NEVER;
    private boolean opened;
    /** All event bits so far. */
    int events;

    private boolean inTimeWait;
    /** It has forgotten the connection while its peer still sent, and answered with a reset. */
    boolean forgot;
    /** Right edge of the largest window seen on the wire, as offset. */
    private long wireEdge;

    private long edge;
    long corrupted;

    SimulatedHost(
            String name,
            int address,
            int peerAddress,
            boolean ipv4,
            Simulation simulation,
            TcpProfile profile,
            NativeMemory memory,
            long budget,
            int iss,
            boolean splits,
            SimulatedUser user) {
        this.name = name;
        this.address = address;
        this.peerAddress = peerAddress;
        this.ipv4 = ipv4;
        this.simulation = simulation;
        this.profile = profile;
        this.iss = iss;
        this.splits = splits;
        this.user = user;
        this.shard = new TcpShard(memory, budget, simulation.random());
        this.tcb = new Tcb(shard, profile, this);
        this.timeWait = new TimeWaitTable(shard, 4);
        this.in = Arena.ofAuto().allocate(70_000);
    }

    void connect(Consumer<byte[]> link) {
        this.link = link;
    }

    /** Opens actively. */
    void open() {
        opened = true;
        int port = address + PORT_OFFSET;
        tcb.openActive(0, 0, iss, simulation.now(), port, peerAddress + PORT_OFFSET);
        turnIn(0);
    }

    void receive(byte[] packet) {
        inbox.add(packet);
        // Some packets share a batch, some do not.
        turnIn(simulation.random().nextInt(3) * 5_000L);
    }

    void turnIn(long delay) {
        long at = simulation.now() + Math.max(0, delay);
        if (at < turnAt) {
            turnAt = at;
            simulation.at(at, () -> {
                if (turnAt == at) {
                    turn();
                }
            });
        }
    }

    boolean isOver() {
        return inTimeWait || (events & Tcb.Events.ENDED) != 0 || user.aborted();
    }

    private void turn() {
        turnAt = NEVER;
        long now = simulation.now();
        while (!inbox.isEmpty()) {
            take(inbox.remove(), now);
        }
        if (!opened) {
            return;
        }
        boolean over = isOver();
        if (!over) {
            handle(tcb.onTimer(now));
        }
        if (!over) {
            handle(user.act(tcb, now));
        }
        if (!over || tcb.wantsTransmit()) {
            transmit(now);
        }
        if (isOver()) {
            return;
        }
        check();
        if (tcb.wantsTransmit()) {
            turnIn(1000 + simulation.random().nextInt(100_000));
        }
        long next = Math.min(tcb.deadline(), user.nextAt());
        if (next != NEVER) {
            turnIn(next - now);
        }
    }

    private void transmit(long now) {
        int kind = simulation.random().nextInt(10);
        int budget = kind == 0 ? 0 : kind < 3 ? simulation.random().nextInt(5000) : Integer.MAX_VALUE;
        tcb.transmit(now, budget);
        if (isOver()) {
            // The last word must be said.
            tcb.transmit(now, Integer.MAX_VALUE);
        }
        if (budget == Integer.MAX_VALUE && tcb.wantsTransmit()) {
            throw new AssertionError(name + " wants to transmit after an unlimited transmit: " + tcb.snapshot());
        }
    }

    private void handle(int bits) {
        if ((bits & events & (Tcb.Events.ESTABLISHED | Tcb.Events.REMOTE_CLOSED | Tcb.Events.ENDED)) != 0) {
            throw new AssertionError(name + " was told twice: " + bits + " after " + events);
        }
        events |= bits;
        if ((bits & Tcb.Events.TIME_WAIT) != 0) {
            timeWait.add(0, 0, tcb, simulation.now());
            inTimeWait = true;
        }
        user.onEvents(bits);
    }

    private void take(byte[] packet, long now) {
        int at = 2 + simulation.random().nextInt(4);
        MemorySegment.copy(packet, 0, in, ValueLayout.JAVA_BYTE, at, packet.length);
        if (TcpHeader.check(in, at, packet.length) != Flaw.NONE
                || Checksum.finish(
                                Checksum.add(pseudoHeader(peerAddress, address, packet.length), in, at, packet.length))
                        != 0) {
            corrupted++;
            return;
        }
        if (!opened) {
            if ((TcpHeader.flags(in, at) & (TcpHeader.SYN | TcpHeader.ACK | TcpHeader.RST)) == TcpHeader.SYN) {
                opened = true;
                tcb.openPassive(0, 0, in, at, packet.length, iss, now);
                user.acceptAt(now);
            } else {
                answer(shard.writeReset(in, at, packet.length));
            }
        } else if (inTimeWait) {
            int result = timeWait.onSegment(0, 0, in, at, packet.length, now);
            forgot |= result == TimeWaitTable.ABSENT;
            answer(result == TimeWaitTable.ABSENT ? shard.writeReset(in, at, packet.length) : Math.max(0, result));
        } else if (isOver()) {
            answer(shard.writeReset(in, at, packet.length));
        } else {
            handle(tcb.onSegment(in, at, packet.length, now));
        }
    }

    private void answer(int headerLength) {
        if (headerLength > 0) {
            emit(shard.header(), TcpShard.HEADER_AT, headerLength, new byte[0], 0, 0, true);
        }
    }

    // ---- TcpOutput

    @Override
    public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
        byte[] payload = new byte[length];
        if (length > 0) {
            SendRing ring = tcb.sendRing();
            int first = ring.firstPart(position, length);
            MemorySegment.copy(ring.memory(), ValueLayout.JAVA_BYTE, ring.at(position), payload, 0, first);
            MemorySegment.copy(ring.memory(), ValueLayout.JAVA_BYTE, ring.wrapAt(), payload, first, length - first);
            user.checkSent(position, payload);
        }
        if (length > tcb.sendMss() && length > profile.superSegment()) {
            throw new AssertionError(name + " sent " + length + " bytes at once with MSS " + tcb.sendMss());
        }
        checkWindow(header, at);
        if (!splits || length <= tcb.sendMss()) {
            emit(header, at, headerLength, payload, 0, length, true);
            return;
        }
        for (int from = 0; from < length; from += tcb.sendMss()) {
            int part = Math.min(tcb.sendMss(), length - from);
            emit(header, at, headerLength, payload, from, part, from + part == length);
        }
    }

    /** What TCP segmentation offload does, and the checksum. */
    private void emit(
            MemorySegment header, long at, int headerLength, byte[] payload, int from, int length, boolean last) {
        byte[] packet = new byte[headerLength + length];
        MemorySegment.copy(header, ValueLayout.JAVA_BYTE, at, packet, 0, headerLength);
        System.arraycopy(payload, from, packet, headerLength, length);
        MemorySegment s = MemorySegment.ofArray(packet);
        Bytes.put32(s, 4, Bytes.i32(s, 4) + from);
        if (!last) {
            Bytes.put8(s, 13, TcpHeader.flags(s, 0) & ~(TcpHeader.FIN | TcpHeader.PSH));
        }
        long sum = pseudoHeader(address, peerAddress, packet.length);
        Bytes.put16(s, TcpHeader.CHECKSUM, Checksum.finish(Checksum.add(sum, s, 0, packet.length)));
        link.accept(packet);
    }

    private long pseudoHeader(int source, int destination, int length) {
        return ipv4
                ? Checksum.pseudoHeader(source, destination, Ipv4Header.PROTOCOL_TCP, length)
                : Checksum.pseudoHeader6(PREFIX, source, PREFIX, destination, Ipv4Header.PROTOCOL_TCP, length);
    }

    /** The right edge that the peer sees never moves back, but for bits that the window's scale cuts off. */
    private void checkWindow(MemorySegment header, long at) {
        int flags = TcpHeader.flags(header, at);
        if ((flags & (TcpHeader.SYN | TcpHeader.RST)) != 0 || !tcb.state().isSynchronized()) {
            return;
        }
        Snapshot s = tcb.snapshot();
        // Offsets of the snapshot are exact; the wire can only tell less than they promise.
        if (s.receiveEdge() < wireEdge) {
            throw new AssertionError(name + " took back window: edge " + s.receiveEdge() + " after " + wireEdge);
        }
        wireEdge = s.receiveEdge();
    }

    @Override
    public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        return user.deliver(data, at, length, wrapAt, wrapLength);
    }

    // ---- What must always be true

    private void check() {
        Snapshot s = tcb.snapshot();
        require(s.sendUnacknowledged() <= s.sendNext(), "SND.UNA beyond SND.NXT", s);
        require(s.sendNext() <= s.sendQueued() + 1, "sent more than was queued", s);
        require(s.receiveEdge() >= edge, "window edge went back", s);
        edge = s.receiveEdge();
        boolean outstanding = s.sendNext() > s.sendUnacknowledged();
        boolean held = s.state() == TcpState.SYN_RECEIVED && !user.accepted();
        require(!outstanding || s.deadline() != NEVER || held, "no timer is armed while data is outstanding", s);
        boolean waiting = s.state().isSynchronized() && s.sendQueued() > s.sendNext();
        require(
                !waiting || s.deadline() != NEVER || tcb.wantsTransmit(),
                "queued data has nothing that would make it move",
                s);
        require(s.receiveBuffered() <= profile.receiveWindow(), "more is held than the window", s);
    }

    /** Against the other end's view: nothing is acknowledged that has not come, nothing comes that was not sent or not allowed. */
    void checkAgainst(SimulatedHost peer) {
        if (!opened || !peer.opened || isOver() || peer.isOver()) {
            return;
        }
        Snapshot s = tcb.snapshot();
        Snapshot p = peer.tcb.snapshot();
        require(s.sendUnacknowledged() <= Math.max(p.receiveNext(), 1), "acknowledged but never received", s);
        require(p.receiveNext() <= Math.max(s.sendNext(), 1), "received but never sent", s);
        require(s.sendNext() <= Math.max(p.receiveEdge(), 1) + 1, "sent beyond the peer's window " + p, s);
    }

    private void require(boolean condition, String what, Snapshot s) {
        if (!condition) {
            throw new AssertionError(name + ": " + what + ": " + s);
        }
    }

    @Override
    public String toString() {
        return name + " events " + events + " " + user + " " + tcb.snapshot() + " " + profile;
    }
}
