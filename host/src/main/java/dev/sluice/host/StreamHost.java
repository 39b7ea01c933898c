package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import java.io.IOException;

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

    /**
     * Listens on a TCP address.
     *
     * @param port 0 to let the system choose
     * @throws IOException saying what is wrong: in use, not permitted, no such address
     */
    StreamListener listen(IpAddress address, int port, StreamListener.Acceptor acceptor) throws IOException;
}
