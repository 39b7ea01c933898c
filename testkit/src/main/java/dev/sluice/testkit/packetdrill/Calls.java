package dev.sluice.testkit.packetdrill;

import dev.sluice.stack.tcp.Tcb;
import dev.sluice.stack.tcp.TcpState;
import dev.sluice.testkit.packetdrill.Script.Dialect;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * System calls on the stack. A call is made once and tried as often as it takes: a try that would block gives null and changes
 * nothing but what the call has already done.
 */
final class Calls {
    /** One call under way. */
    interface Try {
        /** The outcome, or null if it has to wait. */
        @Nullable
        Outcome go() throws ScriptException;
    }

    /** Hears which connection the packets of the script belong to from now on. */
    interface FlowListener {
        void onBind(int localPort);

        void onListen(int localPort);

        void onConnect(Connection connection);
    }

    static final int PORT = 8080;
    private static final long UNKNOWN_FLAG = -1;
    private static final long NANOS_PER_MILLI = 1_000_000;

    private final Stack stack;
    private final Constants constants;
    private final FlowListener flows;
    private final OptionCalls optionCalls;
    private final DataCalls data;
    private final Epolls epolls;
    private final Map<Long, Socket> sockets = new HashMap<>();

    Calls(Stack stack, FlowListener flows) {
        this.stack = stack;
        this.flows = flows;
        this.constants = new Constants(stack.settings.dialect);
        this.optionCalls = new OptionCalls(stack, constants.all());
        this.data = new DataCalls(stack, constants.all(), this::of);
        this.epolls = new Epolls(stack, constants.all(), sockets);
    }

    /** The newest connection of a descriptor, for code that asks about it. */
    @Nullable
    Connection anyConnection() {
        return sockets.values().stream()
                .map(s -> s.connection)
                .filter(java.util.Objects::nonNull)
                .findFirst()
                .orElse(null);
    }

    /** Open descriptors whose connection is over; for tools that list sockets. */
    int closedSockets() {
        return (int) sockets.values().stream()
                .filter(s -> s.connection != null && s.connection.over && s.connection.state() == TcpState.CLOSED)
                .count();
    }

    /** Prepares {@code call}; nothing happens before the first try. */
    Try start(Action.Call call, int line) throws ScriptException {
        Arguments a = new Arguments(call, line, constants.all());
        return switch (call.name()) {
            case "socket" -> socket(a);
            case "bind" -> bind(a);
            case "listen" -> listen(a);
            case "accept", "accept4" -> accept(a);
            case "connect" -> connect(a);
            case "read", "recv", "recvfrom" -> data.receive(a);
            case "readv", "recvmsg" -> data.receiveVector(a);
            case "write", "send", "sendto" -> data.send(a);
            case "writev", "sendmsg" -> data.sendVector(a);
            case "close" -> close(a);
            case "shutdown" -> shutdown(a);
            case "fcntl" -> fcntl(a);
            case "ioctl" -> ioctl(a);
            case "poll" -> poll(a);
            case "epoll_create", "epoll_create1" -> epolls.create(a);
            case "epoll_ctl" -> epolls.control(a);
            case "epoll_wait", "epoll_pwait" -> epolls.await(a);
            case "getsockopt" -> option(a, true);
            case "setsockopt" -> option(a, false);
            default -> throw a.unsupported("the system call " + call.name() + "()");
        };
    }

    private Socket of(Arguments a) throws ScriptException {
        Socket socket = sockets.get(a.integer(0));
        if (socket == null) {
            throw new NoSuchSocket(a);
        }
        return socket;
    }

    /** A call on a descriptor that is not open: scripts may expect it. */
    private static final class NoSuchSocket extends RuntimeException {
        private static final long serialVersionUID = 1;

        NoSuchSocket(Arguments a) {
            super(a.name() + " on a descriptor that is not open", null, false, false);
        }
    }

    /** Runs {@code call}, which may be on no open descriptor. */
    static @Nullable Outcome go(Try call) throws ScriptException {
        try {
            return call.go();
        } catch (NoSuchSocket e) {
            return Outcome.error("EBADF");
        }
    }

    private void open(Arguments a, long descriptor, Socket socket) throws ScriptException {
        if (epolls.isOpen(descriptor) || sockets.putIfAbsent(descriptor, socket) != null) {
            throw ScriptException.badScript(a.line(), "the descriptor " + descriptor + " is already open");
        }
    }

