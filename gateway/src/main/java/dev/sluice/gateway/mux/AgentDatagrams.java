package dev.sluice.gateway.mux;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.DatagramSocket;
import dev.sluice.host.HostError;
import dev.sluice.host.Opening;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A UDP port of the host whose datagrams go to a service behind an agent, and back. To VPNKit's own agent all clients go through one
 * channel, which names them; to the Go programs each client has a channel, which ends when it was idle for 90 s, or is the oldest of too
 * many. Confined to the loop.
 */
public final class AgentDatagrams implements DatagramSocket.Events, AutoCloseable {
    private static final int MAX_CLIENTS = 1024;
    private static final long IDLE = 90_000_000_000L;
    private static final int TIME_TO_LIVE = 64;
    /** Who a channel is for that is everybody's. */
    private static final Name EVERYBODY = new Name(0, 0, 0);

    private final Loop loop;
    private final AgentLink agent;
    private final MuxTarget.Udp target;
    private @Nullable DatagramSocket socket;
    /** Least recently used first. */
    private final Map<Name, Client> clients = new LinkedHashMap<>(16, 0.75f, true);

    private final Timer sweep = Timer.of(this::sweep);
    private long dropped;

    private record Name(long high, long low, int port) {}

    private AgentDatagrams(Loop loop, AgentLink agent, MuxTarget.Udp target) {
        this.loop = loop;
        this.agent = agent;
        this.target = target;
    }

    /** Opens the port; its address as in {@link DatagramHost}. */
    public static Opening<AgentDatagrams> open(
            Loop loop, DatagramHost host, AgentLink agent, long high, long low, int port, MuxTarget.Udp target) {
        AgentDatagrams made = new AgentDatagrams(loop, agent, target);
        return switch (host.listenDatagram(high, low, port, made)) {
            case Opening.Open<DatagramSocket>(DatagramSocket socket) -> {
                made.socket = socket;
                yield new Opening.Open<>(made);
            }
            case Opening.Failed<DatagramSocket>(HostError error, String reason) -> new Opening.Failed<>(error, reason);
        };
    }

    public int port() {
        return socket == null ? 0 : socket.localPort();
    }

    /** Channels it has now. */
    public int size() {
        return clients.size();
    }

    /** Datagrams that found no room. */
    public long dropped() {
        return dropped;
    }

    @Override
    public void onDatagram(
            long high, long low, int port, int typeOfService, MemorySegment memory, long at, int length) {
        Name name = agent.greets() ? new Name(high, low, port) : EVERYBODY;
        Client client = clients.get(name);
        if (client == null) {
            client = new Client(name);
            add(client);
            client.channel = agent.open(target, client);
        }
        client.lastUsed = loop.now();
        if (socket != null && name != EVERYBODY) {
            client.toHigh = socket.toHigh();
            client.toLow = socket.toLow();
        }
        client.send(high, low, port, memory, at, length);
    }

    private void add(Client client) {
        if (clients.size() >= MAX_CLIENTS) {
            clients.values().iterator().next().close();
        }
        clients.put(client.name, client);
        if (agent.greets() && !sweep.isArmed()) {
            loop.schedule(sweep, loop.now() + IDLE);
        }
    }

    private void sweep() {
        long now = loop.now();
        for (Client client : List.copyOf(clients.values())) {
            if (now - client.lastUsed >= IDLE) {
                client.close();
            }
        }
        if (!clients.isEmpty()) {
            loop.schedule(sweep, now + IDLE);
        }
    }

    @Override
    public void onDropped(int datagrams) {
        dropped += datagrams;
    }

    /** Closes the port and its channels. */
    @Override
    public void close() {
        loop.cancel(sweep);
        List.copyOf(clients.values()).forEach(Client::close);
        if (socket != null) {
            socket.close();
        }
    }

    /** A channel, and what is known of it. */
    private final class Client implements StreamSocket.Events {
        private final Name name;
        private final DatagramCodec codec = new DatagramCodec();
        private @Nullable Channel channel;
        /** The first datagram, kept until the channel stands. */
        private byte @Nullable [] first;

        private Name firstFrom = EVERYBODY;
        /** Which of the host's addresses it talks to: answers come from there. Both 0 if there is but one, or this is of everybody. */
        private long toHigh;

        private long toLow;
        private long lastUsed;

        Client(Name name) {
            this.name = name;
        }

        void send(long high, long low, int port, MemorySegment memory, long at, int length) {
            Channel to = channel;
            if (to == null || !to.connected) {
                if (first == null) {
                    first = memory.asSlice(at, length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
                    firstFrom = new Name(high, low, port);
                } else {
                    dropped++;
                }
                return;
            }
            if (!codec.send(to, high, low, name == EVERYBODY ? port : -1, memory, at, length)) {
                dropped++;
            }
        }

        @Override
        public void onConnected() {
            byte[] waiting = first;
            first = null;
            if (waiting != null) {
                send(firstFrom.high, firstFrom.low, firstFrom.port, MemorySegment.ofArray(waiting), 0, waiting.length);
            }
        }

        @Override
        public void onConnectFailed(HostError error) {
            clients.remove(name, this);
        }

        @Override
        public void onReadable() {
            Channel from = channel;
            if (from != null && codec.receive(from, this::answer) != StreamSocket.WOULD_BLOCK) {
                close();
            }
        }

        private void answer(long high, long low, int port, MemorySegment memory, long at, int length) {
            DatagramSocket out = socket;
            lastUsed = loop.now();
            if (out == null) {
                return;
            }
            out.from(toHigh, toLow);
            if (name != EVERYBODY) {
                out.send(name.high, name.low, name.port, TIME_TO_LIVE, 0, memory, at, length);
            } else if (port != 0) {
                out.send(high, low, port, TIME_TO_LIVE, 0, memory, at, length);
            }
        }

        @Override
        public void onWritable() {}

        void close() {
            clients.remove(name, this);
            if (channel != null) {
                channel.close();
            }
        }
    }
}
