package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.testkit.packetdrill.Script.Event;
import dev.sluice.testkit.packetdrill.Script.When;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs one script against one stack in virtual time. Time passes only here: to the next timer of the stack, or to the time of an event.
 */
final class Runner {
    /** Where the script's time 0 is on the stack's clock. */
    private static final long START = 1_000_000_000_000L;

    private static final long MICROS = 1000;
    /** Of virtual time, in microseconds. */
    private static final long LONGEST = TokenReader.LONGEST * 1_000_000;

    private final Script script;
    private final Map<String, Long> constants;
    private final RunOptions options;
    private final Stack stack;
    private final Calls calls;
    private final Commands commands;
    private final IcmpErrors icmp;
    private final Flows flows;
    private final Outbound outbound;
    private final Assertions.Context code;
    private final long tolerance;
    private final Budget budget;
    /** Time of the event before, in microseconds of the script. */
    private long lastEvent;

    private @Nullable Pending pending;

    /** A call that has not come back. */
    private record Pending(Action.Call call, int line, Calls.Try attempt, long end) {}

    /**
     * A run of {@code script}.
     *
     * @param version whose defaults hold where it does not say
     * @param overrides options that hold where the script has none
     * @param iss our first initial sequence number; {@code peerIss} that of peers
     */
    Runner(
            Script script,
            Version version,
            Map<String, String> overrides,
            NativeMemory memory,
            int iss,
            int peerIss,
            Budget budget)
            throws ScriptException {
        this.budget = budget;
        this.script = script;
        this.constants = new Constants(version.dialect).all();
        this.options = RunOptions.of(script.options(), overrides);
        this.tolerance = options.toleranceMicros() * MICROS;
        Settings settings = new Settings(version, options.ipv6());
        settings.mtu = options.mtu();
        settings.packetMss = options.packetMss();
        this.stack = new Stack(settings, memory, iss, START);
        this.flows = new Flows(peerIss);
        this.calls = new Calls(stack, flows);
        this.commands = new Commands(stack, calls::closedSockets);
        this.icmp = new IcmpErrors(stack);
        Matcher matcher = new Matcher(options.strict(), options.timestampTickMicros(), options.toleranceMicros());
        this.code = new Assertions.Context(version.dialect, new HashMap<>(), stack::now);
        this.outbound = new Outbound(stack, flows, matcher, tolerance, options.strictSegments(), () -> {
            budget.spend();
            retry();
        });
    }

    /** Runs it to the end; returns if it passed. */
    void run() throws ScriptException {
        try {
            for (Event event : script.events()) {
                runGuarded(event.line(), () -> runTolerantly(event));
            }
            Pending left = pending;
            if (left != null) {
                runGuarded(left.line(), () -> waitFor(left.end() + tolerance));
                if (pending != null) {
                    throw neverReturned(left);
                }
            }
        } finally {
            stack.close();
        }
    }

    /** Part of a run. */
    private interface Step {
        void run() throws ScriptException;
    }

    /** Whatever goes wrong is told with the line at which it did. */
    private void runGuarded(int line, Step step) throws ScriptException {
        try {
            budget.spend();
            step.run();
        } catch (Budget.Spent e) {
            throw ScriptException.badScript(line, e.getMessage() + ", and has come to " + seconds(stack.now()));
        } catch (IllegalArgumentException e) {
            throw ScriptException.unsupported(line, "a setting of our stack: " + e.getMessage());
        } catch (RuntimeException | AssertionError e) {
            throw ScriptException.badScript(line, "the stack or the interpreter broke: " + e);
        }
    }

    /** Goes on after a difference that the script does not take for a failure. */
    private void runTolerantly(Event event) throws ScriptException {
        long base = event.when().kind() == When.Kind.RELATIVE ? lastEvent : 0;
        try {
            run(event);
        } catch (ScriptException e) {
            boolean tolerated = switch (event.action()) {
                case TcpPacket _ -> options.packetsMayDiffer();
                case Action.Call _ -> options.callsMayDiffer();
                case Action.IcmpPacket _, Action.Command _, Action.Code _, Action.Unsupported _ -> false;
            };
            if (!tolerated || e.kind != ScriptException.Kind.MISMATCH) {
                throw e;
            }
            lastEvent = Math.max(lastEvent, base + event.when().from());
        }
    }

    private void run(Event event) throws ScriptException {
        When when = event.when();
        long base = when.kind() == When.Kind.RELATIVE ? lastEvent : 0;
        long due = base + when.from();
        if (when.kind() == When.Kind.ABSOLUTE && due < lastEvent) {
            throw ScriptException.badScript(event.line(), "the time goes backwards");
        }
        if (Math.max(due, base + when.to()) > LONGEST) {
            throw ScriptException.badScript(event.line(), "the script asks for more than a year of virtual time");
        }
        String missing = stack.missing();
        if (!missing.isEmpty()) {
            throw ScriptException.unsupported(event.line(), missing + " is not supported");
        }
        switch (event.action()) {
            case Action.Unsupported(String why) -> throw ScriptException.unsupported(event.line(), why);
            case TcpPacket p
            when !p.inbound() -> {
                long actual = outbound.expect(p, event, live(due), live(base + when.to()));
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
                icmp.inject(p, flows.current());
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
                Assertions.run(text, event.line(), asked(), code);
            }
        }
        lastEvent = due;
    }

    private static long live(long micros) {
        return START + micros * MICROS;
    }

    /** The connection that code asks about: that of the packets. */
    private @Nullable Connection asked() {
        Connection current = stack.find(flows.current().remotePort, flows.current().localPort);
        return current != null ? current : calls.anyConnection();
    }

    // ---- Time

    /** Lets time pass to {@code time}, with everything that happens on the way. */
    private void waitFor(long time) throws ScriptException {
        while (stack.deadline() <= time) {
            budget.spend();
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
        Long expected = call.result().value(constants);
        if (expected == null) {
            throw ScriptException.unsupported(line, "the result " + call.result() + " is not supported");
        }
        // −1 alone stands for any error.
        boolean anyError =
                call.errno().equals("...") || (expected < 0 && call.errno().isEmpty());
        boolean same = expected == outcome.value() && (anyError || call.errno().equals(outcome.errno()));
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
        String ecn = packet.marks().ecn();
        if (packet.anySequence()) {
            throw ScriptException.badScript(line, "an inbound packet needs a sequence number");
        }
        if (packet.ports() != null) {
            throw ScriptException.unsupported(line, "packets with ports are not supported");
        }
        flows.onInbound(packet);
        stack.receive(Segments.encode(packet, flows.current()), ecn.equals("ce"));
        retry();
    }

    /** A time of the stack's clock, as the script counts. */
    static String seconds(long live) {
        return String.format(Locale.ROOT, "%.6f s", (live - START) / 1e9);
    }
}
