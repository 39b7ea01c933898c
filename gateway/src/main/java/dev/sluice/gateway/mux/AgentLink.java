package dev.sluice.gateway.mux;

import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The way to an agent that runs where a guest's services are: one multiplexer, made with the first channel, and again with the first
 * after it broke. Confined to the loop.
 */
public final class AgentLink {
    /** The hypervisor leads such a connection to the guest's vsock, CID 3, port 62373, where VPNKit's agent listens. */
    public static final String VSOCK_PREAMBLE = vsockPreamble(62_373);

    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");
    private static final long WARNING_INTERVAL = 10_000_000_000L;

    /** What leads such a connection to another port of the guest's vsock. */
    public static String vsockPreamble(int port) {
        return "00000003.%08x\n".formatted(port);
    }

    private final Loop loop;
    private final StreamHost host;
    private final String path;
    private final Generation generation;
    private final String preamble;
    private @Nullable Multiplexer multiplexer;
    private long lastWarning;
    private boolean warned;

    /**
     * @param path of the Unix socket that leads to the agent
     * @param preamble sent first, such as {@link #VSOCK_PREAMBLE}; empty for nothing
     */
    public AgentLink(Loop loop, StreamHost host, String path, Generation generation, String preamble) {
        this.loop = loop;
        this.host = host;
        this.path = path;
        this.generation = generation;
        this.preamble = preamble;
    }

    /** Whether the multiplexer greets: then each outside peer of a UDP forward has a channel of its own. */
    boolean greets() {
        return generation.greets;
    }

    /** Opens a channel; {@code events} tells what comes of it. */
    public Channel open(MuxTarget target, StreamSocket.Events events) {
        Multiplexer there = multiplexer;
        if (there == null || there.isEnded()) {
            there = new Multiplexer(loop, generation, preamble.getBytes(StandardCharsets.US_ASCII), new Owner());
            multiplexer = there;
            there.carry(host.connect(path, there.events()));
        }
        return there.open(target, events);
    }

    /** The channels there are, for people. */
    public List<String> describe() {
        return multiplexer == null ? List.of() : multiplexer.describe();
    }

    /** Breaks all channels. */
    public void close() {
        if (multiplexer != null) {
            multiplexer.close();
        }
    }

    private final class Owner implements Multiplexer.Owner {
        /** Agents of this kind are asked, and ask nothing. */
        @Override
        public void onOpen(Channel channel) {
            channel.close();
        }

        @Override
        public void onEnd(String reason) {
            long now = loop.now();
            if (!warned || now - lastWarning > WARNING_INTERVAL) {
                warned = true;
                lastWarning = now;
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the agent behind {0} is not reached: {1}; the next client of a published port tries again",
                        path,
                        reason);
            }
        }
    }
}
