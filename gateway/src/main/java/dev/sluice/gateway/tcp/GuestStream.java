package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import org.jspecify.annotations.Nullable;

/** A guest's connection, as what serves it sees it: told of events as any owner of a socket is. Confined to the loop. */
public interface GuestStream extends StreamSocket.Events {
    Guest guest();

    int guestPort();

    /** Where the guest thinks that it leads. */
    IpAddress remote();

    int remotePort();

    /** Whether the guest has acknowledged everything there was for it, up to the end. */
    boolean hasAll();

    /**
     * Says where it leads, for people.
     *
     * @param name under which the guest asked for that
     * @param host whom our socket talks to; null for nobody
     */
    void leadsTo(String name, @Nullable IpAddress host, int hostPort);

    /**
     * Resets it.
     *
     * @param reason for those who look at events
     */
    void abort(String reason);
}
