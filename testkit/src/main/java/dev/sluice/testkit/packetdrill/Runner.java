package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.testkit.packetdrill.Script.Event;
import dev.sluice.testkit.packetdrill.Script.When;
import dev.sluice.testkit.packetdrill.Stack.Sent;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs one script against one stack in virtual time. Time passes only here: to the next timer of the stack, or to the time of an event.
 */
final class Runner implements Calls.FlowListener {
    /** Where the script's time 0 is on the stack's clock. */
    private static final long START = 1_000_000_000_000L;

    private static final long MICROS = 1000;
    /** How long an event of any time is waited for. */
    private static final long LONGEST = 24 * 3600 * 1_000_000_000L;

    private static final int FIRST_REMOTE_PORT = 53_055;

    private final Script script;
    private final int peerIss;
    private final Stack stack;
    private final Calls calls;
    private final Commands commands;
    private final IcmpErrors icmp;
    private final Matcher matcher;
    private final long tolerance;
    private Flow flow = new Flow(Calls.PORT, FIRST_REMOTE_PORT, false);
    private boolean flowKnown;
    private int remotePorts = FIRST_REMOTE_PORT;
    /** Time of the event before, in microseconds of the script. */
    private long lastEvent;

    private @Nullable Pending pending;

    /** A call that has not come back. */
    private record Pending(Action.Call call, int line, Calls.Try attempt, long end) {}

    /**
     * A run of {@code script}.
     *
     * @param overrides options that hold where the script has none
     * @param iss our first initial sequence number; {@code peerIss} that of peers
     */
    Runner(Script script, Map<String, String> overrides, NativeMemory memory, int iss, int peerIss)
            throws ScriptException {
        this.script = script;
        this.peerIss = peerIss;
        RunOptions options = RunOptions.of(script.options(), overrides);
        this.tolerance = options.toleranceMicros() * MICROS;
        Settings settings = new Settings(script.dialect(), options.ipv6());
        settings.mtu = options.mtu();
        this.stack = new Stack(settings, memory, iss, START);
        this.calls = new Calls(stack, this);
        this.commands = new Commands(stack);
        this.icmp = new IcmpErrors(stack);
        this.matcher = new Matcher(options.strict(), options.timestampTickMicros(), options.toleranceMicros());
    }

    /** Runs it to the end; returns if it passed. */
    void run() throws ScriptException {
        try {
            for (Event event : script.events()) {
                run(event);
            }
            Pending left = pending;
            if (left != null) {
                waitFor(left.end() + tolerance);
                if (pending != null) {
                    throw neverReturned(left);
                }
            }
        } finally {
            stack.close();
        }
    }

    private void run(Event event) throws ScriptException {
        When when = event.when();
        long base = when.kind() == When.Kind.RELATIVE ? lastEvent : 0;
        long due = base + when.from();
        if (when.kind() == When.Kind.ABSOLUTE && due < lastEvent) {
            throw ScriptException.badScript(event.line(), "the time goes backwards");
        }
        switch (event.action()) {
            case Action.Unsupported(String why) -> throw ScriptException.unsupported(event.line(), why);
            case TcpPacket p
            when !p.inbound() -> {
                long actual = expect(p, event, live(due), live(base + when.to()));
                due = when.kind() == When.Kind.ANY ? (actual - START) / MICROS : due;
            }
            case Action.IcmpPacket p
            when !p.inbound() ->
                throw ScriptException.unsupported(event.line(), "ICMP errors of the stack are not supported");
            case TcpPacket p -> {
                waitFor(live(due));
                inject(p, event.line());
            }
            case Action.IcmpPacket p -> {
                waitFor(live(due));
                icmp.inject(p, flow, event.line());
                retry();
            }
            case Action.Call c -> {
                waitFor(live(due));
                call(c, event.line(), live(c.end() + (when.kind() == When.Kind.RELATIVE ? lastEvent : 0)));
            }
            case Action.Command(String text) -> {
                waitFor(live(due));
                commands.run(text, event.line());
                retry();
            }
            case Action.Code(String text) -> {
                waitFor(live(due));
                Assertions.run(text, event.line(), asked());
            }
        }
        lastEvent = due;
    }

    private static long live(long micros) {
        return START + micros * MICROS;
    }

    /** The connection that code asks about: that of the packets. */
    private @Nullable Connection asked() {
        Connection current = stack.find(flow.remotePort, flow.localPort);
        return current != null ? current : calls.anyConnection();
    }

    // ---- Time

