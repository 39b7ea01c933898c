package dev.sluice.testkit.packetdrill;

import dev.sluice.testkit.packetdrill.Calls.Try;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Linux's epoll: descriptors that watch others. What is ready is what {@link Poll} says; an edge is when something has come since the
 * last report, or room has come after a write found none.
 */
final class Epolls {
    private static final long NANOS_PER_MILLI = 1_000_000;

    /** What has happened to a socket so far: as long as it is equal, nothing new has come. */
    private record Signal(long received, boolean ended, String error, long waiting) {
        static final Signal NONE = new Signal(-1, false, "", -1);
    }

    private static final class Entry {
        long events;

        @Nullable
        Expression data;

        boolean armed;
        long lastReady;
        Signal last = Signal.NONE;

        void set(long events, @Nullable Expression data) {
            this.events = events;
            this.data = data;
            armed = true;
            lastReady = 0;
            last = Signal.NONE;
        }
    }

    private final Stack stack;
    private final Map<String, Long> constants;
    private final Map<Long, Socket> sockets;
    private final Map<Long, Map<Long, Entry>> all = new HashMap<>();

    Epolls(Stack stack, Map<String, Long> constants, Map<Long, Socket> sockets) {
        this.stack = stack;
        this.constants = constants;
        this.sockets = sockets;
    }

    boolean isOpen(long descriptor) {
        return all.containsKey(descriptor);
    }

    /** A descriptor is closed: one of ours, or one that is watched. */
    boolean close(long descriptor) {
        all.values().forEach(watched -> watched.remove(descriptor));
        return all.remove(descriptor) != null;
    }

    Try create(Arguments a) {
        return () -> {
            Long descriptor = a.call().result().value(constants);
            if (descriptor == null || descriptor < 0) {
                throw a.unsupported("epoll_create() with the result " + a.call().result());
            }
            if (sockets.containsKey(descriptor) || all.putIfAbsent(descriptor, new LinkedHashMap<>()) != null) {
                throw ScriptException.badScript(a.line(), "the descriptor " + descriptor + " is already open");
            }
            return Outcome.of(descriptor);
        };
    }

    Try control(Arguments a) {
        return () -> {
            Map<Long, Entry> watched = all.get(a.integer(0));
            long descriptor = a.integer(2);
            if (watched == null || !sockets.containsKey(descriptor)) {
                return Outcome.error("EBADF");
            }
            Entry known = watched.get(descriptor);
            String operation = a.at(1).toString();
            return switch (operation) {
                case "EPOLL_CTL_ADD" -> known != null ? Outcome.error("EEXIST") : set(watched, descriptor, a);
                case "EPOLL_CTL_MOD" -> known == null ? Outcome.error("ENOENT") : set(watched, descriptor, a);
                case "EPOLL_CTL_DEL" -> watched.remove(descriptor) == null ? Outcome.error("ENOENT") : Outcome.of(0);
                default -> throw a.unsupported("epoll_ctl(" + operation + ")");
            };
        };
    }

    private Outcome set(Map<Long, Entry> watched, long descriptor, Arguments a) throws ScriptException {
        Map<String, Expression> fields = fields(a, a.at(3));
        long events = events(a, fields);
        watched.computeIfAbsent(descriptor, _ -> new Entry()).set(events, data(fields));
        return Outcome.of(0);
    }

    private static Map<String, Expression> fields(Arguments a, Expression expression) throws ScriptException {
        if (expression instanceof Expression.Struct(Map<String, Expression> fields)) {
            return fields;
        }
        throw a.unsupported("the event " + expression);
    }

    private long events(Arguments a, Map<String, Expression> fields) throws ScriptException {
        Expression events = fields.get("events");
        Long value = events == null ? null : events.value(constants);
        if (value == null) {
            throw a.unsupported("the events " + events);
        }
        return value;
    }

    private static @Nullable Expression data(Map<String, Expression> fields) {
        for (String name : List.of("fd", "ptr", "u32", "u64")) {
            if (fields.containsKey(name)) {
                return fields.get(name);
            }
        }
        return null;
    }

    Try await(Arguments a) throws ScriptException {
        long most = a.integer(2);
        long timeout = a.integer(3);
        Expression expected = a.at(1);
        List<Expression> structs =
                expected instanceof Expression.Array(List<Expression> elements) ? elements : List.of(expected);
        return () -> {
            Map<Long, Entry> watched = all.get(a.integer(0));
            if (watched == null) {
                return Outcome.error("EBADF");
            }
            if (most <= 0) {
                return Outcome.error("EINVAL");
            }
            long ends = timeout < 0 ? Long.MAX_VALUE : a.beganAt(stack.now()) + timeout * NANOS_PER_MILLI;
            int ready = 0;
            String difference = "";
            for (Map.Entry<Long, Entry> each : watched.entrySet()) {
                Socket socket = sockets.get(each.getKey());
                long seen = ready < most && socket != null ? report(each.getValue(), socket) : 0;
                if (seen != 0) {
                    Expression wanted = ready < structs.size() ? structs.get(ready) : Expression.ANY;
                    ready++;
                    difference = difference.isEmpty() ? difference(a, wanted, each.getValue(), seen) : difference;
                }
            }
            if (ready == 0 && stack.now() < ends) {
                stack.wakeAt(ends);
                return null;
            }
            return Outcome.wrote(ready, difference);
        };
    }

    private String difference(Arguments a, Expression wanted, Entry entry, long seen) throws ScriptException {
        if (wanted.isAny()) {
            return "";
        }
        Map<String, Expression> fields = fields(a, wanted);
        long events = events(a, fields);
        if (events != seen) {
            return "it told the events " + Poll.names(seen, constants, "EPOLL") + " instead of "
                    + Poll.names(events, constants, "EPOLL");
        }
        Expression data = data(fields);
        boolean same = data == null || data.isAny() || data.equals(entry.data);
        return same ? "" : "it told the data " + entry.data + " instead of " + data;
    }

    private long bit(String name) {
        return constants.getOrDefault(name, 0L);
    }

    /** The events of {@code socket} to be told now, or 0. */
    private long report(Entry entry, Socket socket) {
        long always = bit("EPOLLERR") | bit("EPOLLHUP");
        long ready = Poll.state(socket, stack.settings.dialect, constants) & (entry.events | always);
        Connection c = socket.connection;
        Signal signal = new Signal(
                c == null ? 0 : c.received(),
                c != null && (c.remoteClosed || c.over || socket.inputShut),
                c == null ? "" : c.error,
                socket.listener == null ? 0 : socket.listener.arrived());
        boolean roomCame = c != null && c.fullSeen && (ready & bit("EPOLLOUT")) != 0;
        boolean edge = !signal.equals(entry.last) || (ready & ~entry.lastReady) != 0 || roomCame;
        entry.lastReady = ready;
        if (ready == 0 || !entry.armed || ((entry.events & bit("EPOLLET")) != 0 && !edge)) {
            return 0;
        }
        entry.last = signal;
        if (c != null && roomCame) {
            c.fullSeen = false;
        }
        entry.armed = (entry.events & bit("EPOLLONESHOT")) == 0;
        return ready;
    }
}
