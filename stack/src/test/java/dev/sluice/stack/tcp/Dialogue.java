package dev.sluice.stack.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Random;

/**
 * One {@link Tcb} and the test in the role of its peer. Sequence numbers in here are relative: the SYN of either side is 0, its first data
 * byte 1. Payload bytes are a function of their position, so a test names only lengths.
 */
final class Dialogue implements TcpOutput, AutoCloseable {
    static final int FIN = TcpHeader.FIN;
    static final int SYN = TcpHeader.SYN;
    static final int RST = TcpHeader.RST;
    static final int PSH = TcpHeader.PSH;
    static final int ACK = TcpHeader.ACK;
    static final int URG = TcpHeader.URG;
    static final long MS = 1_000_000L;

    /** Blocks handed out and taken back. */
    static final class CountingMemory implements NativeMemory {
        private final NativeMemory arenas = NativeMemory.ofArenas();
        int blocks;

        @Override
        public MemorySegment allocate(long bytes) {
            blocks++;
            return arenas.allocate(bytes);
        }

        @Override
        public void free(MemorySegment block) {
            blocks--;
            arenas.free(block);
        }
    }

    final CountingMemory memory;
    /** Whether the shard is another dialogue's. */
    private final boolean shares;

    final TcpShard shard;
    final TcpProfile profile;
    final Tcb tcb;
    final int iss;
    final int peerIss;
    final ArrayDeque<Sent> sent = new ArrayDeque<>();
    final ByteArrayOutputStream received = new ByteArrayOutputStream();
    private final MemorySegment in = Arena.ofAuto().allocate(70_000);
    long now = 1_000_000_000L;
    /** How many bytes the user takes at a time. */
    int appetite = Integer.MAX_VALUE;
    /** Whether the user wants what was acknowledged even after the peer's end. */
    boolean wantsRest;

    /** Called at each delivery, if not null. */
    Runnable onDeliver = () -> {};

    int events;
    boolean peerTimestamps;
    int peerClock = 5000;
    int peerEcho;

    Dialogue(TcpProfile profile, int iss, int peerIss) {
        this(profile, iss, peerIss, 64 << 20);
    }

    Dialogue(TcpProfile profile, int iss, int peerIss, long budget) {
        this.profile = profile;
        this.iss = iss;
        this.peerIss = peerIss;
        shares = false;
        memory = new CountingMemory();
        shard = new TcpShard(memory, budget, new Random(1));
        tcb = new Tcb(shard, profile, this);
    }

    /** One more connection of the same shard, to be closed before that one. */
    Dialogue(Dialogue beside) {
        this(beside, beside.shard.buffers().whole());
    }

    /** The same with buffers of a share of the shard's. */
    Dialogue(Dialogue beside, BufferShare buffers) {
        profile = beside.profile;
        iss = beside.iss;
        peerIss = beside.peerIss;
        shares = true;
        memory = beside.memory;
        shard = beside.shard;
        tcb = new Tcb(shard, profile, this, buffers);
    }

