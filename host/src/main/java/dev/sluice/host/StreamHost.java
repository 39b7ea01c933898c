package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Streams of the host: outgoing connections and listeners; on the loop's thread. */
public interface StreamHost {
    /** Leave the system's TTL. */
    int DEFAULT_TTL = 0;

    /**
     * Starts connecting to a TCP address. Returns at once; {@code events} tells the outcome, never before this call has returned.
     *
     * @param timeToLive IP TTL of what is sent, or {@link #DEFAULT_TTL}
     */
    StreamSocket connect(IpAddress address, int port, int timeToLive, StreamSocket.Events events);

    /** As {@link #connect(IpAddress, int, int, StreamSocket.Events)}, to a socket in the file system. */
    StreamSocket connect(String path, StreamSocket.Events events);

    /** As {@link #connect(IpAddress, int, int, StreamSocket.Events)}, to a port of a virtual machine, or of the host it runs on. */
    StreamSocket connect(VsockAddress address, StreamSocket.Events events);

    /**
     * Listens on a TCP address.
     *
     * @param address null for every address of both families
     * @param port 0 to let the system choose
     * @throws ListenException saying what is wrong: in use, not permitted, no such address
     */
    StreamListener listen(@Nullable IpAddress address, int port, StreamListener.Acceptor acceptor) throws IOException;

    /**
     * Has a socket ready, bound and listening, for the next listener whose port this user may not bind.
     *
     * @param fd -1 for none any more; one that was not used is closed
     */
    default void grant(int fd) {}

    /** Connections so far that were reset before the other side had all that was written to them. */
    default long resetsWithLoss() {
        return 0;
    }

    /**
     * Listens on a socket in the file system, which closing removes. Clients are shown as 127.0.0.1 with port 0.
     *
     * @param path where nothing is, or a socket on which nobody listens any more
     * @throws ListenException saying what is wrong
     */
    StreamListener listen(String path, StreamListener.Acceptor acceptor) throws IOException;

    /**
     * Listens for virtual machines, or for the host from within one. Clients are shown as 127.0.0.1 with port 0.
     *
     * @throws ListenException saying what is wrong
     */
    StreamListener listen(VsockAddress address, StreamListener.Acceptor acceptor) throws IOException;
}
