package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Script.Dialect;
import dev.sluice.testkit.packetdrill.Script.Event;
import dev.sluice.testkit.packetdrill.Script.When;
import dev.sluice.testkit.packetdrill.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads scripts: options, then events with their times; packets and calls have parsers of their own. */
final class Parser {
    /** What only scripts for FreeBSD say: its settings and tools, or the order of options in its SYN. */
    private static final Pattern FREEBSD = Pattern.compile(
            "net\\.inet\\.|kern\\.ipc\\.|\\bsockstat\\b|\\btcpdrop\\b|SO_RCVBUF, \\[65536\\]|> *S[EW]* [^\\n]*wscale \\d+, *sackOK|TCPI_[A-Z]");

    /** What only scripts for Linux say. */
    private static final Pattern LINUX = Pattern.compile(
            "net\\.ipv4\\.|net/ipv4/|defaults\\.sh|set_sysctls|tcp_metrics|SIOCINQ|SIOCOUTQ|epoll|MSG_ZEROCOPY|TCP_INFO");

    private final TokenReader in;
    private final List<Event> events = new ArrayList<>();

    private Parser(TokenReader in) {
        this.in = in;
    }

    /**
     * Reads {@code text}.
     *
     * @param dialect whose script it is; null to find out
     * @param defined names for {@code #ifdef}
     * @param symbols what the command line has defined, for words that the script does not define itself
     */
    static Script parse(
            String name, String text, @Nullable Dialect dialect, Set<String> defined, Map<String, String> symbols)
            throws ScriptException {
        List<Token> tokens = Lexer.tokens(text, defined);
        Map<String, String> options = new Parser(new TokenReader(tokens)).options();
        Map<String, String> all = new TreeMap<>(symbols);
        all.putAll(RunOptions.symbols(options));
        Parser parser = new Parser(new TokenReader(Lexer.substituted(tokens, all)));
        parser.options();
        parser.events();
        Dialect said = Dialect.named(options.getOrDefault("dialect", ""));
        return new Script(name, options, versions(text, dialect, said), List.copyOf(parser.events));
    }

    /** A script that names its dialect means the newest release; for others, all of the dialect come into question. */
    private static List<Version> versions(String text, @Nullable Dialect told, @Nullable Dialect said) {
        if (told != null) {
            return Version.of(told);
        }
        if (said != null) {
            return List.of(Version.newest(said));
        }
        boolean freebsd = FREEBSD.matcher(text).find();
        boolean linux = !freebsd && LINUX.matcher(text).find();
        List<Version> versions = new ArrayList<>(Version.of(freebsd ? Dialect.FREEBSD : Dialect.LINUX));
        if (!freebsd && !linux) {
            versions.addAll(Version.of(Dialect.FREEBSD));
        }
        return versions;
    }

    private Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        while (in.peek().kind() == Kind.OPTION) {
            String text = in.next().text();
            int equals = text.indexOf('=');
            String value = equals < 0 ? "" : text.substring(equals + 1).replaceAll("^\"|\"$", "");
            RunOptions.put(options, equals < 0 ? text : text.substring(0, equals), value);
        }
        return options;
    }

    private void events() throws ScriptException {
        if (in.atEnd()) {
            throw ScriptException.badScript(in.line(), "the script has no events");
        }
        while (!in.atEnd()) {
            int line = in.line();
            try {
                event(line);
            } catch (ScriptException e) {
                if (e.kind != ScriptException.Kind.UNSUPPORTED) {
                    throw e;
                }
                events.add(new Event(line, When.NOW, new Action.Unsupported(String.valueOf(e.getMessage()))));
                if (in.line() == line) {
                    in.next();
                }
                in.skipEvent();
            }
        }
    }

    private void event(int line) throws ScriptException {
        if (in.peek().kind() == Kind.COMMAND) {
            // Before the first event and after the last, commands have no time.
            events.add(new Event(line, When.NOW, new Action.Command(in.next().text())));
            return;
        }
        When when = when(line);
        Action action = action();
        boolean outbound = switch (action) {
            case Action.TcpPacket p -> !p.inbound();
            case Action.IcmpPacket p -> !p.inbound();
            case Action.Unsupported _ -> true;
            case Action.Call _, Action.Command _, Action.Code _ -> false;
        };
        if (!outbound && (when.kind() == When.Kind.ANY || when.from() != when.to())) {
            throw ScriptException.badScript(line, "only outbound packets can come at any time or within a range");
        }
        events.add(new Event(line, when, action));
    }

    private When when(int line) throws ScriptException {
        if (in.skip("*")) {
            return When.ANY_TIME;
        }
        boolean relative = in.skip("+");
        long from = in.time();
        long to = from;
        if (in.skip("~")) {
            if (in.skip("+") != relative) {
                throw ScriptException.badScript(line, "a range is either relative or absolute");
            }
            to = in.time();
            if (to < from) {
                throw ScriptException.badScript(line, "the time range is backwards");
            }
        }
        return new When(relative ? When.Kind.RELATIVE : When.Kind.ABSOLUTE, from, to);
    }

    private Action action() throws ScriptException {
        Token token = in.peek();
        return switch (token.kind()) {
            case COMMAND -> new Action.Command(in.next().text());
            case CODE -> new Action.Code(in.next().text());
            case ELLIPSIS -> {
                in.next();
                long end = in.time();
                yield CallParser.call(in, end);
            }
            case WORD -> CallParser.call(in, -1);
            case SYMBOL -> {
                if (token.text().equals("<") || token.text().equals(">")) {
                    yield PacketParser.packet(in);
                }
                throw in.unreadable("a packet, a system call, a command or code");
            }
            case INTEGER, HEX, FLOAT, STRING, OPTION, END ->
                throw in.unreadable("a packet, a system call, a command or code");
        };
    }
}
