package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Calls.Try;
import dev.sluice.testkit.packetdrill.Script.Dialect;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The system calls that move data. */
final class DataCalls {
    /** Finds the socket that a call is about. */
    interface Lookup {
        Socket of(Arguments a) throws ScriptException;
    }

    private final Stack stack;
    private final Map<String, Long> constants;
    private final Lookup sockets;

    DataCalls(Stack stack, Map<String, Long> constants, Lookup sockets) {
        this.stack = stack;
        this.constants = constants;
        this.sockets = sockets;
    }

    Try receive(Arguments a) throws ScriptException {
        return receive(a, a.integer(2), a.size() > 3 ? flags(a, 3) : 0);
    }

    Try send(Arguments a) throws ScriptException {
        return send(a, a.integer(2), a.size() > 3 ? flags(a, 3) : 0);
    }

    private long flags(Arguments a, int index) throws ScriptException {
        Long value = a.call().arguments().get(index).value(constants);
        long known = Constants.MSG_PEEK
                | Constants.MSG_DONTWAIT
                | Constants.MSG_TRUNC
                | Constants.MSG_WAITALL
                | Constants.MSG_NOSIGNAL
                | Constants.MSG_MORE
                | Constants.MSG_ZEROCOPY
                | Constants.MSG_EOF;
        if (value == null || (value & ~known) != 0) {
            throw a.unsupported("the flags " + a.call().arguments().get(index) + " of " + a.name() + "()");
        }
        return value;
    }

    private Try receive(Arguments a, long count, long flags) {
        return () -> {
            Socket socket = sockets.of(a);
            Connection connection = socket.connection;
            if (count < 0) {
                return Outcome.error("EINVAL");
            }
            if (connection == null) {
                return Outcome.error("ENOTCONN");
            }
            int readable = connection.readable();
            boolean all = (flags & Constants.MSG_WAITALL) != 0 && readable < count;
            boolean ended = connection.remoteClosed || connection.over || socket.inputShut;
            if (socket.inputShut && stack.settings.dialect == Dialect.FREEBSD) {
                connection.read(readable); // which FreeBSD throws away when it comes
                return Outcome.of(0);
            }
            if (readable > 0 && (!all || ended)) {
                if (isNull(a) && count > 0) {
                    return Outcome.error("EFAULT");
                }
                int n = (int) Math.min(count, readable);
                return Outcome.of((flags & Constants.MSG_PEEK) != 0 ? n : connection.read(n));
            }
            String error = connection.takeError();
            if (!error.isEmpty()) {
                return error.equals("EPIPE") ? Outcome.of(0) : Outcome.error(error);
            }
            if (ended) {
                return Outcome.of(0);
            }
            boolean waits = !socket.nonBlocking && (flags & Constants.MSG_DONTWAIT) == 0;
            return waits ? null : Outcome.error("EAGAIN");
        };
    }

    Try receiveVector(Arguments a) throws ScriptException {
        boolean message = a.name().equals("recvmsg");
        Try receive = receive(a, a.vectorLength(message), message && a.size() > 2 ? flags(a, 2) : 0);
        Long queue = message ? queueAsked(a) : null;
        if (queue == null) {
            return receive;
        }
        return () -> {
            Outcome outcome = receive.go();
            Socket socket = sockets.of(a);
            if (outcome == null || !outcome.errno().isEmpty() || !socket.options.tellsQueue) {
                return outcome;
            }
            Connection connection = socket.connection;
            int left = connection == null ? 0 : connection.readable();
            // The end of the stream counts as a byte, for those who would not read otherwise.
            long told = left > 0 || connection == null || !connection.remoteClosed ? left : 1;
            return told == queue
                    ? outcome
                    : Outcome.wrote(outcome.value(), "it told " + told + " bytes in the queue instead of " + queue);
        };
    }

    /** What {@code TCP_CM_INQ} shall tell; null if the message has no control data. */
    private @Nullable Long queueAsked(Arguments a) throws ScriptException {
        Expression control = a.at(1) instanceof Expression.Struct(Map<String, Expression> message)
                ? message.get("msg_control")
                : null;
        if (control == null) {
            return null;
        }
        if (control instanceof Expression.Array(List<Expression> elements)
                && elements.size() == 1
                && elements.getFirst() instanceof Expression.Struct(Map<String, Expression> fields)
                && String.valueOf(fields.get("cmsg_type")).equals("TCP_CM_INQ")
                && fields.get("cmsg_data") != null) {
            return fields.get("cmsg_data").value(constants);
        }
        throw a.unsupported("the control data " + control);
    }

    /** Whether the buffer of a call is nowhere. */
    private static boolean isNull(Arguments a) throws ScriptException {
        return a.size() > 1 && a.at(1).toString().equals("NULL");
    }

    Try sendVector(Arguments a) throws ScriptException {
        boolean message = a.name().equals("sendmsg");
        return send(a, a.vectorLength(message), message && a.size() > 2 ? flags(a, 2) : 0);
    }

    /** Linux holds twice what was asked for, FreeBSD whole segments. */
    private int sendBuffer(Socket socket) {
        int asked = socket.options.sendBuffer;
        Connection connection = socket.connection;
        if (connection != null && connection.established) {
            asked = stack.settings.connectedBuffer(asked, connection.agreedMss());
        }
        boolean doubled = stack.settings.dialect == Dialect.LINUX && asked != stack.settings.sendSpace;
        return doubled ? (int) Math.min(2L * asked, 4 << 20) : asked;
    }

    private Try send(Arguments a, long count, long flags) {
        return () -> {
            Socket socket = sockets.of(a);
            Connection connection = socket.connection;
            boolean linux = stack.settings.dialect != Dialect.FREEBSD;
            if (count < 0) {
                return Outcome.error("EINVAL");
            }
            if (connection == null) {
                return Outcome.error(linux ? "EPIPE" : "ENOTCONN");
            }
            String error = connection.takeError();
            if (!error.isEmpty()) {
                return Outcome.error(error);
            }
            if (socket.outputShut || connection.over) {
                return Outcome.error("EPIPE");
            }
            boolean waits = !socket.nonBlocking && (flags & Constants.MSG_DONTWAIT) == 0;
            if (!connection.established) {
                if (waits) {
                    return null;
                }
                return Outcome.error(linux ? "EAGAIN" : "ENOTCONN");
            }
            if (isNull(a) && count > 0) {
                return Outcome.error("EFAULT");
            }
            int room = (int) Math.min(count - a.done, connection.writable(sendBuffer(socket)));
            connection.write(room, (flags & Constants.MSG_MORE) != 0);
            a.done += room;
            connection.fullSeen |= a.done < count;
            stack.settle();
            if (a.done < count && waits) {
                return null;
            }
            if (a.done == 0 && count > 0) {
                return Outcome.error("EAGAIN");
            }
            if ((flags & Constants.MSG_EOF) != 0) {
                shutOutput(socket, connection);
            }
            return Outcome.of(a.done);
        };
    }

    void shutOutput(Socket socket, Connection connection) {
        socket.outputShut = true;
        connection.tcb.shutdownOutput(stack.now());
        stack.settle();
    }
}
