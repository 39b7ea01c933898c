package dev.sluice.net;

import dev.sluice.wire.IpAddress;
import java.time.Duration;

/** TCP on a {@link NetStack}, for any thread but the loop's. */
public final class Tcp {
    private final NetStack stack;
    private final TcpEngine engine;

    Tcp(NetStack stack, TcpEngine engine) {
        this.stack = stack;
        this.engine = engine;
    }

    /**
     * Takes connections to a port, over either family.
     *
     * @param port 1–65535, or 0 to let the stack choose
     * @param backlog most connections that are in the handshake or wait to be accepted, at least 1
     * @throws NetException.AddressInUse if the port has a listener
     */
    public TcpListener listen(int port, int backlog) throws NetException {
        if (port < 0 || port > 0xffff || backlog < 1) {
            throw new IllegalArgumentException(
                    "a port is within 0…65535 and a backlog at least 1, not " + port + " and " + backlog);
        }
        return stack.call(() -> engine.listen(port, backlog));
    }

    /**
     * Serves a port: each connection gets a virtual thread that runs {@code handler} and closes the connection after it. All of them end
     * with the server.
     *
     * @param port as for {@link #listen}
     * @param backlog as for {@link #listen}
     * @throws NetException.AddressInUse if the port has a listener
     */
    public TcpServer serve(int port, int backlog, TcpServer.Handler handler) throws NetException {
        return new TcpServer(listen(port, backlog), handler);
    }

    /**
     * Connects, and waits until the peer has answered.
     *
     * @throws NetException.Refused if nothing listens there
     * @throws NetException.Unreachable if there is no way there
     * @throws NetException.TimedOut if there was no answer within {@code timeout}
     * @throws NetException.LimitReached if there are too many connections
     */
    public TcpConnection connect(IpAddress address, int port, Duration timeout) throws NetException {
        if (port < 1 || port > 0xffff) {
            throw new IllegalArgumentException("a port is within 1…65535, not " + port);
        }
        TcpConnection connection = stack.call(() -> engine.connect(address, port));
        connection.awaitEstablished(timeout);
        return connection;
    }

    /** Connections now, handshakes and closing ones included. */
    public int connections() throws NetException {
        return stack.call(engine::size);
    }

    /** Bytes of TCP buffers in use now, of all connections together. */
    public long bufferBytes() throws NetException {
        return stack.call(() -> engine.shard.buffers().inUse());
    }
}
