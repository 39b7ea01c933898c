package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.Snapshot;
import dev.sluice.stack.tcp.TcpState;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The little of Python that scripts use: {@code assert} with comparisons of {@code tcpi_} values, and {@code print}, which is left out.
 * A value that our stack does not have makes the script unsupported.
 */
final class Assertions {
    private static final Pattern TOKEN = Pattern.compile("\\s*(?:(\\d+)|(\\w+)|(==|!=|<=|>=|//|<<|>>|[-+*/%()|&<>,]))");

    private final String text;
    private final int line;
    private final @Nullable Connection connection;
    private final Matcher tokens;
    private String token = "";

    private Assertions(String text, int line, @Nullable Connection connection) throws ScriptException {
        this.text = text;
        this.line = line;
        this.connection = connection;
        this.tokens = TOKEN.matcher(text);
        advance();
    }

    /** Runs {@code code} about {@code connection}. */
    static void run(String code, int line, @Nullable Connection connection) throws ScriptException {
        int number = line;
        for (String each : code.replace("\\\n", " ").split("\n", -1)) {
            for (String statement : each.split(";")) {
                String one = statement.strip();
                if (one.startsWith("assert")) {
                    check(one.substring("assert".length()).strip(), number, connection);
                } else if (!one.isEmpty() && !one.startsWith("#") && !one.startsWith("print")) {
                    throw ScriptException.unsupported(number, "the code '" + one + "' is not supported");
                }
            }
            number++;
        }
    }

    private static void check(String condition, int line, @Nullable Connection connection) throws ScriptException {
        Assertions evaluation = new Assertions(condition, line, connection);
        boolean holds = evaluation.or() != 0;
        if (!evaluation.token.isEmpty() && !evaluation.token.equals(",")) {
            throw evaluation.unsupported();
        }
        if (!holds) {
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

    // ---- Expressions, the loosest binding first

    private long or() throws ScriptException {
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
            return -single();
        }
        if (skip("not")) {
            return comparison() == 0 ? 1 : 0;
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

    private long value(String name) throws ScriptException {
        TcpState named = STATES.get(name.replaceFirst("^TCPI?_", ""));
        if (named != null) {
            return named.ordinal();
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
            default -> {}
        }
        Connection c = connection;
        if (c == null && name.equals("tcpi_state")) {
            return TcpState.CLOSED.ordinal();
        }
        if (c == null) {
            throw ScriptException.unsupported(line, "there is no connection whose " + name + " could be asked");
        }
        Snapshot s = c.tcb.snapshot();
        return switch (name) {
            case "tcpi_state" -> c.state().ordinal();
            case "tcpi_snd_mss" -> s.sendMss();
            case "tcpi_snd_cwnd" -> s.congestionWindow() / s.sendMss();
            case "tcpi_unacked" -> (s.sendNext() - s.sendUnacknowledged() + s.sendMss() - 1) / s.sendMss();
            case "tcpi_total_retrans" -> s.retransmissions();
            case "tcpi_rto" -> s.rto() / 1000;
            case "tcpi_rtt" -> s.smoothedRtt() / 1000;
            case "tcpi_notsent_bytes" -> c.tcb.unsent();
            case "tcpi_options" -> (s.timestamps() ? 1 : 0) | (s.sack() ? 2 : 0) | (s.windowScaling() ? 4 : 0);
            default -> throw ScriptException.unsupported(line, "our stack has no " + name);
        };
    }
}
