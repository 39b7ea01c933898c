package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A published TCP port: connections to a port of the host become connections to a guest. Confined to the loop. */
public final class TcpForward implements StreamListener.Acceptor, AutoCloseable {
    private final TcpInbound inbound;
    private final Supplier<? extends @Nullable Guest> guest;
    private final int guestPort;
    private @Nullable StreamListener listener;

    TcpForward(TcpInbound inbound, Supplier<? extends @Nullable Guest> guest, int guestPort) {
        this.inbound = inbound;
        this.guest = guest;
        this.guestPort = guestPort;
    }

    void listening(StreamListener listener) {
        this.listener = listener;
    }

    /** The host's port, also if the system chose it. */
    public int port() {
        return listener == null ? 0 : listener.port();
    }

    @Override
    public StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort) {
        return inbound.accept(socket, guest.get(), guestPort, peer, peerPort);
    }

    /** Stops listening; connections under way go on. */
    @Override
    public void close() {
        if (listener != null) {
            listener.close();
        }
    }
}
