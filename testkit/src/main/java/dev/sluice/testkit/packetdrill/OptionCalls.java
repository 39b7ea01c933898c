package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.TcpProfile;
import dev.sluice.testkit.packetdrill.Script.Dialect;
import java.util.List;
import java.util.Map;

/** getsockopt and setsockopt, for the options that our stack has. */
final class OptionCalls {
    private static final long SECONDS = 1_000_000_000L;
    private static final long MILLIS = 1_000_000L;
    private static final int DEFAULT_MSS = 536;

    private final Stack stack;
    private final Map<String, Long> constants;

    OptionCalls(Stack stack, Map<String, Long> constants) {
        this.stack = stack;
        this.constants = constants;
    }

    Outcome get(Socket socket, Arguments a) throws ScriptException {
        SocketOptions o = socket.options;
        String name = a.at(2).toString();
        boolean freebsd = stack.settings.dialect == Dialect.FREEBSD;
        return switch (name) {
            case "SO_ERROR" -> error(socket, a);
            case "SO_RCVBUF" -> {
                if (!freebsd && o.receiveBuffer == 0) {
                    throw a.unsupported("the default of SO_RCVBUF");
                }
                int asked = o.receiveBuffer > 0 ? o.receiveBuffer : stack.settings.receiveSpace;
                yield number(a, freebsd ? buffer(socket, asked) : 2L * asked);
            }
            case "SO_SNDBUF" -> {
                if (!freebsd && o.sendBuffer == stack.settings.sendSpace) {
                    throw a.unsupported("the default of SO_SNDBUF");
                }
                yield number(a, freebsd ? buffer(socket, o.sendBuffer) : 2L * o.sendBuffer);
            }
            case "TCP_NODELAY" -> number(a, o.noDelay ? 1 : 0);
            case "TCP_CORK" -> number(a, o.cork ? 1 : 0);
            case "TCP_NOOPT" -> number(a, o.noOptions ? 1 : 0);
            case "SO_KEEPALIVE" -> number(a, o.keepAlive ? 1 : 0);
            case "TCP_KEEPIDLE" -> number(a, o.keepAliveIdle / SECONDS);
            case "TCP_KEEPINTVL" -> number(a, o.keepAliveInterval / SECONDS);
            case "TCP_KEEPCNT" -> number(a, o.keepAliveProbes);
            case "TCP_KEEPINIT" -> number(a, o.synTimeout / SECONDS);
            case "TCP_USER_TIMEOUT" -> number(a, o.userTimeout / MILLIS);
            case "TCP_MAXSEG" -> number(a, maximumSegment(socket));
            case "TCP_LINGER2" -> number(a, o.finWait2 / SECONDS);
            case "TCP_INQ" -> number(a, o.tellsQueue ? 1 : 0);
            case "IP_TOS", "IPV6_TCLASS" -> number(a, o.trafficClass);
            case "IP_TTL", "IPV6_UNICAST_HOPS" -> number(a, o.ttl);
            case "SO_REUSEADDR", "SO_REUSEPORT" -> number(a, o.reuse ? 1 : 0);
            case "SO_ACCEPTCONN" -> number(a, socket.listener != null ? 1 : 0);
            default -> throw a.unsupported("getsockopt(" + name + ")");
        };
    }

    private int maximumSegment(Socket socket) {
        Connection c = socket.connection;
        int asked = socket.options.maximumSegment;
        if (c != null && c.established) {
            return stack.settings.dialect == Dialect.FREEBSD ? c.agreedMss() : c.tcb.sendMss();
        }
        return asked > 0 && stack.settings.tellsMaximumSegment ? asked : DEFAULT_MSS;
    }

    private int buffer(Socket socket, int asked) {
        Connection c = socket.connection;
        return c == null || !c.knowsPeer() ? asked : stack.settings.connectedBuffer(asked, c.agreedMss());
    }

    private static Outcome number(Arguments a, long value) throws ScriptException {
        return Outcome.wrote(0, a.compare(3, value));
    }

    private static Outcome error(Socket socket, Arguments a) throws ScriptException {
        String seen = socket.takeError();
        String text = a.at(3).toString().replaceAll("^\\[|\\]$", "");
        if (text.equals("...")) {
            return Outcome.of(0);
        }
        String expected = text.equals("0") ? "" : text;
        return Outcome.wrote(
                0,
                expected.equals(seen)
                        ? ""
                        : "it stored " + (seen.isEmpty() ? "0" : seen) + " instead of "
                                + (expected.isEmpty() ? "0" : expected));
    }

