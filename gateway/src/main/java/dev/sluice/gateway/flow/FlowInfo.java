package dev.sluice.gateway.flow;

import dev.sluice.wire.IpAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One flow as people see it; the names here are the names of the control API.
 *
 * @param id of no other flow of this process
 * @param guestPort of a ping its identifier
 * @param remote whom the guest talks to, under the address it knows; of a flow with many destinations the last one, null before the first
 * @param peers destinations remembered, which is 1 for TCP
 * @param host whom our socket talks to; differs from {@code remote} where the address was translated
 * @param localPort of our socket; 0 for none, as one of UDP until its first datagram has left
 * @param state of TCP towards the guest, in the words of RFC 9293; of others {@code open}, or {@code closed} without a socket
 * @param bytesToHost payload
 * @param bytesPerSecondToHost since it was last asked for, at least a second ago; at first since it began
 * @param names under which guests have looked {@code host} up, the latest first
 */
public record FlowInfo(
        long id,
        FlowPolicy.Protocol protocol,
        Direction direction,
        IpAddress guest,
        int guestPort,
        @Nullable IpAddress remote,
        int remotePort,
        int peers,
        @Nullable IpAddress host,
        int hostPort,
        int localPort,
        String state,
        long bytesToHost,
        long bytesToGuest,
        long bytesPerSecondToHost,
        long bytesPerSecondToGuest,
        long ageMillis,
        List<String> names) {

    /** Who began it, and which way it goes. */
    public enum Direction {
        /** The guest. */
        OUT,
        /** A client of a published port. */
        IN,
        /** A client of a published port, joined to the guest's service without frames. */
        SHORTCUT
    }

    public FlowInfo {
        names = List.copyOf(names);
    }

    /** The same with these names. */
    public FlowInfo withNames(List<String> names) {
        return new FlowInfo(
                id,
                protocol,
                direction,
                guest,
                guestPort,
                remote,
                remotePort,
                peers,
                host,
                hostPort,
                localPort,
                state,
                bytesToHost,
                bytesToGuest,
                bytesPerSecondToHost,
                bytesPerSecondToGuest,
                ageMillis,
                names);
    }
}
