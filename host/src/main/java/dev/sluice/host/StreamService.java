package dev.sluice.host;

import dev.sluice.loop.LateLogger;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Offload;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A service behind a listener of the loop that is written as if it blocked: each client is served on a virtual thread of its own. Made
 * and closed on the loop's thread.
 */
public final class StreamService implements StreamListener.Acceptor {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.host");

    private final Loop loop;
    private final String name;
    private final int limit;
    private final Handler handler;
    private final Set<Client> clients = new LinkedHashSet<>();
    private final Scratch scratch;

    /** Serves one client; the connection ends when it returns. */
    @FunctionalInterface
    public interface Handler {
        /** @throws IOException to end it; said with the debug messages */
        void serve(InputStream in, OutputStream out) throws IOException;
    }

    /**
     * One that accepts nothing yet.
     *
     * @param name of its threads
     * @param limit clients at a time; further ones are turned away
     */
    public StreamService(Loop loop, String name, int limit, Handler handler) {
        this.loop = loop;
        this.scratch = new Scratch(loop);
        this.name = name;
        this.limit = limit;
        this.handler = handler;
    }

    @Override
    public StreamSocket.Events accept(StreamSocket socket, IpAddress peer, int peerPort) {
        Client client = new Client(socket);
        if (clients.size() >= limit) {
            LOG.log(System.Logger.Level.WARNING, "{0}: a client was turned away, as {1} are served", name, limit);
            client.reset();
        } else {
            clients.add(client);
            client.open();
        }
        return client.client();
    }

    /** Ends all connections. */
    public void close() {
        List.copyOf(clients).forEach(Joint::reset);
        scratch.close();
    }

    /** Joins a client's socket to the pipe at whose other end its thread is. */
    private final class Client extends Joint {
        Client(StreamSocket socket) {
            super(scratch);
            client.socket(socket);
        }

        void open() {
            PipeSocket pipe = new PipeSocket(loop, service);
            service.socket(pipe);
            if (!Offload.start(name, () -> serve(pipe))) {
                pipe.closeService();
            }
        }

        private void serve(PipeSocket pipe) {
            try (InputStream in = pipe.serviceInput();
                    OutputStream out = pipe.serviceOutput()) {
                handler.serve(in, out);
            } catch (IOException | RuntimeException e) {
                LOG.log(System.Logger.Level.DEBUG, "{0}: {1}", name, e.getMessage());
            } finally {
                pipe.closeService();
            }
        }

        /** Whatever the client may still want to say, nobody listens. */
        @Override
        protected void serviceEnded() {
            close();
        }

        @Override
        protected void moved(int toService, int toClient) {}

        @Override
        protected void ended() {
            clients.remove(this);
        }
    }
}
