package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A published TCP port: connections to a place on the host become connections to a guest. Confined to the loop. */
public final class TcpForward implements StreamListener.Acceptor, AutoCloseable {
    private final TcpInbound inbound;
    private final Supplier<? extends @Nullable Guest> guest;
    final int guestPort;
    /** Whether a PROXY header goes before the client's data. */
    final boolean proxy;

    /** Leads elsewhere than to a guest; null for a guest. */
    final @Nullable Connector connector;

    /** Makes the connections of a forward. */
    public interface Connector {
        /** As {@link dev.sluice.host.StreamHost#connect}. */
        StreamSocket connect(StreamSocket.Events events);
    }

    private @Nullable StreamListener listener;
    private long clients;

    TcpForward(
            TcpInbound inbound,
            Supplier<? extends @Nullable Guest> guest,
            int guestPort,
            boolean proxy,
            @Nullable Connector connector) {
        this.inbound = inbound;
        this.guest = guest;
        this.guestPort = guestPort;
        this.proxy = proxy;
        this.connector = connector;
    }

    /**
     * Begins to listen.
     *
     * @param address of the host; null for every one of both families
     * @param port 0 to let the system choose
     * @throws IOException saying why the port is not to be had
     */
    public void listen(@Nullable IpAddress address, int port) throws IOException {
        listener = inbound.flows.host.listen(address, port, this);
    }

    /** Begins to listen on a socket in the file system. */
    public void listen(String path) throws IOException {
        listener = inbound.flows.host.listen(path, this);
    }

    /** The host's port, also if the system chose it; 0 for a socket in the file system. */
    public int port() {
        return listener == null ? 0 : listener.port();
    }

    /** Clients that came so far. */
    public long clients() {
        return clients;
    }

    @Override
    public StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort) {
        clients++;
        return inbound.accept(new Client(this, socket, guest.get(), peer, peerPort));
    }

    /** Stops listening; connections under way go on. */
    @Override
    public void close() {
        if (listener != null) {
            listener.close();
        }
    }

    /** Resets the connections that came through it. */
    public void cut() {
        inbound.cut(this);
    }

    /**
     * Somebody who has come.
     *
     * @param guest whom it leads to; null if there is none now
     * @param peer the client's address
     */
    record Client(
            TcpForward forward,
            StreamSocket socket,
            @Nullable Guest guest,
            IpAddress peer,
            int peerPort) {}
}