    /** Lets time pass to {@code time}, with everything that happens on the way. */
    private void waitFor(long time) throws ScriptException {
        while (stack.deadline() <= time) {
            stack.moveTo(stack.deadline());
            retry();
        }
        stack.moveTo(time);
        retry();
    }

    // ---- Calls

    private void call(Action.Call call, int line, long end) throws ScriptException {
        if (pending != null && call.end() >= 0) {
            throw ScriptException.unsupported(line, "two calls that block at the same time are not supported");
        }
        Calls.Try attempt = calls.start(call, line);
        Outcome outcome = Calls.go(attempt);
        if (outcome != null) {
            check(call, line, outcome);
            if (call.end() >= 0 && Math.abs(stack.now() - end) > tolerance) {
                throw atWrongTime(new Pending(call, line, attempt, end));
            }
        } else if (call.end() < 0) {
            throw ScriptException.mismatch(
                    line, call.name() + "() does not come back at once", text(call), "the call waits");
        } else {
            pending = new Pending(call, line, attempt, end);
        }
        retry();
    }

    /** Sees whether what has happened lets the waiting call come back. */
    private void retry() throws ScriptException {
        Pending waiting = pending;
        if (waiting == null) {
            return;
        }
        Outcome outcome = Calls.go(waiting.attempt());
        if (outcome == null) {
            if (stack.now() > waiting.end() + tolerance) {
                throw neverReturned(waiting);
            }
            return;
        }
        pending = null;
        check(waiting.call(), waiting.line(), outcome);
        if (Math.abs(stack.now() - waiting.end()) > tolerance) {
            throw atWrongTime(waiting);
        }
    }

    private ScriptException neverReturned(Pending waiting) {
        return ScriptException.mismatch(
                waiting.line(),
                waiting.call().name() + "() has not come back in time",
                text(waiting.call()) + " at " + seconds(waiting.end()),
                "still waiting at " + seconds(stack.now()));
    }

    private ScriptException atWrongTime(Pending waiting) {
        return ScriptException.mismatch(
                waiting.line(),
                waiting.call().name() + "() came back at another time",
                seconds(waiting.end()),
                seconds(stack.now()));
    }

    private void check(Action.Call call, int line, Outcome outcome) throws ScriptException {
        if (!outcome.difference().isEmpty()) {
            throw ScriptException.mismatch(line, outcome.difference(), text(call), outcome.difference());
        }
        if (call.result().isAny()) {
            return;
        }
        Long expected = call.result().value(new Constants(script.dialect()).all());
        if (expected == null) {
            throw ScriptException.unsupported(line, "the result " + call.result() + " is not supported");
        }
        boolean same = expected == outcome.value() && call.errno().equals(outcome.errno());
        if (!same && !call.errno().equals("...")) {
            throw ScriptException.mismatch(
                    line, call.name() + "() gave another result", text(call), outcome.toString());
        }
    }

    private static String text(Action.Call call) {
        return call.name()
                + call.arguments().toString().replaceFirst("^\\[", "(").replaceFirst("]$", ")") + " = " + call.result()
                + (call.errno().isEmpty() ? "" : " " + call.errno());
    }

    // ---- Packets in

    private void inject(TcpPacket packet, int line) throws ScriptException {
        if (!packet.marks().isEmpty()
                && (!packet.marks().ecn().isEmpty() && !packet.marks().ecn().equals("noecn"))) {
            throw ScriptException.unsupported(line, "ECN marks are not supported");
        }
        if (packet.anySequence()) {
            throw ScriptException.badScript(line, "an inbound packet needs a sequence number");
        }
        if (packet.ports() != null) {
            throw ScriptException.unsupported(line, "packets with ports are not supported");
        }
        boolean syn = (packet.flags() & (TcpHeader.SYN | TcpHeader.ACK)) == TcpHeader.SYN;
        if (syn && flow.listening) {
            flow = new Flow(flow.localPort, remotePorts++, false);
        }
        if ((packet.flags() & TcpHeader.SYN) != 0 && !flowKnown(flow)) {
            flow.onRemoteSyn(peerIss, packet.sequence());
            known = flow;
        }
        stack.receive(Segments.encode(packet, flow));
        retry();
    }

    /** The flow whose peer has sent its SYN. */
    private @Nullable Flow known;

    private boolean flowKnown(Flow of) {
        return known == of;
    }

    // ---- Packets out