    // ---- Opening

    private Try socket(Arguments a) throws ScriptException {
        String type =
                a.call().arguments().size() > 1 ? a.call().arguments().get(1).toString() : "";
        String domain = a.call().arguments().getFirst().toString();
        String protocol = a.call().arguments().getLast().toString();
        boolean tcp = type.startsWith("SOCK_STREAM") && (protocol.equals("IPPROTO_TCP") || protocol.equals("0"));
        boolean domainKnown = domain.equals("...") || domain.equals("AF_INET") || domain.equals("AF_INET6");
        if (!tcp || !domainKnown) {
            throw a.unsupported("socket(" + domain + ", " + type + ", " + protocol + ")");
        }
        return () -> {
            Socket socket = new Socket(new SocketOptions(stack.settings));
            socket.nonBlocking = type.contains("SOCK_NONBLOCK");
            return opened(a, socket);
        };
    }

    /** Descriptors are those of the script, as its author saw other numbers than we would give. */
    private Outcome opened(Arguments a, Socket socket) throws ScriptException {
        Long descriptor = a.call().result().value(constants.all());
        if (descriptor == null || descriptor < 0) {
            return Outcome.of(1_000_000);
        }
        open(a, descriptor, socket);
        return Outcome.of(descriptor);
    }

    private Try bind(Arguments a) {
        return () -> {
            Socket socket = of(a);
            int port = a.port(1);
            if (socket.port != 0) {
                return Outcome.error("EINVAL");
            }
            socket.port = port == 0 ? stack.freePort() : port < 0 ? PORT : port;
            flows.onBind(socket.port);
            return Outcome.of(0);
        };
    }

    private Try listen(Arguments a) {
        return () -> {
            Socket socket = of(a);
            if (socket.connection != null) {
                return Outcome.error("EINVAL");
            }
            if (socket.listener != null) {
                return Outcome.of(0);
            }
            if (socket.port == 0) {
                socket.port = stack.freePort();
            }
            socket.listener = stack.listen(socket.port, socket.options, (int) a.integer(1));
            if (socket.listener == null) {
                return Outcome.error("EADDRINUSE");
            }
            flows.onListen(socket.port);
            return Outcome.of(0);
        };
    }

    private Try accept(Arguments a) {
        return () -> {
            Socket socket = of(a);
            if (socket.listener == null) {
                return Outcome.error("EINVAL");
            }
            Connection connection = socket.listener.ready.poll();
            if (connection == null) {
                return socket.nonBlocking ? Outcome.error("EAGAIN") : null;
            }
            connection.listener = null;
            Socket accepted = new Socket(new SocketOptions(socket.options));
            accepted.connection = connection;
            accepted.connectReported = true;
            accepted.port = connection.localPort;
            // FreeBSD hands the flag on; Linux does not.
            accepted.nonBlocking = (socket.nonBlocking && stack.settings.dialect == Dialect.FREEBSD)
                    || (a.size() > 3 && a.at(3).toString().contains("SOCK_NONBLOCK"));
            return opened(a, accepted);
        };
    }

    private int localPort(Socket socket) {
        if (socket.port != 0) {
            return socket.port;
        }
        return socket.options.onlyPort != 0 ? socket.options.onlyPort : stack.freePort();
    }

    private Try connect(Arguments a) {
        return () -> {
            Socket socket = of(a);
            Connection connection = socket.connection;
            if (socket.listener != null) {
                return Outcome.error(stack.settings.dialect != Dialect.FREEBSD ? "EISCONN" : "EOPNOTSUPP");
            }
            if (connection == null) {
                int port = a.port(1);
                int remotePort = port <= 0 ? PORT : port;
                int localPort = localPort(socket);
                if (stack.isResting(localPort, remotePort)) {
                    if (stack.mayReopen(localPort, remotePort)) {
                        throw a.unsupported("connect() from a port in TIME-WAIT");
                    }
                    return Outcome.error(stack.settings.dialect != Dialect.FREEBSD ? "EADDRNOTAVAIL" : "EADDRINUSE");
                }
                socket.port = localPort;
                connection = stack.connect(socket.options, localPort, remotePort);
                socket.connection = connection;
                flows.onConnect(connection);
                a.begun = true;
                return socket.nonBlocking ? Outcome.error("EINPROGRESS") : null;
            }
            String error = connection.takeError();
            if (!error.isEmpty()) {
                return Outcome.error(error);
            }
            if (!connection.established) {
                return a.begun ? null : Outcome.error("EALREADY");
            }
            if (!a.begun && (socket.connectReported || stack.settings.dialect == Dialect.FREEBSD)) {
                return Outcome.error("EISCONN");
            }
            socket.connectReported = true;
            return Outcome.of(0);
        };
    }

