package dev.sluice.gateway.udp;

import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowTable;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.DatagramSocket;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A UDP port of the host that leads to a port of a guest; made by {@link UdpFlows#forward}, on the loop's thread. */
public final class UdpForward implements DatagramSocket.Events, AutoCloseable {
    private final UdpForwards forwards;
    final UdpService service;
    private final Supplier<? extends @Nullable Guest> guests;
    /** As many as there are sessions, which bound them. */
    private final FlowTable<UdpSession.Client> clients = new FlowTable<>(Integer.MAX_VALUE >> 4);
    /** Set right after construction. */
    @Nullable
    DatagramSocket socket;

    UdpForward(UdpForwards forwards, UdpService service, Supplier<? extends @Nullable Guest> guests) {
        this.forwards = forwards;
        this.service = service;
        this.guests = guests;
    }

    /** The host port it listens on. */
    public int port() {
        return socket == null ? 0 : socket.localPort();
    }

    /** Clients it serves now. */
    public int size() {
        return clients.size();
    }

    DatagramSocket socket() {
        if (socket == null) {
            throw new IllegalStateException("a session outlived its forward");
        }
        return socket;
    }

    Counters counters() {
        return forwards.flows.counters;
    }

    void end(UdpSession session, String reason) {
        forwards.end(session, reason);
    }

    void forget(UdpSession.Client client) {
        clients.remove(client);
    }

    @Override
    public void onDatagram(
            long high, long low, int clientPort, int typeOfService, MemorySegment memory, long at, int length) {
        onDatagrams(high, low, clientPort, typeOfService, memory, at, length, length);
    }

    @Override
    public void onDatagrams(
            long high,
            long low,
            int clientPort,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int size) {
        UdpFlows flows = forwards.flows;
        Guest guest = guests.get();
        if (guest == null) {
            flows.counters.drop(Drop.NO_SERVICE);
            return;
        }
        long now = flows.loop.now();
        UdpSession.Client client = clients.find(high, low, clientPort);
        UdpSession session;
        if (client != null) {
            session = client.session;
            forwards.use(session, now);
        } else {
            session = forwards.start(this, high, low, clientPort, now);
            if (session == null) {
                flows.counters.drop(Drop.UDP_SEND_FAILED);
                return;
            }
            clients.add(session.client, now);
            flows.events.opened(session, now);
        }
        session.client.toHigh = socket().toHigh();
        session.client.toLow = socket().toLow();
        if (flows.output.send(
                guest,
                session.high(),
                session.low(),
                session.seenPort(),
                service.port(),
                typeOfService,
                memory,
                at,
                length,
                size)) {
            session.traffic.bytesToGuest += length;
            flows.counters.udpDatagramsToGuest += UdpOutput.datagrams(length, size);
        }
    }

    @Override
    public void onError(
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            long offenderHigh,
            long offenderLow,
            long high,
            long low,
            int clientPort,
            MemorySegment memory,
            long at,
            int length) {
        UdpSession.Client client = clients.find(high, low, clientPort);
        Guest guest = guests.get();
        if (client == null || guest == null) {
            return;
        }
        UdpSession session = client.session;
        forwards.flows.quote.send(
                guest,
                service.port(),
                session.high(),
                session.low(),
                session.seenPort(),
                session.high(),
                session.low(),
                errno,
                icmpType,
                icmpCode,
                mtu,
                memory,
                at,
                length);
    }

    @Override
    public void onDropped(int datagrams) {
        for (int i = 0; i < datagrams; i++) {
            forwards.flows.counters.drop(Drop.UDP_SEND_FAILED);
        }
    }

    /** Closes the port and forgets its clients. Idempotent. */
    @Override
    public void close() {
        if (socket != null) {
            forwards.end(this); // while it can be told which port that was
            socket.close();
            socket = null;
        }
    }
}
