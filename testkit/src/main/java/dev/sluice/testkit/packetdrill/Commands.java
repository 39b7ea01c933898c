package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.TcpState;
import java.util.function.IntSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Backquoted lines. No shell runs: what changes a setting of the stack or asks for a state is done here, what prepares a machine
 * that is not there is left out, and everything else is unsupported.
 */
final class Commands {
    private static final Pattern SETTING =
            Pattern.compile("(?<![/.\\w])([a-z][a-z0-9_]*(?:[./][a-z0-9_]+)+)=(\"[^\"]*\"|'[^']*'|\\S*)");
    private static final Pattern PROC_SETTING = Pattern.compile("/proc/sys/([a-z0-9_/]+)=(\"[^\"]*\"|\\S*)");
    private static final Pattern STATES = Pattern.compile(
            "sockstat\\b.*\\|\\s*grep\\s+-c\\s+['\"]?([A-Z][A-Z_0-9-]+)['\"]?\\s*\\|\\s*grep\\s+(?:-q\\s+)?['\"]?(\\d+)['\"]?");
    /** Without a count: at least one, which is what grep succeeds for. */
    private static final Pattern ANY_STATE =
            Pattern.compile("sockstat\\b.*\\|\\s*grep\\s+(?:-q\\s+)?['\"]?([A-Z][A-Z_0-9-]+)['\"]?");

    /** The number of LISTEN in Linux's table of sockets. */
    private static final Pattern LISTENERS = Pattern.compile("grep \"? ?0A ?\"? (/proc/net/tcp6? ?)+\\|\\s*grep.*");

    private static final Pattern DROP = Pattern.compile("tcpdrop\\s+.*-s\\s+([A-Z_0-9-]+)");
    private static final Pattern PRODUCT =
            Pattern.compile("\\$\\(\\(\\s*(\\d{1,9}(?:\\s*\\*\\s*\\d{1,9}){0,2})\\s*\\)\\)");
    private static final Pattern MTU = Pattern.compile("(?:ifconfig|ip link set).*\\bmtu\\s+(\\d+)");
    /** What prepares or restores the machine that real packetdrill runs on. */
    private static final Pattern IRRELEVANT = Pattern.compile(
            "\\S*/?defaults\\.sh|\\S*sysctl_restore\\S*|ip tcp_metrics flush.*|tc qdisc .*|true|:|rm -f .*|echo .*"
                    + "|ethtool -K .*|sysctl [^=]*|nstat -n|sync|dmesg -c|tcpdump [^|]*|kldload (-n )?cc_(cubic|newreno)");

    private final Stack stack;
    private final Sysctls sysctls;

    /** Sockets without a connection, or whose connection is over. */
    private final IntSupplier closedSockets;

    Commands(Stack stack, IntSupplier closedSockets) {
        this.stack = stack;
        this.closedSockets = closedSockets;
        this.sysctls = new Sysctls(stack.settings, stack::forgetPath);
    }

    void run(String text, int line) throws ScriptException {
        if (text.length() > Budget.LONGEST_LINE) {
            throw ScriptException.unsupported(line, "a command of more than " + Budget.LONGEST_LINE + " characters");
        }
        for (String command : products(text.replace("\\\n", " ")).split("\n|;|&&")) {
            String one = command.replaceAll("\\d?>+\\s*(/dev/null|&1)", "").strip();
            if (!one.isEmpty() && !one.startsWith("#")) {
                runOne(one, line);
            }
        }
    }

    /** Works out {@code $((15*1024*1024))}, the only arithmetic that scripts use. */
    private static String products(String text) {
        return PRODUCT.matcher(text).replaceAll(found -> {
            long product = 1;
            for (String factor : found.group(1).split("\\*")) {
                product *= Long.parseLong(factor.strip());
            }
            return Long.toString(product);
        });
    }

    private void runOne(String command, int line) throws ScriptException {
        Matcher states = STATES.matcher(command);
        Matcher anyState = ANY_STATE.matcher(command);
        Matcher drop = DROP.matcher(command);
        Matcher mtu = MTU.matcher(command);
        if (states.matches()) {
            query(states.group(1), states.group(2), line);
        } else if (anyState.matches()) {
            if (count(anyState.group(1), line) == 0) {
                throw differs(anyState.group(1), "some", 0, line);
            }
        } else if (LISTENERS.matcher(command).matches()) {
            if (stack.listening() == 0) {
                throw differs("LISTEN", "some", 0, line);
            }
        } else if (drop.matches()) {
            stack.drop(state(drop.group(1), line));
        } else if (mtu.matches()) {
            stack.settings.mtu = Integer.parseInt(mtu.group(1));
        } else if (command.startsWith("sysctl ") || command.contains("set_sysctls.py")) {
            boolean any = set(SETTING.matcher(command), line) | set(PROC_SETTING.matcher(command), line);
            if (!any && !IRRELEVANT.matcher(command).matches()) {
                throw unsupported(command, line);
            }
        } else if (!IRRELEVANT.matcher(command).matches()) {
            throw unsupported(command, line);
        }
    }

    private static ScriptException unsupported(String command, int line) {
        return ScriptException.unsupported(line, "the command `" + command + "` is not supported");
    }

    private boolean set(Matcher settings, int line) throws ScriptException {
        boolean any = false;
        while (settings.find()) {
            any = true;
            String name = settings.group(1).replace('/', '.');
            String value = settings.group(2).replaceAll("^[\"']|[\"']$", "");
            sysctls.set(name, value, line);
        }
        return any;
    }

    /** {@code sockstat … | grep -c STATE | grep N}: as grep does, N may be any part of the count. */
    private void query(String name, String expected, int line) throws ScriptException {
        int count = count(name, line);
        if (!Integer.toString(count).contains(expected)) {
            throw differs(name, expected, count, line);
        }
    }

    private int count(String name, int line) throws ScriptException {
        return switch (name) {
            case "LISTEN" -> stack.listening();
            case "CLOSED" -> closedSockets.getAsInt();
            default -> stack.count(state(name, line));
        };
    }

    private ScriptException differs(String name, String expected, int count, int line) {
        return ScriptException.mismatch(
                line,
                "the number of connections in " + name + " differs",
                expected + " in " + name,
                count + " in " + name + stack.describe());
    }

    private static TcpState state(String name, int line) throws ScriptException {
        return switch (name.replace('-', '_')) {
            case "CLOSED" -> TcpState.CLOSED;
            case "SYN_SENT" -> TcpState.SYN_SENT;
            case "SYN_RCVD", "SYN_RECEIVED" -> TcpState.SYN_RECEIVED;
            case "ESTABLISHED" -> TcpState.ESTABLISHED;
            case "CLOSE_WAIT" -> TcpState.CLOSE_WAIT;
            case "FIN_WAIT_1" -> TcpState.FIN_WAIT_1;
            case "FIN_WAIT_2" -> TcpState.FIN_WAIT_2;
            case "CLOSING" -> TcpState.CLOSING;
            case "LAST_ACK" -> TcpState.LAST_ACK;
            case "TIME_WAIT" -> TcpState.TIME_WAIT;
            default -> throw ScriptException.unsupported(line, "the state " + name + " is not supported");
        };
    }
}
