package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Script.Dialect;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/** What poll() asks, and whether the answer is the expected one. */
final class Poll {
    private record Entry(
            long descriptor, long events, @Nullable Long expected) {}

    private final List<Entry> entries = new ArrayList<>();
    private final Map<String, Long> constants;
    private String difference = "";

    Poll(Arguments a, Map<String, Long> constants) throws ScriptException {
        this.constants = constants;
        if (!(a.at(0) instanceof Expression.Array(List<Expression> elements))) {
            throw a.unsupported("poll(" + a.at(0) + ")");
        }
        for (Expression element : elements) {
            Map<String, Expression> fields =
                    element instanceof Expression.Struct(Map<String, Expression> of) ? of : new HashMap<>();
            Long descriptor = value(fields.get("fd"));
            Long events = value(fields.get("events"));
            if (descriptor == null || events == null) {
                throw a.unsupported("poll(" + a.at(0) + ")");
            }
            entries.add(new Entry(descriptor, events, value(fields.get("revents"))));
        }
    }

    private @Nullable Long value(@Nullable Expression expression) {
        return expression == null ? null : expression.value(constants);
    }

    /** How many descriptors have something to tell. */
    int ready(Map<Long, Socket> sockets, Dialect dialect) {
        int ready = 0;
        difference = "";
        for (Entry entry : entries) {
            Socket socket = sockets.get(entry.descriptor());
            long always = bit("POLLERR") | bit("POLLHUP") | bit("POLLNVAL");
            long seen =
                    (socket == null ? bit("POLLNVAL") : state(socket, dialect, constants)) & (entry.events() | always);
            ready += seen != 0 ? 1 : 0;
            Long expected = entry.expected();
            if (expected != null && expected != seen) {
                difference = "descriptor " + entry.descriptor() + " has the events " + names(seen, constants, "POLL")
                        + " instead of " + names(expected, constants, "POLL");
            }
        }
        return ready;
    }

    /** The events of {@code socket}; those of epoll have the same numbers. */
    static long state(Socket socket, Dialect dialect, Map<String, Long> constants) {
        ToLongFunction<String> bits = name -> constants.getOrDefault(name, 0L);
        long in = bits.applyAsLong("POLLIN") | bits.applyAsLong("POLLRDNORM");
        long out = bits.applyAsLong("POLLOUT") | bits.applyAsLong("POLLWRNORM");
        long hangUp = bits.applyAsLong("POLLHUP");
        if (socket.listener != null) {
            return socket.listener.ready.isEmpty() ? 0 : in;
        }
        Connection c = socket.connection;
        if (c == null) {
            return dialect != Dialect.FREEBSD ? out | hangUp : hangUp;
        }
        long state = 0;
        boolean ended = c.remoteClosed || c.over || socket.inputShut;
        if (c.readable() > 0 || ended) {
            state |= in;
        }
        if (ended) {
            state |= bits.applyAsLong("POLLRDHUP");
        }
        if (c.over || (c.established && (socket.outputShut || c.writable(socket.options.sendBuffer) > 0))) {
            state |= out;
        }
        if (!c.error.isEmpty()) {
            state |= bits.applyAsLong("POLLERR");
        }
        if (c.over || (c.remoteClosed && socket.outputShut)) {
            state |= hangUp;
        }
        return state;
    }

    private long bit(String name) {
        return constants.getOrDefault(name, 0L);
    }

    /** The names in {@code bits} that begin with {@code prefix}. */
    static String names(long bits, Map<String, Long> constants, String prefix) {
        List<String> names = constants.keySet().stream()
                .filter(n -> n.startsWith(prefix) && (bits & constants.getOrDefault(n, 0L)) != 0)
                .sorted()
                .toList();
        return names.isEmpty() ? "0" : String.join("|", names);
    }

    String difference() {
        return difference;
    }
}
