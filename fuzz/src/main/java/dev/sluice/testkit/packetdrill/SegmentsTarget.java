package dev.sluice.testkit.packetdrill;

import dev.sluice.fuzz.Input;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.Snapshot;
import dev.sluice.stack.tcp.TcpState;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * TCP under segments, user calls and time, with a peer that counts as the stack does, so that what comes is mostly about the numbers
 * that matter. After every step: nothing was sent before it was acknowledged, no window was taken back, memory is bounded, time goes on.
 */
public final class SegmentsTarget {
    private static final int MOST_STEPS = 200;
    private static final int LOCAL = 8080;
    private static final int REMOTE = 40_000;
    private static final long MILLIS = 1_000_000L;

    private final Stack stack;
    private final SocketOptions options;
    private final List<Connection> connections = new ArrayList<>();
    private final long[] edges = new long[8];
    /** Ours as the peer saw it last: its acknowledgment number, and what we acknowledged. */
    private int seen;

    private int expected = 0x7fff_fff0;

    private SegmentsTarget(Script.Dialect dialect, int iss) {
        Settings settings = new Settings(Version.newest(dialect), false);
        stack = new Stack(settings, memory(), iss, 1_000_000_000_000L);
        options = new SocketOptions(settings);
        options.keepAlive = true;
    }

    private static NativeMemory memory() {
        return new NativeMemory() {
            @Override
            public MemorySegment allocate(long bytes) {
                return MemorySegment.ofArray(new long[(int) ((bytes + 7) / 8)]).asSlice(0, bytes);
            }

            @Override
            public void free(MemorySegment block) {
                // The collector's.
            }
        };
    }

    /** Steps: what to do, and its numbers. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        int kind = input.u8();
        Script.Dialect dialect = Script.Dialect.values()[kind % Script.Dialect.values().length];
        new SegmentsTarget(dialect, kind % 2 == 0 ? 0x7fff_ff00 : -256).run(input, kind % 4 < 2);
    }

    private void run(Input input, boolean passive) {
        if (passive) {
            stack.listen(LOCAL, options, 4);
        } else {
            connections.add(stack.connect(options, LOCAL, REMOTE));
        }
        for (int i = 0; i < MOST_STEPS && input.more(); i++) {
            step(input);
            look();
        }
        for (Connection connection : connections) {
            stack.abort(connection);
        }
        stack.settle();
        stack.close();
    }

    private void step(Input input) {
        int what = input.u8();
        switch (what % 10) {
            case 0, 1, 2, 3 -> segment(input);
            case 4 -> pass(input.u8() * 5 * MILLIS);
            case 5 -> pass(Math.max(0, Math.min(stack.deadline() - stack.now(), 7200_000 * MILLIS)));
            case 6 -> each(c -> c.read(input.u16()));
            case 7 -> each(c -> c.write(Math.min(input.u16(), c.writable(1 << 18)), false));
            case 8 -> each(c -> c.tcb.shutdownOutput(stack.now()));
            default ->
                each(c -> {
                    TcpState before = c.tcb.state();
                    c.handle(c.tcb.close(stack.now()), before);
                });
        }
        stack.settle();
        hear();
    }

    private interface Call {
        void on(Connection connection);
    }

    private void each(Call call) {
        for (Connection connection : List.copyOf(connections)) {
            if (!connection.over) {
                call.on(connection);
            }
        }
    }

    /** Flags, distances from the numbers that are right, a window, options, a length. */
    private void segment(Input input) {
        int flags = input.u8() & 0xff;
        int sequence = expected + distance(input);
        int acknowledgment = seen + distance(input);
        int window = input.u16();
        byte[] extra = input.take(input.u8() % 41);
        int header = TcpHeader.MIN_LENGTH + (extra.length + 3) / 4 * 4;
        int length = input.u8() * (flags >>> 6 == 3 ? 60 : 8);
        byte[] bytes = new byte[header + length];
        MemorySegment s = MemorySegment.ofArray(bytes);
        TcpHeader.write(s, 0, REMOTE, LOCAL, sequence, acknowledgment, header, flags, window);
        Bytes.put16(s, 18, input.u8());
        System.arraycopy(extra, 0, bytes, TcpHeader.MIN_LENGTH, extra.length);
        if (TcpHeader.check(s, 0, bytes.length) != Flaw.NONE
                || TcpOptions.check(s, TcpHeader.MIN_LENGTH, header - TcpHeader.MIN_LENGTH) != Flaw.NONE) {
            return;
        }
        stack.receive(bytes, (flags & 0xc0) == 0x40);
        Connection found = stack.find(REMOTE, LOCAL);
        if (found != null && !connections.contains(found) && connections.size() < edges.length) {
            connections.add(found);
        }
    }

    private static int distance(Input input) {
        int d = input.s8();
        return switch (d & 3) {
            case 0, 1 -> d >> 2;
            case 2 -> (d >> 2) * 100;
            default -> d << 24;
        };
    }

    private void pass(long time) {
        long end = stack.now() + time;
        int timers = 0;
        while (stack.deadline() <= end && timers++ < 1000) {
            stack.moveTo(stack.deadline());
        }
        require(timers < 1000, "time goes on");
        stack.moveTo(end);
    }

    /** The peer learns our numbers. */
    private void hear() {
        for (Stack.Sent sent : stack.sent) {
            MemorySegment s = MemorySegment.ofArray(sent.bytes());
            require(TcpHeader.check(s, 0, sent.bytes().length) == Flaw.NONE, "what we send is a segment");
            int header = TcpHeader.headerLength(s, 0);
            require(
                    TcpOptions.check(s, TcpHeader.MIN_LENGTH, header - TcpHeader.MIN_LENGTH) == Flaw.NONE,
                    "with options as they must be");
            int flags = TcpHeader.flags(s, 0);
            int span = sent.bytes().length - header + Integer.bitCount(flags & (TcpHeader.SYN | TcpHeader.FIN));
            if ((flags & TcpHeader.RST) == 0) {
                seen = TcpHeader.sequence(s, 0) + span;
                if ((flags & TcpHeader.ACK) != 0) {
                    expected = TcpHeader.acknowledgment(s, 0);
                }
            }
        }
        stack.sent.clear();
    }

    private void look() {
        for (int i = 0; i < connections.size(); i++) {
            Connection connection = connections.get(i);
            if (connection.over) {
                continue;
            }
            Snapshot s = connection.tcb.snapshot();
            require(s.sendUnacknowledged() <= s.sendNext(), "SND.UNA <= SND.NXT: " + s);
            require(s.sendNext() <= s.sendQueued() + 2, "nothing unwritten is sent: " + s);
            require(s.receiveEdge() >= edges[i], "no window is taken back: " + s);
            require(s.memory() <= 8L << 20, "memory is bounded: " + s);
            require(s.sendMss() > 0 && s.congestionWindow() > 0, "something may always be sent: " + s);
            require(s.outOfOrder() >= 0 && s.receiveBuffered() >= 0 && s.sacked() >= 0, "counts: " + s);
            edges[i] = s.receiveEdge();
            boolean waits = s.sendUnacknowledged() < s.sendNext() && s.state().isSynchronized();
            require(!waits || s.deadline() != Long.MAX_VALUE, "what is in flight has a timer: " + s);
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
