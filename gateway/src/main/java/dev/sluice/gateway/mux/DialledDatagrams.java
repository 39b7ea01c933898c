package dev.sluice.gateway.mux;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A channel of datagrams, connected to a UDP service: each outside peer it names has a socket of its own, so that the service can tell
 * them apart, and its answers go back under that name. Sockets idle for 90 s end, and the oldest ends for one too many.
 */
final class DialledDatagrams implements StreamSocket.Events {
    private static final int MAX_PEERS = 1024;
    private static final long IDLE = 90_000_000_000L;
    private static final int TIME_TO_LIVE = 64;

    private final Loop loop;
    private final DatagramHost host;
    private final Channel channel;
    private final long high;
    private final long low;
    private final int port;
    private final DatagramCodec codec = new DatagramCodec();
    /** Least recently used first. */
    private final Map<Name, Peer> peers = new LinkedHashMap<>(16, 0.75f, true);

    private final Timer sweep = Timer.of(this::sweep);

    /** An outside peer; all zero for the only one of a channel that names none. */
    private record Name(long high, long low, int port) {}

    DialledDatagrams(Loop loop, DatagramHost host, Channel channel, IpAddress address, int port) {
        this.loop = loop;
        this.host = host;
        this.channel = channel;
        this.high = address.high();
        this.low = address.low();
        this.port = port;
    }

    void open() {
        channel.accept(this);
    }

    @Override
    public void onConnected() {}

    @Override
    public void onConnectFailed(HostError error) {}

    @Override
    public void onWritable() {}

    @Override
    public void onReadable() {
        if (codec.receive(channel, this::forward) != StreamSocket.WOULD_BLOCK) {
            loop.cancel(sweep);
            peers.values().forEach(Peer::close);
            peers.clear();
            channel.close();
        }
    }

    private void forward(long peerHigh, long peerLow, int peerPort, MemorySegment memory, long at, int length) {
        Name name = new Name(peerHigh, peerLow, peerPort);
        Peer peer = peers.get(name);
        if (peer == null) {
            peer = new Peer(name);
            if (host.openDatagram(
                            DatagramHost.isIpv4(high, low) ? IpHeader.MAPPED_HIGH : 0,
                            DatagramHost.isIpv4(high, low) ? DatagramHost.mapped(0) : 0,
                            0,
                            peer)
                    instanceof Opening.Open<DatagramSocket>(DatagramSocket socket)) {
                peer.socket = socket;
                add(name, peer);
            }
        }
        DatagramSocket socket = peer.socket;
        if (socket != null) {
            peer.lastUsed = loop.now();
            socket.send(high, low, port, TIME_TO_LIVE, 0, memory, at, length);
        }
    }

    private void add(Name name, Peer peer) {
        if (peers.size() >= MAX_PEERS) {
            Map.Entry<Name, Peer> oldest = peers.entrySet().iterator().next();
            oldest.getValue().close();
            peers.remove(oldest.getKey());
        }
        peers.put(name, peer);
        if (!sweep.isArmed()) {
            loop.schedule(sweep, loop.now() + IDLE);
        }
    }

    private void sweep() {
        long now = loop.now();
        peers.values().removeIf(peer -> {
            boolean idle = now - peer.lastUsed >= IDLE;
            if (idle) {
                peer.close();
            }
            return idle;
        });
        if (!peers.isEmpty()) {
            loop.schedule(sweep, now + IDLE);
        }
    }

    private final class Peer implements DatagramSocket.Events {
        private final Name name;
        private @Nullable DatagramSocket socket;
        private long lastUsed;

        Peer(Name name) {
            this.name = name;
        }

        void close() {
            if (socket != null) {
                socket.close();
            }
        }

        @Override
        public void onDatagram(
                long fromHigh,
                long fromLow,
                int fromPort,
                int typeOfService,
                MemorySegment memory,
                long at,
                int length) {
            if (fromHigh == high && fromLow == low && fromPort == port) {
                lastUsed = loop.now();
                boolean named = name.port != 0 || name.high != 0 || name.low != 0;
                codec.send(channel, name.high, name.low, named ? name.port : -1, memory, at, length);
            }
        }
    }
}
