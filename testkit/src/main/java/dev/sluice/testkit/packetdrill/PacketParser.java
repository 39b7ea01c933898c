package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Action.IcmpPacket;
import dev.sluice.testkit.packetdrill.Action.IpMarks;
import dev.sluice.testkit.packetdrill.Action.Ports;
import dev.sluice.testkit.packetdrill.Action.TcpPacket;
import dev.sluice.testkit.packetdrill.Token.Kind;
import dev.sluice.wire.TcpHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what follows the time of a packet event. */
final class PacketParser {
    private static final long HIGHEST = 0xffff_ffffL;
    private static final int MD5 = 19;
    private static final int FAST_OPEN = 34;
    private static final Set<String> OTHER_PROTOCOLS =
            Set.of("udp", "udplite", "sctp", "gre", "GREv0", "mpls", "ipv4", "ipv6", "psp", "icmpv6", "raw");

    private final TokenReader in;

    private PacketParser(TokenReader in) {
        this.in = in;
    }

    static Action packet(TokenReader in) throws ScriptException {
        return new PacketParser(in).packet();
    }

    private Action packet() throws ScriptException {
        boolean inbound = in.next().text().equals("<");
        IpMarks marks = IpMarks.NONE;
        while (in.at("(") || (in.at("[") && in.peek(1).kind() == Kind.WORD)) {
            marks = marks(marks);
        }
        if (in.at("[")) {
            // The older way to write an ICMP error: what it quotes stands first.
            return icmp(inbound, quote());
        }
        if (in.at("icmp")) {
            return icmp(inbound, null);
        }
        if (in.peek().kind() == Kind.WORD && OTHER_PROTOCOLS.contains(in.peek().text())) {
            throw ScriptException.unsupported(in.line(), in.peek().text() + " packets are not supported");
        }
        return tcp(inbound, marks);
    }

    private IpMarks marks(IpMarks before) throws ScriptException {
        String close = in.next().text().equals("(") ? ")" : "]";
        String ecn = before.ecn();
        int ttl = before.ttl();
        int trafficClass = before.trafficClass();
        do {
            String word = in.word();
            switch (word) {
                case "ect0", "ect1", "ce", "noecn", "ect01" -> ecn = word;
                case "ttl", "hlim" -> ttl = (int) in.integer("TTL", 1, 255);
                case "tos", "tclass", "class" -> trafficClass = (int) in.integer("traffic class", 0, 255);
                default -> throw ScriptException.unsupported(in.line(), "the IP field '" + word + "' is not supported");
            }
        } while (in.skip(","));
        in.expect(close);
        return new IpMarks(ecn, ttl, trafficClass);
    }

    private record Sequence(boolean any, long start, int length) {}

    private Sequence sequence() throws ScriptException {
        if (in.peek().kind() == Kind.ELLIPSIS) {
            in.next();
            in.expect("(");
            int length = (int) in.integer("payload length", 0, 0xffff);
            in.expect(")");
            return new Sequence(true, 0, length);
        }
        int line = in.line();
        long start = in.integer("sequence number", 0, HIGHEST);
        in.expect(":");
        long end = in.integer("sequence number", 0, HIGHEST);
        in.expect("(");
        int length = (int) in.integer("payload length", 0, 0xffff);
        in.expect(")");
        if (end != (start + length & HIGHEST)) {
            throw ScriptException.badScript(
                    line, start + ":" + end + "(" + length + ") contradicts itself: " + start + " + " + length);
        }
        return new Sequence(false, start, length);
    }

    private Sequence quote() throws ScriptException {
        in.expect("[");
        if (in.at("udp") || in.at("raw")) {
            throw ScriptException.unsupported(
                    in.line(), "ICMP errors about " + in.peek().text() + " are not supported");
        }
        Sequence sequence = sequence();
        in.expect("]");
        return sequence;
    }

    private Action icmp(boolean inbound, @Nullable Sequence quoted) throws ScriptException {
        in.expect("icmp");
        String type = in.word();
        String code = in.peek().kind() == Kind.WORD
                        && !in.at("mtu")
                        && !in.at("id")
                        && !in.peek().first()
                ? in.word()
                : "";
        int mtu = in.skip("mtu") ? (int) in.integer("MTU", 0, HIGHEST) : -1;
        if (in.at("id")) {
            throw ScriptException.unsupported(in.line(), "ICMP echo is not supported");
        }
        // A message without quote is about the begin of the stream, as in the original.
        boolean quotes = in.at("[") && !in.peek().first();
        Sequence about = quoted != null ? quoted : quotes ? quote() : new Sequence(false, 0, 0);
        return new IcmpPacket(inbound, type, code, mtu, about.start(), about.length());
    }

