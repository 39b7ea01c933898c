package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Flow;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.Scratch;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.ProxyHeader;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way in: clients of published ports become flows towards guests. Confined to the loop. */
public final class TcpInbound {
    final TcpFlows flows;
    private final Set<Shortcut> shortcuts = new LinkedHashSet<>();
    private @Nullable StreamHost inside;
    /** What shortcuts move bytes through. */
    final Scratch scratch;

    public TcpInbound(TcpFlows flows) {
        this.flows = flows;
        this.scratch = new Scratch(flows.loop);
    }

    /** Lets clients on this host be joined to services inside the guests' namespace without frames. */
    public void shortcut(StreamHost inside) {
        this.inside = inside;
    }

    /** As {@link StreamHost#grant}, for the listeners of forwards. */
    public void grant(int fd) {
        flows.host.grant(fd);
    }

    /** Connections that take the shortcut now. */
    public int size() {
        return shortcuts.size();
    }

    /** Pipes of the kernel's that they hold. */
    public int pipes() {
        return scratch.pipesHeld();
    }

    /** How often bytes were copied, as there was no pipe for them. */
    public long pipesRefused() {
        return scratch.pipesRefused();
    }

    /** Connections into the namespace that were reset before the service had all that was said to it. */
    public long resetsWithLoss() {
        StreamHost there = inside;
        return there == null ? 0 : there.resetsWithLoss();
    }

    /** Visits the connections that take the shortcut. */
    public void forEach(Consumer<? super Flow> action) {
        shortcuts.forEach(action);
    }

    /**
     * Prepares a forward that leads where {@code connector} says; it does not listen yet.
     *
     * @param port told to services that want a PROXY header
     */
    public TcpForward forward(TcpForward.Connector connector, int port, boolean proxy) {
        return new TcpForward(this, () -> null, port, proxy, connector);
    }

    /**
     * Prepares to publish a guest's port; it does not listen yet.
     *
     * @param guest finds the guest at the time of each connection; null while there is none
     * @param proxy whether a PROXY header goes before each client's data
     */
    public TcpForward forward(Supplier<? extends @Nullable Guest> guest, int guestPort, boolean proxy) {
        return new TcpForward(this, guest, guestPort, proxy, null);
    }

    /**
     * A client of a published port. One whose address the guest could not be shown anyway, or is told by a PROXY header, takes the
     * shortcut, if there is one; the others become flows.
     */
    StreamSocket.Events accept(TcpForward.Client client) {
        boolean elsewhere = client.forward().connector != null;
        if (!elsewhere && (inside == null || !client.forward().proxy && isShown(client.guest(), client.peer()))) {
            return flow(client);
        }
        if (!flows.shares.all().mayOpen()) {
            return refuse(client, Drop.TCP_FLOW_LIMIT);
        }
        Shortcut shortcut = new Shortcut(this, elsewhere ? null : inside, client);
        shortcuts.add(shortcut);
        flows.shares.all().tcpFlows.take(1);
        return shortcut.client();
    }

    private StreamSocket.Events refuse(TcpForward.Client client, Drop reason) {
        flows.counters.drop(reason);
        client.socket().reset();
        return StreamSocket.Events.NOBODY;
    }

    void ended(Shortcut shortcut) {
        if (shortcuts.remove(shortcut)) {
            flows.shares.all().tcpFlows.give(1);
        }
    }

    /** How many clients that came by shortcuts may not have all yet that the service said. */
    public int owing() {
        int count = 0;
        for (Shortcut shortcut : shortcuts) {
            count += shortcut.owesClient() ? 1 : 0;
        }
        return count;
    }

    /** Ends what goes on by shortcuts; flows are {@link TcpFlows}' own. */
    public void close() {
        List.copyOf(shortcuts).forEach(Shortcut::end);
        scratch.close();
    }

    /** Whether the guest can see the client under its own address: answers to it come back through us. */
    private boolean isShown(@Nullable Guest guest, IpAddress peer) {
        long high = peer.high();
        long low = peer.low();
        return IpHeader.isIpv4(high, low) == (guest == null || guest.isIpv4())
                && Destination.of(flows.plan, high, low) == Destination.WORLD;
    }

    /** A flow of frames towards the guest; the socket is reset at once if there is no guest or no room for it. */
    StreamSocket.Events flow(TcpForward.Client client) {
        Guest guest = client.guest();
        if (guest == null) {
            return refuse(client, Drop.NO_SERVICE);
        }
        GuestFlows share = flows.share(guest);
        if (!share.shares.mayOpen()) {
            return refuse(client, Drop.TCP_FLOW_LIMIT);
        }
        boolean shown = isShown(guest, client.peer());
        long high = shown ? client.peer().high() : flows.plan.gatewayHigh(guest.isIpv4());
        long low = shown ? client.peer().low() : flows.plan.gatewayLow(guest.isIpv4());
        int guestPort = client.forward().guestPort;
        int sourcePort = freePort(guest, guestPort, high, low, client.peerPort());
        if (sourcePort < 0) {
            return refuse(client, Drop.TCP_FLOW_LIMIT);
        }
        long now = flows.loop.now();
        TcpFlow flow =
                new TcpFlow(flows, guest, share, flows.publishedProfile(guest), guestPort, high, low, sourcePort);
        flow.forward = client.forward();
        flow.host = client.peer();
        flow.hostPort = client.peerPort();
        flow.attach(client.socket());
        flows.add(flow);
        flows.counters.tcpOpened++;
        long keyHigh = flows.keyHigh(guest, high, low);
        long keyLow = flows.keyLow(guest, high, low, guestPort, sourcePort);
        int iss = flows.shard.isn().next(keyHigh, keyLow, now);
        flow.tcb.openActive(keyHigh, keyLow, iss, now, sourcePort, guestPort);
        if (client.forward().proxy && !flow.sendFirst(scratch.memory(), writeProxyHeader(client))) {
            flow.abort(now);
            flows.counters.drop(Drop.TCP_BUFFER_LIMIT);
            return flow;
        }
        flow.transmit(now);
        flows.events.opened(flow, now);
        return flow;
    }

    /** Writes what a PROXY header says of {@code client} to the start of {@link #scratch}; its length. */
    int writeProxyHeader(TcpForward.Client client) {
        IpAddress local = client.socket().localAddress();
        return local == null
                ? ProxyHeader.writeLocal(scratch.memory(), 0)
                : ProxyHeader.write(
                        scratch.memory(),
                        0,
                        client.peer(),
                        client.peerPort(),
                        local,
                        client.forward().port());
    }

    /** Resets what came through {@code forward}. */
    void cut(TcpForward forward) {
        long now = flows.loop.now();
        flows.table.forEach(flow -> {
            if (flow.forward == forward) {
                flow.abort(now);
            }
        });
        flows.forEachDeparting(flow -> {
            if (flow.forward == forward) {
                flow.departed();
            }
        });
        for (Shortcut shortcut : List.copyOf(shortcuts)) {
            if (shortcut.forward() == forward) {
                shortcut.reset();
            }
        }
    }

    /** The client's port if its four-tuple is free, else another; -1 if all are taken. */
    private int freePort(Guest guest, int guestPort, long high, long low, int wanted) {
        int port = wanted;
        for (int i = 0; i < 0xffff; i++) {
            if (port != 0 && flows.table.find(guest, guestPort, high, low, port) == null) {
                return port;
            }
            port = port + 1 & 0xffff;
        }
        return -1;
    }
}