    /** A segment that the {@code Tcb} sent. */
    record Sent(
            int flags,
            long seq,
            long ack,
            int window,
            byte[] payload,
            int mss,
            int scale,
            boolean sackOk,
            boolean stamped,
            int tsVal,
            int tsEcr,
            long[] sack,
            int urgent,
            boolean mayBeMarked) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }

        int length() {
            return payload.length;
        }

        @Override
        public String toString() {
            return flagText(flags) + " " + seq + ":" + (seq + payload.length) + " ack " + ack + " win " + window;
        }
    }

    static String flagText(int flags) {
        StringBuilder text = new StringBuilder();
        String names = "FSRPAUEC";
        for (int i = 0; i < 8; i++) {
            if ((flags >> i & 1) != 0) {
                text.append(names.charAt(i));
            }
        }
        return text.toString();
    }

    /** Byte at a stream position (offset − 1) of either side. */
    static byte pattern(long position) {
        return (byte) (position * 31 + (position >>> 8) * 7 + (position >>> 16));
    }

    // ---- TcpOutput

    @Override
    public void segment(Tcb tcb, MemorySegment header, long at, int headerLength, long position, int length) {
        assertThat(TcpHeader.check(header, at, headerLength + length)).isEqualTo(Flaw.NONE);
        assertThat(TcpHeader.headerLength(header, at)).isEqualTo(headerLength);
        Segment s = new Segment();
        s.read(header, at, headerLength);
        byte[] payload = new byte[length];
        if (length > 0) {
            SendRing ring = tcb.sendRing();
            int first = ring.firstPart(position, length);
            MemorySegment target = MemorySegment.ofArray(payload);
            MemorySegment.copy(ring.memory(), ring.at(position), target, 0, first);
            MemorySegment.copy(ring.memory(), ring.wrapAt(), target, first, length - first);
        }
        long[] sack = new long[2 * s.sackBlocks];
        for (int i = 0; i < s.sackBlocks; i++) {
            sack[2 * i] = s.sackLeft[i] - peerIss & 0xffff_ffffL;
            sack[2 * i + 1] = s.sackRight[i] - peerIss & 0xffff_ffffL;
        }
        sent.add(new Sent(
                s.flags,
                s.sequence - iss,
                s.has(TcpHeader.ACK) ? s.acknowledgment - peerIss : 0,
                s.window,
                payload,
                s.mss,
                s.windowScale,
                s.sackPermitted,
                s.hasTimestamps,
                s.timestamp,
                s.echo,
                sack,
                s.urgentPointer,
                tcb.mayBeMarked()));
    }

    @Override
    public int deliver(Tcb tcb, MemorySegment data, long at, int length, long wrapAt, int wrapLength) {
        int take = Math.min(appetite, length + wrapLength);
        for (int i = 0; i < take; i++) {
            received.write(data.get(ValueLayout.JAVA_BYTE, i < length ? at + i : wrapAt + i - length));
        }
        if (appetite != Integer.MAX_VALUE) {
            appetite -= take;
        }
        onDeliver.run();
        return take;
    }

    @Override
    public boolean wantsRest(Tcb tcb) {
        return wantsRest;
    }

    // ---- The peer

    /** Where {@link #build} puts segments. */
    MemorySegment input() {
        return in;
    }

    /** Options in wire form. */
    static byte[] options(int... bytes) {
        byte[] out = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            out[i] = (byte) bytes[i];
        }
        return out;
    }

    static byte[] mssOption(int mss) {
        return options(TcpOptions.MSS, 4, mss >> 8, mss);
    }

    static byte[] join(byte[]... parts) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    static byte[] sackOption(int base, long... bounds) {
        byte[] out = new byte[2 + 4 * bounds.length];
        out[0] = TcpOptions.SACK;
        out[1] = (byte) out.length;
        MemorySegment s = MemorySegment.ofArray(out);
        for (int i = 0; i < bounds.length; i++) {
            Bytes.put32(s, 2 + 4L * i, base + (int) bounds[i]);
        }
        return out;
    }

    byte[] sack(long... bounds) {
        return sackOption(iss, bounds);
    }

    /** Writes a segment of the peer into the input memory at 2 (unaligned on purpose); returns its length. */
    int build(int flags, long seq, long ack, int length, int window, byte[] options) {
        byte[] all = options;
        if (peerTimestamps) {
            byte[] stamp = new byte[10];
            stamp[0] = TcpOptions.TIMESTAMPS;
            stamp[1] = 10;
            MemorySegment m = MemorySegment.ofArray(stamp);
            Bytes.put32(m, 2, peerClock);
            Bytes.put32(m, 6, peerEcho);
            all = join(stamp, options);
        }
        int header = TcpHeader.MIN_LENGTH + (all.length + 3) / 4 * 4;
        int sequence = peerIss + (int) seq;
        TcpHeader.write(in, 2, 40000, 80, sequence, (flags & ACK) == 0 ? 0 : iss + (int) ack, header, flags, window);
        for (int i = 0; i < header - TcpHeader.MIN_LENGTH; i++) {
            Bytes.put8(in, 22 + i, i < all.length ? all[i] : 0);
        }
        long first = seq - 1 + ((flags & SYN) != 0 ? 1 : 0);
        for (int i = 0; i < length; i++) {
            Bytes.put8(in, 2 + header + i, pattern(first + i));
        }
        return header + length;
    }

    /** The peer's next segment with an urgent pointer. */
    int peerUrgent;
    /** The peer's segments come with the codepoint CE. */
    boolean peerMarked;

    int peer(int flags, long seq, long ack, int length, int window, byte... options) {
        int bytes = build(flags, seq, ack, length, window, options);
        Bytes.put16(in, 2 + 18, peerUrgent);
        int result = tcb.onSegment(in, 2, bytes, peerMarked, now);
        events |= result;
        return result;
    }

    int peer(int flags, long seq, long ack) {
        return peer(flags, seq, ack, 0, 65535);
    }

    int peerData(long seq, long ack, int length) {
        return peer(ACK, seq, ack, length, 65535);
    }

    // ---- The user

    /** Queues bytes as far as there is room; returns how many. */
    int write(int count) {
        int done = 0;
        while (done < count) {
            int room = tcb.reserveSend(count - done);
            if (room == 0) {
                break;
            }
            SendRing ring = tcb.sendRing();
            int n = Math.min(room, count - done);
            long position = ring.end();
            for (int i = 0; i < n; i++) {
                long at = i < ring.freeLength() ? ring.freeAt() + i : ring.wrapAt() + i - ring.freeLength();
                Bytes.put8(ring.memory(), at, pattern(position + i));
            }
            ring.commit(n);
            done += n;
        }
        return done;
    }

    Dialogue transmit() {
        tcb.transmit(now, 1 << 30);
        return this;
    }

    /** Transmits and returns the one segment that this made. */
    Sent one() {
        transmit();
        assertThat(sent).hasSize(1);
        return sent.remove();
    }

    /** Transmits and returns the next segment of several. */
    Sent next() {
        transmit();
        assertThat(sent).isNotEmpty();
        return sent.remove();
    }

    void silence() {
        transmit();
        assertThat(sent).isEmpty();
    }

    /** Lets the next timer run out. */
    int timer() {
        assertThat(tcb.deadline()).isNotEqualTo(Long.MAX_VALUE);
        now = Math.max(now, tcb.deadline());
        int result = tcb.onTimer(now);
        events |= result;
        return result;
    }

    void pass(long nanos) {
        now += nanos;
    }

    // ---- States

    static final byte[] NO_OPTIONS = {};

    /** SYN in, held. */
    Dialogue held(byte... options) {
        int length = build(SYN, 0, 0, 0, 65535, options);
        assertThat(tcb.openPassive(0, 0, in, 2, length, iss, now)).isZero();
        silence();
        return this;
    }

    Dialogue synReceived(byte... options) {
        held(options);
        tcb.accept(now);
        Sent synAck = one();
        assertThat(synAck.flags()).isEqualTo(SYN | ACK);
        assertThat(synAck.seq()).isZero();
        assertThat(synAck.ack()).isEqualTo(1);
        return this;
    }

    Dialogue established(byte... options) {
        synReceived(options);
        assertThat(peer(ACK, 1, 1)).isEqualTo(Tcb.Events.ESTABLISHED);
        assertThat(tcb.state()).isEqualTo(TcpState.ESTABLISHED);
        silence();
        return this;
    }

    /** Established with MSS 1460, no scaling, SACK as told. */
    Dialogue plain(boolean sack) {
        return established(sack ? join(mssOption(1460), options(TcpOptions.SACK_PERMITTED, 2)) : mssOption(1460));
    }

    /** Established and then brought to {@code state}. */
    Dialogue in(TcpState state) {
        switch (state) {
            case CLOSED -> {
                plain(true);
                tcb.abort(now);
                transmit();
            }
            case SYN_SENT -> {
                tcb.openActive(0, 0, iss, now, 80, 40000);
                transmit();
            }
            case SYN_RECEIVED -> synReceived(mssOption(1460));
            case ESTABLISHED -> plain(true);
            case FIN_WAIT_1 -> {
                plain(true);
                tcb.shutdownOutput(now);
                transmit();
            }
            case FIN_WAIT_2 -> {
                in(TcpState.FIN_WAIT_1);
                peer(ACK, 1, 2);
            }
            case CLOSE_WAIT -> {
                plain(true);
                peer(FIN | ACK, 1, 1);
                transmit();
            }
            case CLOSING -> {
                in(TcpState.FIN_WAIT_1);
                peer(FIN | ACK, 1, 1);
                transmit();
            }
            case LAST_ACK -> {
                in(TcpState.CLOSE_WAIT);
                tcb.shutdownOutput(now);
                transmit();
            }
            case TIME_WAIT -> {
                in(TcpState.FIN_WAIT_2);
                peer(FIN | ACK, 1, 2);
                transmit();
            }
        }
        assertThat(tcb.state()).isEqualTo(state);
        sent.clear();
        return this;
    }

    /** What the user got is what the peer sent. */
    Dialogue assertReceived(int count) {
        byte[] bytes = received.toByteArray();
        assertThat(bytes).hasSize(count);
        for (int i = 0; i < count; i++) {
            if (bytes[i] != pattern(i)) {
                throw new AssertionError("Byte " + i + " differs");
            }
        }
        return this;
    }

    static void assertPattern(Sent segment) {
        for (int i = 0; i < segment.length(); i++) {
            if (segment.payload()[i] != pattern(segment.seq() - 1 + i)) {
                throw new AssertionError("Byte " + i + " of " + segment + " differs");
            }
        }
    }

    /** Nothing is held any more. */
    @Override
    public void close() {
        tcb.release();
        if (shares) {
            return;
        }
        assertThat(shard.buffers().inUse()).isZero();
        shard.close();
        assertThat(memory.blocks).isZero();
    }
}
