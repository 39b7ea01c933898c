package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.Snapshot;
import dev.sluice.stack.tcp.TcpState;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The little of Python that scripts use: {@code assert} with comparisons of {@code tcpi_} values, and {@code print}, which is left out.
 * A value that our stack does not have makes the script unsupported.
 */
final class Assertions {
    private static final int DEEPEST = 64;
    private static final Pattern STORE = Pattern.compile("([a-z_]\\w*)\\s*(=|\\+=)\\s*([^=].*)");
    private static final Pattern TOKEN = Pattern.compile("\\s*(?:(\\d+)|(\\w+)|(==|!=|<=|>=|//|<<|>>|[-+*/%()|&<>,]))");

    private final String text;
    private final int line;
    private final @Nullable Connection connection;
    private final Context context;
    private final Matcher tokens;
    private String token = "";
    private int depth;

    /** Whose script it is, and what its code has stored. */
    record Context(Script.Dialect dialect, Map<String, Long> variables, LongSupplier now) {}

    private Assertions(String text, int line, @Nullable Connection connection, Context context) throws ScriptException {
        this.text = text;
        this.line = line;
        this.connection = connection;
        this.context = context;
        this.tokens = TOKEN.matcher(text);
        advance();
    }

    /** Runs {@code code} about {@code connection}. */
    static void run(String code, int line, @Nullable Connection connection, Context context) throws ScriptException {
        int number = line;
        for (String each : (code + "\n").replace("\\\n", " ").split("\n", -1)) {
            if (each.length() > Budget.LONGEST_LINE) {
                throw ScriptException.unsupported(number, "code of more than " + Budget.LONGEST_LINE + " characters");
            }
            for (String statement : each.split(";")) {
                String one = statement.strip();
                Matcher stored = STORE.matcher(one);
                if (one.startsWith("assert")) {
                    check(one.substring("assert".length()).strip(), number, connection, context);
                } else if (stored.matches()) {
                    long value = new Assertions(stored.group(3), number, connection, context).whole();
                    context.variables()
                            .merge(stored.group(1), value, stored.group(2).equals("+=") ? Long::sum : (a, b) -> b);
                } else if (!one.isEmpty() && !one.startsWith("#") && !one.startsWith("print")) {
                    throw ScriptException.unsupported(number, "the code '" + one + "' is not supported");
                }
            }
            number++;
        }
    }

    /** The value of all of it, but for what follows a comma. */
    private long whole() throws ScriptException {
        long value = or();
        if (!token.isEmpty() && !token.equals(",")) {
            throw unsupported();
        }
        return value;
    }

    private static void check(String condition, int line, @Nullable Connection connection, Context context)
            throws ScriptException {
        Assertions evaluation = new Assertions(condition, line, connection, context);
        if (evaluation.whole() == 0) {
            throw ScriptException.mismatch(
                    line, "the assertion does not hold", condition, evaluation.values(condition));
        }
    }

    private String values(String condition) throws ScriptException {
        StringBuilder out = new StringBuilder();
        Matcher names = Pattern.compile("tcpi_\\w+").matcher(condition);
        while (names.find()) {
            if (out.indexOf(names.group() + " ") < 0) {
                out.append(out.isEmpty() ? "" : ", ")
                        .append(names.group())
                        .append(" == ")
                        .append(value(names.group()));
            }
        }
        return out.toString();
    }

    private ScriptException unsupported() {
        return ScriptException.unsupported(line, "the assertion '" + text + "' is not supported");
    }

    private void advance() throws ScriptException {
        if (tokens.lookingAt()) {
            token = tokens.group().strip();
            tokens.region(tokens.end(), text.length());
        } else if (text.substring(tokens.regionStart()).isBlank() || token.equals(",")) {
            token = "";
        } else {
            throw unsupported();
        }
    }

    private boolean skip(String expected) throws ScriptException {
        if (token.equals(expected)) {
            advance();
            return true;
        }
        return false;
    }

    private interface Term {
        long value() throws ScriptException;
    }

    private long nested(Term term) throws ScriptException {
        if (++depth > DEEPEST) {
            throw ScriptException.badScript(line, "code is nested more than " + DEEPEST + " deep");
        }
        long value = term.value();
        depth--;
        return value;
    }

    // ---- Expressions, the loosest binding first

