package dev.sluice.gateway.tcp;

import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** The way in: clients of published ports become flows towards guests. Confined to the loop. */
public final class TcpInbound {
    static final StreamSocket.Events NOBODY = new StreamSocket.Events() {
        @Override
        public void onConnected() {}

        @Override
        public void onConnectFailed(HostError error) {}

        @Override
        public void onReadable() {}

        @Override
        public void onWritable() {}
    };

    /** Bytes that shortcuts move at a time, at most. */
    static final int SCRATCH = 1 << 20;

    final TcpFlows flows;
    private final Set<Shortcut> shortcuts = new LinkedHashSet<>();
    private @Nullable StreamHost inside;
    private @Nullable MemorySegment scratch;

    public TcpInbound(TcpFlows flows) {
        this.flows = flows;
    }

    /** Lets clients on this host be joined to services inside the guests' namespace without frames. */
    public void shortcut(StreamHost inside) {
        this.inside = inside;
    }

    /** Connections that take the shortcut now. */
    public int size() {
        return shortcuts.size();
    }

    /**
     * Publishes a guest's port on the host.
     *
     * @param port 0 to let the system choose
     * @param guest finds the guest at the time of each connection; null while there is none
     * @throws IOException saying why the host's port is not to be had
     */
    public TcpForward forward(IpAddress address, int port, Supplier<? extends @Nullable Guest> guest, int guestPort)
            throws IOException {
        TcpForward forward = new TcpForward(this, guest, guestPort);
        forward.listening(flows.host.listen(address, port, forward));
        return forward;
    }

    /**
     * A client of a published port. One whose address the guest could not be shown anyway takes the shortcut, if there is one; the others
     * become flows.
     */
    StreamSocket.Events accept(
            StreamSocket socket, @Nullable Guest guest, int guestPort, IpAddress peer, int peerPort) {
        if (inside == null || isShown(guest, peer)) {
            return flow(socket, guest, guestPort, peer, peerPort);
        }
        if (flows.table.size() + shortcuts.size() >= flows.limits.tcpFlows()) {
            flows.counters.drop(Drop.TCP_FLOW_LIMIT);
            socket.reset();
            return NOBODY;
        }
        Shortcut shortcut = new Shortcut(this, inside, socket, guest, guestPort, peer, peerPort);
        shortcuts.add(shortcut);
        return shortcut.client;
    }

    /** Memory for what shortcuts move; holds nothing between calls. */
    MemorySegment scratch() {
        MemorySegment made = scratch;
        if (made == null) {
            made = Arena.ofAuto().allocate(SCRATCH, 64);
            scratch = made;
        }
        return made;
    }

    void ended(Shortcut shortcut) {
        shortcuts.remove(shortcut);
    }

    /** Resets what goes on by shortcuts; flows are {@link TcpFlows}' own. */
    public void close() {
        for (Shortcut shortcut : List.copyOf(shortcuts)) {
            shortcut.reset();
        }
    }

    /** Whether the guest can see the client under its own address: answers to it come back through us. */
    private boolean isShown(@Nullable Guest guest, IpAddress peer) {
        long high = IpHeader.high(peer);
        long low = IpHeader.low(peer);
        return IpHeader.isIpv4(high, low) == (guest == null || guest.isIpv4())
                && Destination.of(flows.plan, high, low) == Destination.WORLD;
    }

    /** A flow of frames towards the guest; the socket is reset at once if there is no guest or no room for it. */
    StreamSocket.Events flow(StreamSocket socket, @Nullable Guest guest, int guestPort, IpAddress peer, int peerPort) {
        GuestFlows share = guest == null ? null : flows.share(guest);
        if (guest == null || share == null || !share.mayOpen(flows.table.size(), flows.limits.tcpFlows())) {
            flows.counters.drop(guest == null ? Drop.NO_SERVICE : Drop.TCP_FLOW_LIMIT);
            socket.reset();
            return NOBODY;
        }
        boolean shown = isShown(guest, peer);
        long high = shown ? IpHeader.high(peer) : flows.plan.gatewayHigh(guest.isIpv4());
        long low = shown ? IpHeader.low(peer) : flows.plan.gatewayLow(guest.isIpv4());
        int sourcePort = freePort(guest, guestPort, high, low, peerPort);
        if (sourcePort < 0) {
            flows.counters.drop(Drop.TCP_FLOW_LIMIT);
            socket.reset();
            return NOBODY;
        }
        long now = flows.loop.now();
        TcpFlow flow = new TcpFlow(flows, guest, share, guestPort, high, low, sourcePort);
        flow.attach(socket);
        flows.add(flow);
        flows.counters.tcpOpened++;
        long keyLow = flows.keyLow(guest, high, low, guestPort, sourcePort);
        int iss = flows.shard.isn().next(flows.keyHigh(guest, high, low), keyLow, now);
        flow.tcb.openActive(iss, now, sourcePort, guestPort);
        flow.transmit(now);
        return flow;
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