    Outcome set(Socket socket, Arguments a) throws ScriptException {
        SocketOptions o = socket.options;
        String name = a.at(2).toString();
        switch (name) {
            case "SO_REUSEADDR", "SO_REUSEPORT" -> o.reuse = value(a) != 0;
            case "TCP_NODELAY" -> o.noDelay = value(a) != 0;
            case "TCP_CORK" -> o.cork = value(a) != 0;
            case "TCP_NOOPT" -> {
                if (socket.connection != null) {
                    throw a.unsupported("TCP_NOOPT on a connection");
                }
                o.noOptions = value(a) != 0;
            }
            case "TCP_DEFER_ACCEPT" -> o.deferral = value(a) * SECONDS;
            case "SO_KEEPALIVE" -> o.keepAlive = value(a) != 0;
            case "TCP_KEEPIDLE" -> o.keepAliveIdle = value(a) * SECONDS;
            case "TCP_KEEPINTVL" -> o.keepAliveInterval = value(a) * SECONDS;
            case "TCP_KEEPCNT" -> o.keepAliveProbes = (int) value(a);
            case "TCP_KEEPINIT" -> o.synTimeout = value(a) * SECONDS;
            case "TCP_USER_TIMEOUT" -> o.userTimeout = value(a) * MILLIS;
            case "TCP_MAXSEG" -> {
                if (socket.connection != null) {
                    throw a.unsupported("TCP_MAXSEG on a connection");
                }
                o.maximumSegment = (int) value(a);
            }
            case "SO_RCVBUF" -> {
                if (socket.connection != null) {
                    throw a.unsupported("SO_RCVBUF on a connection");
                }
                o.receiveBuffer = (int) value(a);
            }
            case "SO_SNDBUF" -> o.sendBuffer = (int) value(a);
            case "TCP_SYNCNT" -> o.synTimeout = ((1L << Math.min(20, value(a) + 1)) - 1) * SECONDS;
            case "TCP_LINGER2" -> {
                if (value(a) <= 0) {
                    throw a.unsupported("TCP_LINGER2 " + a.at(3));
                }
                o.finWait2 = value(a) * SECONDS;
            }
            case "TCP_INQ" -> o.tellsQueue = value(a) != 0;
            // The two lowest bits are for congestion, which are the stack's (RFC 3168 §5).
            case "IP_TOS", "IPV6_TCLASS" -> o.trafficClass = (int) value(a) & 0xfc;
            case "IP_TTL", "IPV6_UNICAST_HOPS" -> o.ttl = value(a) < 0 ? SocketOptions.DEFAULT_TTL : (int) value(a);
            // Where packets may go, or how data came here: what would be told about it is unsupported when a script
            // asks.
            case "IP_MTU_DISCOVER",
                    "IPV6_MTU_DISCOVER",
                    "IP_FREEBIND",
                    "IP_TRANSPARENT",
                    "SO_ZEROCOPY",
                    "SO_DEBUG",
                    "SO_MARK",
                    "SO_PRIORITY" -> {}
            case "IP_BIND_ADDRESS_NO_PORT" -> {} // a bind of ours takes no port that it is not told
            case "IP_LOCAL_PORT_RANGE" -> {
                int low = (int) value(a) & 0xffff;
                if (value(a) >>> 16 != low) {
                    throw a.unsupported("a range of ports");
                }
                o.onlyPort = low;
            }
            case "SO_LINGER" -> o.linger = linger(a);
            case "TCP_CONGESTION" -> {
                String wanted = stack.settings.congestion == TcpProfile.Congestion.CUBIC ? "cubic" : "reno";
                if (!a.at(3).toString().contains(wanted)) {
                    throw a.unsupported("congestion control " + a.at(3));
                }
            }
            default -> throw a.unsupported("setsockopt(" + name + ")");
        }
        Connection connection = socket.connection;
        if (connection != null && !connection.over) {
            connection.ttl = o.ttl;
            connection.trafficClass = o.trafficClass;
            connection.adopt(profile(o, a));
            stack.settle();
        } else {
            profile(o, a);
        }
        return Outcome.of(0);
    }

    private TcpProfile profile(SocketOptions options, Arguments a) throws ScriptException {
        try {
            return stack.settings.profile(options);
        } catch (IllegalArgumentException e) {
            throw a.unsupported(e.getMessage() + ", which");
        }
    }

    private static long value(Arguments a) throws ScriptException {
        return a.integer(3);
    }

    private int linger(Arguments a) throws ScriptException {
        if (a.at(3) instanceof Expression.Struct(Map<String, Expression> fields)
                && fields.get("onoff") != null
                && fields.get("linger") != null) {
            Long on = fields.get("onoff").value(constants);
            Long seconds = fields.get("linger").value(constants);
            if (on != null && seconds != null) {
                return on == 0 ? -1 : seconds.intValue();
            }
        }
        if (a.at(3) instanceof Expression.Array(List<Expression> elements) && elements.size() == 2) {
            Long on = elements.get(0).value(constants);
            Long seconds = elements.get(1).value(constants);
            if (on != null && seconds != null) {
                return on == 0 ? -1 : seconds.intValue();
            }
        }
        throw a.unsupported("SO_LINGER " + a.at(3));
    }
}
