package dev.sluice.gateway.mux;

import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.host.VsockAddress;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The way to an agent that runs where a guest's services are: one multiplexer, made with the first channel, and again with the first
 * after it broke; or made when the agent connects, and again when it connects anew. Confined to the loop.
 */
public final class AgentLink implements StreamListener.Acceptor {
    /** The hypervisor leads such a connection to the guest's vsock, CID 3, port 62373, where VPNKit's agent listens. */
    public static final String VSOCK_PREAMBLE = vsockPreamble(62_373);

    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");
    /** Of earlier agents whose channels go on; where there are more, the oldest's break. */
    static final int MOST_REPLACED = 8;

    private static final long WARNING_INTERVAL = 10_000_000_000L;

    /** What leads such a connection to another port of the guest's vsock. */
    public static String vsockPreamble(int port) {
        return "00000003.%08x\n".formatted(port);
    }

    /** Makes a connection to the agent. */
    private interface Connector {
        StreamSocket connect(StreamSocket.Events events);
    }

    private final Loop loop;
    /** Where the agent is, for people. */
    private final String place;

    private final Connector connector;
    private final Generation generation;
    private final String preamble;
    /** Where the agent connects; null if it is connected to. */
    private @Nullable StreamListener listener;

    private @Nullable Multiplexer multiplexer;
    /** Those of agents that others have taken the place of, in that order; each goes with its last channel. */
    private final Set<Multiplexer> replaced = new LinkedHashSet<>();

    private long lastWarning;
    private boolean warned;

    /**
     * @param path of the Unix socket that leads to the agent
     * @param preamble sent first, such as {@link #VSOCK_PREAMBLE}; empty for nothing
     */
    public AgentLink(Loop loop, StreamHost host, String path, Generation generation, String preamble) {
        this(loop, path, events -> host.connect(path, events), generation, preamble);
    }

    /** The way to an agent that listens at a port of its machine's vsock. */
    public AgentLink(Loop loop, StreamHost host, VsockAddress address, Generation generation) {
        this(loop, address.toString(), events -> host.connect(address, events), generation, "");
    }

    private AgentLink(Loop loop, String place, Connector connector, Generation generation, String preamble) {
        this.loop = loop;
        this.place = place;
        this.connector = connector;
        this.generation = generation;
        this.preamble = preamble;
    }

    /**
     * The way to an agent that connects, at a socket that is made for it.
     *
     * @throws IOException saying why nobody can listen there
     */
    public static AgentLink listen(Loop loop, StreamHost host, String path) throws IOException {
        AgentLink made = new AgentLink(loop, host, path, Generation.GREETING_LISTENED, "");
        made.listener = host.listen(path, made);
        return made;
    }

    /** The same at a port of vsock. */
    public static AgentLink listen(Loop loop, StreamHost host, VsockAddress address) throws IOException {
        AgentLink made = new AgentLink(loop, host, address, Generation.GREETING_LISTENED);
        made.listener = host.listen(address, made);
        return made;
    }

    /** The agent has connected: it takes the place of one that has before, whose channels go on. */
    @Override
    public StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort) {
        Multiplexer made = multiplexer(new byte[0]);
        made.carryConnected(socket);
        Multiplexer before = multiplexer;
        multiplexer = made;
        if (before != null) {
            retire(before);
        }
        return made.events();
    }

    private void retire(Multiplexer before) {
        if (before.size() == 0) {
            before.close();
            return;
        }
        replaced.add(before);
        if (replaced.size() > MOST_REPLACED) {
            Multiplexer oldest = replaced.iterator().next();
            replaced.remove(oldest);
            oldest.close();
        }
    }

    private Multiplexer multiplexer(byte[] preamble) {
        Owner owner = new Owner();
        Multiplexer made = new Multiplexer(loop, generation, preamble, owner);
        owner.multiplexer = made;
        return made;
    }

    /** Whether the multiplexer greets: then each outside peer of a UDP forward has a channel of its own. */
    boolean greets() {
        return generation.greets;
    }

    /** Opens a channel; {@code events} tells what comes of it. */
    public Channel open(MuxTarget target, StreamSocket.Events events) {
        Multiplexer there = multiplexer;
        if (there == null || there.isEnded() && listener == null) {
            there = multiplexer(preamble.getBytes(StandardCharsets.US_ASCII));
            multiplexer = there;
            if (listener == null) {
                there.carry(connector.connect(there.events()));
            } else {
                there.close(); // until one connects, there is none
            }
        }
        return there.open(target, events);
    }

    /** The channels there are, for people. */
    public List<String> describe() {
        return Stream.concat(replaced.stream(), Stream.ofNullable(multiplexer))
                .flatMap(one -> one.describe().stream())
                .toList();
    }

    /** Breaks all channels. */
    public void close() {
        if (listener != null) {
            listener.close();
        }
        List<Multiplexer> before = List.copyOf(replaced); // whoever is told may change the set
        replaced.clear();
        before.forEach(Multiplexer::close);
        if (multiplexer != null) {
            multiplexer.close();
        }
    }

    private final class Owner implements Multiplexer.Owner {
        private @Nullable Multiplexer multiplexer;

        /** Agents of this kind are asked, and ask nothing. */
        @Override
        public void onOpen(Channel channel) {
            channel.close();
        }

        @Override
        public void onIdle() {
            if (multiplexer != null && replaced.remove(multiplexer)) {
                multiplexer.close();
            }
        }

        @Override
        public void onEnd(String reason) {
            if (multiplexer != null && replaced.remove(multiplexer)) {
                return; // there is another agent
            }
            long now = loop.now();
            if (!warned || now - lastWarning > WARNING_INTERVAL) {
                warned = true;
                lastWarning = now;
                LOG.log(
                        System.Logger.Level.WARNING,
                        listener == null
                                ? "the agent behind {0} is not reached: {1}; the next client of a published port tries again"
                                : "the agent that connects to {0} is not there: {1}; published ports lead nowhere until it is",
                        place,
                        reason);
            }
        }
    }
}
