package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.testkit.packetdrill.Script.Event;
import dev.sluice.testkit.packetdrill.Script.When;
import dev.sluice.testkit.packetdrill.Stack.Sent;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.TcpOptions;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** Waits for the packets that a script expects, and compares what it gets. */
final class Outbound {
    /** How long a packet of any time is waited for. */
    private static final long LONGEST = 24 * 3600 * 1_000_000_000L;

    private static final int ECT0 = 2;

    /** To be done whenever time has passed. */
    interface Retry {
        void run() throws ScriptException;
    }

    private final Stack stack;
    private final Flows flows;
    private final Matcher matcher;
    private final long tolerance;
    /** A packet is met by one segment, not by several in a row. */
    private final boolean strictSegments;

    private final Retry retry;

    Outbound(Stack stack, Flows flows, Matcher matcher, long tolerance, boolean strictSegments, Retry retry) {
        this.stack = stack;
        this.flows = flows;
        this.matcher = matcher;
        this.tolerance = tolerance;
        this.strictSegments = strictSegments;
        this.retry = retry;
    }

    /** Waits for a packet; gives when it left. */
    long expect(TcpPacket expected, Event event, long from, long to) throws ScriptException {
        boolean any = event.when().kind() == When.Kind.ANY;
        int line = event.line();
        if (expected.ports() != null) {
            throw ScriptException.unsupported(line, "packets with ports are not supported");
        }
        long limit = any ? stack.now() + LONGEST : Math.max(to + tolerance, stack.now());
        Sent sent = await(limit);
        if (sent == null) {
            throw ScriptException.mismatch(
                    line, "no packet left in time", Segments.text(expected), "nothing by " + Runner.seconds(limit));
        }
        learn(expected, sent.bytes());
        TcpPacket seen = Segments.decode(sent.bytes(), flows.current());
        // A script may see several segments as the one that the kernel handed to a device to be cut.
        while (!strictSegments && isHead(seen, expected)) {
            Sent more = await(limit);
            if (more == null) {
                break;
            }
            TcpPacket next = Segments.decode(more.bytes(), flows.current());
            if (!continues(seen, next)) {
                break;
            }
            seen = joined(seen, next, expected);
            sent = more;
        }
        String difference = matcher.difference(expected, seen);
        String ecn = expected.marks().ecn();
        String seenEcn = sent.ect0() ? "ect0" : "noecn";
        if (difference == null && !ecn.isEmpty() && !ecn.equals(seenEcn) && !(ecn.equals("ect01") && sent.ect0())) {
            difference = "the ECN codepoint differs: it is " + seenEcn;
        }
        if (difference == null) {
            difference = headerDifference(expected.marks(), sent);
        }
        if (difference != null) {
            throw ScriptException.mismatch(
                    line,
                    difference,
                    Segments.text(expected),
                    Segments.text(seen) + " at " + Runner.seconds(sent.time()));
        }
        if (!any && (sent.time() < from - tolerance || sent.time() > to + tolerance)) {
            throw ScriptException.mismatch(
                    line,
                    "the packet left at another time",
                    Segments.text(expected) + " at " + Runner.seconds(from),
                    "at " + Runner.seconds(sent.time()));
        }
        return sent.time();
    }

    /** What is wrong with the fields of the IP header that sockets set; the ECN codepoint is part of the traffic class. */
    private static @Nullable String headerDifference(Action.IpMarks expected, Sent sent) {
        if (expected.ttl() != 0 && expected.ttl() != sent.ttl()) {
            return "the TTL differs: it is " + sent.ttl();
        }
        int trafficClass = sent.trafficClass() | (sent.ect0() ? ECT0 : 0);
        if (expected.trafficClass() != -1 && expected.trafficClass() != trafficClass) {
            return "the traffic class differs: it is 0x" + Integer.toHexString(trafficClass);
        }
        return null;
    }

    /** The next packet of this flows.current(), waiting for it until {@code limit}; null if there is none. */
    private @Nullable Sent await(long limit) throws ScriptException {
        while (true) {
            Sent sent = stack.sent.poll();
            if (sent != null) {
                MemorySegment s = MemorySegment.ofArray(sent.bytes());
                boolean ours = TcpHeader.sourcePort(s, 0) == flows.current().localPort
                        && TcpHeader.destinationPort(s, 0) == flows.current().remotePort;
                if (ours) {
                    return sent;
                }
            } else if (stack.deadline() <= limit) {
                stack.moveTo(stack.deadline());
                retry.run();
            } else {
                return null;
            }
        }
    }

    /** Takes what the script could not know from our packet. */
    private void learn(TcpPacket expected, byte[] bytes) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        if ((TcpHeader.flags(s, 0) & TcpHeader.SYN) != 0 && (expected.flags() & TcpHeader.SYN) != 0) {
            flows.current().onLocalSyn(TcpHeader.sequence(s, 0), expected.anySequence() ? 0 : expected.sequence());
        }
        if (expected.options() == null) {
            return;
        }
        for (TcpOption option : expected.options()) {
            if (option instanceof TcpOption.Timestamps(long value, long _)) {
                int at = timestampAt(s);
                if (at > 0 && value != TcpOption.Timestamps.ANY) {
                    flows.current().onLocalTimestamp(Bytes.i32(s, at), value);
                }
            }
        }
    }

    private static int timestampAt(MemorySegment s) {
        int header = TcpHeader.headerLength(s, 0);
        int at = TcpHeader.MIN_LENGTH;
        while (at < header) {
            int kind = Bytes.u8(s, at);
            if (kind == TcpOptions.TIMESTAMPS) {
                return at + 2;
            }
            at += kind <= TcpOptions.NOP ? 1 : Math.max(2, Bytes.u8(s, at + 1));
        }
        return 0;
    }

    private static boolean isHead(TcpPacket seen, TcpPacket expected) {
        return seen.length() > 0
                && seen.length() < expected.length()
                && (seen.sequence() == expected.sequence() || expected.anySequence())
                && seen.acknowledgment() == expected.acknowledgment();
    }

    private static boolean continues(TcpPacket first, TcpPacket next) {
        return next.length() > 0
                && next.sequence() == (first.sequence() + first.length() & 0xffff_ffffL)
                && next.acknowledgment() == first.acknowledgment();
    }

    /** PSH of several segments is the kernel's, which sets it on whatever it hands to a device to be cut. */
    private static TcpPacket joined(TcpPacket first, TcpPacket next, TcpPacket expected) {
        return new TcpPacket(
                false,
                first.marks(),
                null,
                first.flags() | next.flags() | expected.flags() & TcpHeader.PSH,
                false,
                first.sequence(),
                first.length() + next.length(),
                first.acknowledgment(),
                next.window(),
                first.urgent(),
                first.options());
    }
}