    private long or() throws ScriptException {
        return nested(this::disjunction);
    }

    private long disjunction() throws ScriptException {
        long left = and();
        while (skip("or")) {
            long right = and();
            left = left != 0 ? left : right;
        }
        return left;
    }

    private long and() throws ScriptException {
        long left = comparison();
        while (skip("and")) {
            long right = comparison();
            left = left == 0 ? left : right;
        }
        return left;
    }

    private long comparison() throws ScriptException {
        long left = union();
        boolean holds = true;
        boolean any = false;
        while (List.of("==", "!=", "<", "<=", ">", ">=").contains(token)) {
            String operator = token;
            advance();
            long right = union();
            any = true;
            holds &= switch (operator) {
                case "==" -> left == right;
                case "!=" -> left != right;
                case "<" -> left < right;
                case "<=" -> left <= right;
                case ">" -> left > right;
                default -> left >= right;
            };
            left = right;
        }
        return any ? (holds ? 1 : 0) : left;
    }

    private long union() throws ScriptException {
        long left = sum();
        while (token.equals("|") || token.equals("&")) {
            boolean or = token.equals("|");
            advance();
            long right = sum();
            left = or ? left | right : left & right;
        }
        return left;
    }

    private long sum() throws ScriptException {
        long left = product();
        while (token.equals("+") || token.equals("-")) {
            boolean plus = token.equals("+");
            advance();
            long right = product();
            left = plus ? left + right : left - right;
        }
        return left;
    }

    private long product() throws ScriptException {
        long left = single();
        while (List.of("*", "/", "//", "%").contains(token)) {
            String operator = token;
            advance();
            long right = single();
            if (right == 0 && !operator.equals("*")) {
                throw unsupported();
            }
            left = operator.equals("*") ? left * right : operator.equals("%") ? left % right : left / right;
        }
        return left;
    }

    private long single() throws ScriptException {
        if (skip("(")) {
            long value = or();
            if (!skip(")")) {
                throw unsupported();
            }
            return value;
        }
        if (skip("-")) {
            return -nested(this::single);
        }
        if (skip("not")) {
            return nested(this::comparison) == 0 ? 1 : 0;
        }
        if (token.isEmpty()) {
            throw unsupported();
        }
        String name = token;
        advance();
        return Character.isDigit(name.charAt(0)) ? Long.parseLong(name) : value(name);
    }

    // ---- Values

    private static final Map<String, TcpState> STATES = Map.ofEntries(
            Map.entry("ESTABLISHED", TcpState.ESTABLISHED),
            Map.entry("SYN_SENT", TcpState.SYN_SENT),
            Map.entry("SYN_RECV", TcpState.SYN_RECEIVED),
            Map.entry("SYN_RECEIVED", TcpState.SYN_RECEIVED),
            Map.entry("FIN_WAIT1", TcpState.FIN_WAIT_1),
            Map.entry("FIN_WAIT_1", TcpState.FIN_WAIT_1),
            Map.entry("FIN_WAIT2", TcpState.FIN_WAIT_2),
            Map.entry("FIN_WAIT_2", TcpState.FIN_WAIT_2),
            Map.entry("TIME_WAIT", TcpState.TIME_WAIT),
            Map.entry("CLOSE", TcpState.CLOSED),
            Map.entry("CLOSED", TcpState.CLOSED),
            Map.entry("CLOSE_WAIT", TcpState.CLOSE_WAIT),
            Map.entry("LAST_ACK", TcpState.LAST_ACK),
            Map.entry("CLOSING", TcpState.CLOSING));

    private static final int INFINITE = 1 << 30;

    private long segments(long bytes, Snapshot s) {
        return context.dialect() == Script.Dialect.FREEBSD ? bytes : bytes / s.sendMss();
    }

    /** As Linux numbers them, which is how {@link Snapshot.Phase} is ordered. */
    private static final List<String> PHASES =
            List.of("TCP_CA_Open", "TCP_CA_Disorder", "TCP_CA_CWR", "TCP_CA_Recovery", "TCP_CA_Loss");

