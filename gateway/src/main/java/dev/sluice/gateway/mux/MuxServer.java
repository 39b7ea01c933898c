package dev.sluice.gateway.mux;

import dev.sluice.host.DatagramHost;
import dev.sluice.host.StreamHost;
import dev.sluice.host.StreamListener;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IpAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The place where hosts connect to an agent: each carrier gets a multiplexer, whose channels are dialled. Confined to the loop. */
public final class MuxServer implements StreamListener.Acceptor {
    /** Carriers at a time; further ones are closed. */
    private static final int MAX_CARRIERS = 64;

    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway");

    private final Loop loop;
    private final Generation generation;
    private final Dialer dialer;
    private final Set<Multiplexer> multiplexers = new LinkedHashSet<>();

    public MuxServer(Loop loop, Generation generation, StreamHost streams, DatagramHost datagrams) {
        this.loop = loop;
        this.generation = generation;
        this.dialer = new Dialer(loop, streams, datagrams);
    }

    @Override
    public StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort) {
        return carry(socket).events();
    }

    /** Serves a carrier that is connected; its events belong to {@link Multiplexer#events}. */
    public Multiplexer carry(StreamSocket socket) {
        Owner owner = new Owner();
        Multiplexer made = new Multiplexer(loop, generation, new byte[0], owner);
        owner.multiplexer = made;
        made.carryConnected(socket);
        multiplexers.add(made);
        if (multiplexers.size() > MAX_CARRIERS) {
            multiplexers.remove(made);
            made.close();
        }
        return made;
    }

    /** The newest carrier's multiplexer; null while there is none. */
    public @Nullable Multiplexer newest() {
        Multiplexer newest = null;
        for (Multiplexer one : multiplexers) {
            newest = one;
        }
        return newest;
    }

    /** Ends all carriers, and resets what they carried. */
    public void close() {
        List.copyOf(multiplexers).forEach(Multiplexer::close);
        multiplexers.clear();
        dialer.close();
    }

    private final class Owner implements Multiplexer.Owner {
        private @Nullable Multiplexer multiplexer;

        @Override
        public void onOpen(Channel channel) {
            dialer.onOpen(channel);
        }

        @Override
        public void onEnd(String reason) {
            LOG.log(System.Logger.Level.DEBUG, "a multiplexer ended: {0}", reason);
            if (multiplexer != null) {
                multiplexers.remove(multiplexer);
            }
        }
    }
}