    // ---- Closing

    private Try close(Arguments a) {
        return () -> {
            if (epolls.close(a.integer(0))) {
                return Outcome.of(0);
            }
            Socket socket = of(a);
            sockets.remove(a.integer(0));
            if (socket.listener != null) {
                stack.unlisten(socket.listener);
            }
            Connection connection = socket.connection;
            if (connection != null && !connection.over) {
                if (socket.options.linger == 0) {
                    stack.abort(connection);
                } else {
                    TcpState before = connection.tcb.state();
                    connection.handle(connection.tcb.close(stack.now()), before);
                }
                stack.settle();
            }
            return Outcome.of(0);
        };
    }

    private Try shutdown(Arguments a) throws ScriptException {
        String how = a.call().arguments().get(1).toString();
        if (!how.matches("SHUT_(RD|WR|RDWR)|[012]")) {
            throw a.unsupported("shutdown(" + how + ")");
        }
        return () -> {
            Socket socket = of(a);
            Connection connection = socket.connection;
            if (connection == null || connection.over || !connection.tcb.state().isSynchronized()) {
                if (connection != null && !connection.over && stack.settings.dialect != Dialect.FREEBSD) {
                    throw a.unsupported("shutdown() before the connection is established");
                }
                return Outcome.error("ENOTCONN");
            }
            if (!how.equals("SHUT_WR") && !how.equals("1")) {
                socket.inputShut = true;
            }
            if (!how.equals("SHUT_RD") && !how.equals("0")) {
                data.shutOutput(socket, connection);
            }
            return Outcome.of(0);
        };
    }

    // ---- Descriptors

    private Try fcntl(Arguments a) throws ScriptException {
        String command = a.call().arguments().get(1).toString();
        long nonBlock = constants.all().getOrDefault("O_NONBLOCK", 0L);
        Long value = a.size() > 2 ? a.call().arguments().get(2).value(constants.all()) : Long.valueOf(UNKNOWN_FLAG);
        boolean get = command.equals("F_GETFL");
        if (!get && (!command.equals("F_SETFL") || value == null || (value & ~(nonBlock | Constants.O_RDWR)) != 0)) {
            throw a.unsupported("fcntl(" + command + ", " + a.call().arguments().getLast() + ")");
        }
        return () -> {
            Socket socket = of(a);
            if (get) {
                return Outcome.of(Constants.O_RDWR | (socket.nonBlocking ? nonBlock : 0));
            }
            socket.nonBlocking = value != null && (value & nonBlock) != 0;
            return Outcome.of(0);
        };
    }

    private Try ioctl(Arguments a) throws ScriptException {
        String request = a.call().arguments().get(1).toString();
        if (!List.of("SIOCINQ", "FIONREAD", "SIOCOUTQ", "FIONBIO").contains(request)) {
            throw a.unsupported("ioctl(" + request + ")");
        }
        return () -> {
            Socket socket = of(a);
            Connection connection = socket.connection;
            if (request.equals("FIONBIO")) {
                socket.nonBlocking = a.integer(2) != 0;
                return Outcome.of(0);
            }
            if (connection == null) {
                return Outcome.error("EINVAL");
            }
            Tcb tcb = connection.tcb;
            long value = request.equals("SIOCOUTQ") ? tcb.sendRing().size() : connection.readable();
            return Outcome.wrote(0, a.compare(2, value));
        };
    }

    private Try poll(Arguments a) throws ScriptException {
        long timeout = a.integer(2);
        Poll poll = new Poll(a, constants.all());
        return () -> {
            long begun = a.beganAt(stack.now());
            int ready = poll.ready(sockets, stack.settings.dialect);
            long ends = timeout < 0 ? Long.MAX_VALUE : begun + timeout * NANOS_PER_MILLI;
            if (ready == 0 && stack.now() < ends) {
                stack.wakeAt(ends);
                return null;
            }
            return Outcome.wrote(ready, poll.difference());
        };
    }

    private Try option(Arguments a, boolean get) {
        return () -> get ? optionCalls.get(of(a), a) : optionCalls.set(of(a), a);
    }
}