    /** The number of a state in the header files of the script's system. */
    private long number(TcpState state) {
        boolean freebsd = context.dialect() == Script.Dialect.FREEBSD;
        return switch (state) {
            case CLOSED -> freebsd ? 0 : 7;
            case SYN_SENT -> 2;
            case SYN_RECEIVED -> 3;
            case ESTABLISHED -> freebsd ? 4 : 1;
            case CLOSE_WAIT -> freebsd ? 5 : 8;
            case FIN_WAIT_1 -> freebsd ? 6 : 4;
            case CLOSING -> freebsd ? 7 : 11;
            case LAST_ACK -> freebsd ? 8 : 9;
            case FIN_WAIT_2 -> freebsd ? 9 : 5;
            case TIME_WAIT -> freebsd ? 10 : 6;
        };
    }

    private long millisSince(long time) {
        return (context.now().getAsLong() - time) / 1_000_000;
    }

    private long value(String name) throws ScriptException {
        TcpState named = STATES.get(name.replaceFirst("^TCPI?_", ""));
        if (named != null) {
            return number(named);
        }
        Long stored = context.variables().get(name);
        if (stored != null) {
            return stored;
        }
        int phase = PHASES.indexOf(name);
        if (phase >= 0) {
            return phase;
        }
        switch (name) {
            case "True", "TCPI_OPT_TIMESTAMPS" -> {
                return 1;
            }
            case "False" -> {
                return 0;
            }
            case "TCPI_OPT_SACK" -> {
                return 2;
            }
            case "TCPI_OPT_WSCALE" -> {
                return 4;
            }
            case "TCPI_OPT_ECN" -> {
                return 8;
            }
            // Never set: what comes with a SYN before the handshake is no more than a promise (RFC 7413 is not ours).
            case "TCPI_OPT_SYN_DATA" -> {
                return 32;
            }
            default -> {}
        }
        Connection c = connection;
        if (c == null && name.equals("tcpi_state")) {
            return number(TcpState.CLOSED);
        }
        if (c == null) {
            throw ScriptException.unsupported(line, "there is no connection whose " + name + " could be asked");
        }
        Snapshot s = c.tcb.snapshot();
        return switch (name) {
            case "tcpi_state" -> number(c.state());
            case "tcpi_snd_mss" -> s.sendMss();
            // FreeBSD counts bytes.
            case "tcpi_snd_cwnd" -> segments(s.congestionWindow(), s);
            case "tcpi_snd_ssthresh" -> s.threshold() >= INFINITE ? Integer.MAX_VALUE : segments(s.threshold(), s);
            case "tcpi_ca_state" -> s.phase().ordinal();
            case "tcpi_sacked" -> s.sacked() / s.sendMss();
            case "tcpi_advmss" -> c.tcb.profile().mss();
            case "tcpi_snd_wnd" -> s.sendWindow();
            case "tcpi_unacked" -> (s.sendNext() - s.sendUnacknowledged() + s.sendMss() - 1) / s.sendMss();
            case "tcpi_total_retrans" -> s.retransmissions();
            case "tcpi_rto" -> s.rto() / 1000;
            case "tcpi_rtt" -> s.smoothedRtt() / 1000;
            case "tcpi_notsent_bytes" -> c.tcb.unsent();
            case "tcpi_segs_in" -> c.counts.segmentsIn;
            case "tcpi_segs_out" -> c.counts.segmentsOut;
            case "tcpi_data_segs_in" -> c.counts.dataSegmentsIn;
            case "tcpi_data_segs_out" -> c.counts.dataSegmentsOut;
            case "tcpi_bytes_sent" -> c.counts.bytesSent;
            case "tcpi_bytes_received" -> c.received();
            case "tcpi_last_data_sent" -> millisSince(c.counts.lastDataSent);
            case "tcpi_last_data_recv" -> millisSince(c.counts.lastDataReceived);
            case "tcpi_last_ack_recv" -> millisSince(c.counts.lastAckReceived);
            case "tcpi_busy_time" -> c.waiting.busyUntil(context.now().getAsLong()) / 1000;
            case "tcpi_rwnd_limited" -> c.waiting.limitedUntil(context.now().getAsLong()) / 1000;
            case "tcpi_rcv_mss" -> c.counts.largestSegmentIn;
            case "tcpi_options" ->
                (s.timestamps() ? 1 : 0) | (s.sack() ? 2 : 0) | (s.windowScaling() ? 4 : 0) | (s.ecn() ? 8 : 0);
            default -> throw ScriptException.unsupported(line, "our stack has no " + name);
        };
    }
}