    private Action tcp(boolean inbound, IpMarks marks) throws ScriptException {
        int line = in.line();
        Ports ports = null;
        if (in.peek().kind() == Kind.INTEGER && in.peek(1).is(">")) {
            int source = (int) in.integer("port", 0, 0xffff);
            in.expect(">");
            ports = new Ports(source, (int) in.integer("port", 0, 0xffff));
        }
        int flags = flags();
        Sequence sequence = sequence();
        long acknowledgment = in.skip("ack") ? in.integer("acknowledgment number", 0, HIGHEST) : 0;
        int window = in.skip("win") ? (int) in.integer("window", 0, 0xffff) : TcpPacket.UNSAID;
        int urgent = in.skip("urg") ? (int) in.integer("urgent pointer", 0, 0xffff) : TcpPacket.UNSAID;
        List<TcpOption> options = options(inbound);
        if (in.at("/") || in.at("{")) {
            throw ScriptException.unsupported(in.line(), "TCP over UDP and mutated packets are not supported");
        }
        if (options != null && TcpOption.length(options) > TcpOption.LONGEST) {
            throw ScriptException.badScript(
                    line,
                    "TCP options of " + TcpOption.length(options) + " bytes are longer than " + TcpOption.LONGEST);
        }
        return new TcpPacket(
                inbound,
                marks,
                ports,
                flags,
                sequence.any(),
                sequence.start(),
                sequence.length(),
                acknowledgment,
                window,
                urgent,
                options);
    }

    private int flags() throws ScriptException {
        int flags = 0;
        boolean any = in.skip("-");
        if (in.peek().kind() == Kind.WORD) {
            any = true;
            for (char c : in.next().text().toCharArray()) {
                flags |= switch (c) {
                    case 'F' -> TcpHeader.FIN;
                    case 'S' -> TcpHeader.SYN;
                    case 'R' -> TcpHeader.RST;
                    case 'P' -> TcpHeader.PSH;
                    case 'U' -> TcpHeader.URG;
                    case 'E' -> TcpHeader.ECE;
                    case 'W' -> TcpHeader.CWR;
                    default ->
                        throw ScriptException.unsupported(in.line(), "the TCP flag '" + c + "' is not supported");
                };
            }
        }
        if (in.skip(".")) {
            any = true;
            flags |= TcpHeader.ACK;
        }
        if (!any) {
            throw in.unreadable("TCP flags");
        }
        return flags;
    }

    /** Null for {@code <...>}. */
    private @Nullable List<TcpOption> options(boolean inbound) throws ScriptException {
        List<TcpOption> options = new ArrayList<>();
        if (!in.at("<") || in.peek().first()) {
            return options;
        }
        in.next();
        if (in.peek().kind() == Kind.ELLIPSIS) {
            in.next();
            in.expect(">");
            return null;
        }
        do {
            options.add(option(inbound));
        } while (in.skip(","));
        in.expect(">");
        return List.copyOf(options);
    }

    /** The value of an option, or "" if it has none. */
    private String hexadecimal(int line, String name) throws ScriptException {
        if (in.at(",") || in.at(">")) {
            return "";
        }
        String value = in.next().text();
        if (value.length() % 2 != 0 || !value.matches("[0-9a-fA-F]{1,76}")) {
            throw ScriptException.unsupported(line, "the TCP option '" + name + " " + value + "' is not supported");
        }
        return value;
    }

    private TcpOption option(boolean inbound) throws ScriptException {
        int line = in.line();
        String name = in.word();
        return switch (name) {
            case "nop" -> new TcpOption.Nop();
            case "eol" -> new TcpOption.Eol();
            case "mss" -> new TcpOption.Mss((int) in.integer("MSS", 0, 0xffff));
            case "wscale" -> new TcpOption.WindowScale((int) in.integer("window scale", 0, 0xff));
            case "sackOK" -> new TcpOption.SackPermitted();
            case "sack" -> {
                List<TcpOption.Sack.Block> blocks = new ArrayList<>();
                while (in.peek().kind() == Kind.INTEGER) {
                    long left = in.integer("SACK edge", 0, HIGHEST);
                    in.expect(":");
                    blocks.add(new TcpOption.Sack.Block(left, in.integer("SACK edge", 0, HIGHEST)));
                }
                yield new TcpOption.Sack(List.copyOf(blocks));
            }
            case "TS" -> {
                in.expect("val");
                long value = TcpOption.Timestamps.ANY;
                if (in.peek().kind() == Kind.ELLIPSIS) {
                    in.next();
                } else {
                    value = in.integer("timestamp", 0, HIGHEST);
                }
                in.expect("ecr");
                yield new TcpOption.Timestamps(value, in.integer("timestamp", 0, HIGHEST));
            }
            default -> {
                // What our stack does not know may come, but is never sent.
                int kind = name.equals("FO") ? FAST_OPEN : name.equals("md5") ? MD5 : 0;
                if (!inbound || kind == 0) {
                    throw ScriptException.unsupported(line, "the TCP option '" + name + "' is not supported");
                }
                yield new TcpOption.Unknown(kind, hexadecimal(line, name));
            }
        };
    }
}