    /** Waits for a packet; gives when it left. */
    private long expect(TcpPacket expected, Event event, long from, long to) throws ScriptException {
        boolean any = event.when().kind() == When.Kind.ANY;
        int line = event.line();
        if (!expected.marks().isEmpty() && !expected.marks().equals(new Action.IpMarks("noecn", 0, -1))) {
            throw ScriptException.unsupported(line, "fields of the IP header are not supported");
        }
        if (expected.ports() != null) {
            throw ScriptException.unsupported(line, "packets with ports are not supported");
        }
        long limit = any ? stack.now() + LONGEST : Math.max(to + tolerance, stack.now());
        Sent sent = await(limit);
        if (sent == null) {
            throw ScriptException.mismatch(
                    line, "no packet left in time", Segments.text(expected), "nothing by " + seconds(limit));
        }
        learn(expected, sent.bytes());
        TcpPacket seen = Segments.decode(sent.bytes(), flow);
        // A script may see several segments as the one that the kernel handed to a device to be cut.
        while (isHead(seen, expected)) {
            Sent more = await(limit);
            if (more == null) {
                break;
            }
            TcpPacket next = Segments.decode(more.bytes(), flow);
            if (!continues(seen, next)) {
                break;
            }
            seen = joined(seen, next);
            sent = more;
        }
        String difference = matcher.difference(expected, seen);
        if (difference != null) {
            throw ScriptException.mismatch(
                    line, difference, Segments.text(expected), Segments.text(seen) + " at " + seconds(sent.time()));
        }
        if (!any && (sent.time() < from - tolerance || sent.time() > to + tolerance)) {
            throw ScriptException.mismatch(
                    line,
                    "the packet left at another time",
                    Segments.text(expected) + " at " + seconds(from),
                    "at " + seconds(sent.time()));
        }
        return sent.time();
    }

    /** The next packet of this flow, waiting for it until {@code limit}; null if there is none. */
    private @Nullable Sent await(long limit) throws ScriptException {
        while (true) {
            Sent sent = stack.sent.poll();
            if (sent != null) {
                MemorySegment s = MemorySegment.ofArray(sent.bytes());
                boolean ours = TcpHeader.sourcePort(s, 0) == flow.localPort
                        && TcpHeader.destinationPort(s, 0) == flow.remotePort;
                if (ours) {
                    return sent;
                }
            } else if (stack.deadline() <= limit) {
                stack.moveTo(stack.deadline());
                retry();
            } else {
                return null;
            }
        }
    }

    /** Takes what the script could not know from our packet. */
    private void learn(TcpPacket expected, byte[] bytes) {
        MemorySegment s = MemorySegment.ofArray(bytes);
        if ((TcpHeader.flags(s, 0) & TcpHeader.SYN) != 0 && (expected.flags() & TcpHeader.SYN) != 0) {
            flow.onLocalSyn(TcpHeader.sequence(s, 0), expected.anySequence() ? 0 : expected.sequence());
        }
        if (expected.options() == null) {
            return;
        }
        for (TcpOption option : expected.options()) {
            if (option instanceof TcpOption.Timestamps(long value, long _)) {
                int at = timestampAt(s);
                if (at > 0) {
                    flow.onLocalTimestamp(Bytes.i32(s, at), value);
                }
            }
        }
    }

    private static int timestampAt(MemorySegment s) {
        int header = TcpHeader.headerLength(s, 0);
        int at = TcpHeader.MIN_LENGTH;
        while (at < header) {
            int kind = Bytes.u8(s, at);
            if (kind == dev.sluice.wire.TcpOptions.TIMESTAMPS) {
                return at + 2;
            }
            at += kind <= dev.sluice.wire.TcpOptions.NOP ? 1 : Math.max(2, Bytes.u8(s, at + 1));
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

    private static TcpPacket joined(TcpPacket first, TcpPacket next) {
        return new TcpPacket(
                false,
                first.marks(),
                null,
                first.flags() | next.flags(),
                false,
                first.sequence(),
                first.length() + next.length(),
                first.acknowledgment(),
                next.window(),
                first.urgent(),
                first.options());
    }

    private static String seconds(long live) {
        return String.format(Locale.ROOT, "%.6f s", (live - START) / 1e9);
    }

    // ---- Flows

    @Override
    public void onBind(int localPort) {
        if (!flowKnown) {
            flow = new Flow(localPort, remotePorts++, false);
        }
    }

    @Override
    public void onListen(int localPort) {
        flowKnown = true;
        flow = new Flow(localPort, remotePorts++, true);
    }

    @Override
    public void onConnect(Connection connection) {
        flowKnown = true;
        flow = new Flow(connection.localPort, connection.remotePort, false);
    }
}
