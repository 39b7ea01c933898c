package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.net.TcpConnection;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A guest behind a gateway with a proxy, and servers on this machine. Names under {@code .test} lead to this machine; so does every address of
 * the world, at the same port.
 */
final class HttpWorld implements AutoCloseable {
    static final Ipv4Address WORLD = Ipv4Address.parse("203.0.113.7");

    final GuestWorld world;

    HttpWorld() throws IOException {
        this(Limits.defaults());
    }

    HttpWorld(Limits limits) throws IOException {
        AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
        FlowPolicy own = FlowPolicy.of(plan);
        FlowPolicy local = request -> request.destination().toString().startsWith("203.0.113.")
                ? new FlowPolicy.Allow(Ipv4Address.LOOPBACK, request.destinationPort())
                : own.decide(request);
        world = new GuestWorld(plan, true, limits, local, GuestWorld.fixedAddress());
        world.gateway.dns().known(name -> {
            List<IpAddress> host = List.of(GuestWorld.HOST);
            return name.endsWith(".test") ? (name.startsWith("no.") ? List.of() : host) : null;
        });
        world.gateway.proxy(ProxySettings.DEFAULT);
    }

    /** Every request takes these routes. */
    void routes(Function<ProxyTarget, List<Route>> routes, Integer... transparent) throws IOException {
        world.gateway.proxy(
                ProxySettings.DEFAULT.withTransparentPorts(Set.of(transparent)).with(new ProxyPolicy() {
                    @Override
                    public boolean active() {
                        return true;
                    }

                    @Override
                    public List<Route> routes(ProxyTarget target) {
                        return routes.apply(target);
                    }
                }));
    }

    static Route via(Server proxy) {
        return new Route.Via(upstream(proxy), "rule 1");
    }

    static Upstream upstream(Server proxy) {
        return new Upstream(Upstream.Kind.HTTP, "127.0.0.1", proxy.port(), Optional.empty());
    }

    /** A connection to the proxy. */
    Client toProxy() throws IOException {
        return new Client(world.guest.tcp().connect(GuestWorld.GATEWAY, ProxySettings.PORT, GuestWorld.LONG));
    }

    /** A connection to an address of the world. */
    Client toWorld(int port) throws IOException {
        return new Client(world.guest.tcp().connect(WORLD, port, GuestWorld.LONG));
    }

    @Override
    public void close() {
        world.close();
    }

    /** One end of a stream, for people who write heads by hand. */
    abstract static class Line implements AutoCloseable {
        abstract InputStream in();

        abstract OutputStream out();

        void send(String text) throws IOException {
            out().write(text.getBytes(ISO_8859_1));
            out().flush();
        }

        /** Up to and with the empty line; empty at the end of the stream. */
        String head() throws IOException {
            StringBuilder text = new StringBuilder();
            while (text.length() < 4 || !text.substring(text.length() - 4).equals("\r\n\r\n")) {
                int b = in().read();
                if (b < 0) {
                    if (text.isEmpty()) {
                        return "";
                    }
                    throw new EOFException("the head ends after: " + text);
                }
                text.append((char) b);
            }
            return text.toString();
        }

        String read(int length) throws IOException {
            return new String(in().readNBytes(length), ISO_8859_1);
        }

        String rest() throws IOException {
            return new String(in().readAllBytes(), ISO_8859_1);
        }

        @Override
        public abstract void close() throws IOException;
    }

    static final class Client extends Line {
        final TcpConnection connection;
        private final InputStream in;
        private final OutputStream out;

        Client(TcpConnection connection) {
            this.connection = connection;
            connection.readTimeout(GuestWorld.LONG);
            this.in = connection.inputStream();
            this.out = connection.outputStream();
        }

        @Override
        InputStream in() {
            return in;
        }

        @Override
        OutputStream out() {
            return out;
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    /** A connection that a server has got. */
    static final class Peer extends Line {
        final Socket socket;
        private final InputStream in;
        private final OutputStream out;

        Peer(Socket socket) throws IOException {
            this.socket = socket;
            socket.setSoTimeout((int) GuestWorld.LONG.toMillis());
            this.in = socket.getInputStream();
            this.out = socket.getOutputStream();
        }

        @Override
        InputStream in() {
            return in;
        }

        @Override
        OutputStream out() {
            return out;
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    /** Serves one connection. */
    interface Handler {
        void serve(Peer peer) throws Exception;
    }

    /** A server on this machine's loopback, or one whose connections the test takes itself. */
    static final class Server implements AutoCloseable {
        private final ServerSocket socket = GuestWorld.server();
        private final BlockingQueue<Peer> peers = new LinkedBlockingQueue<>();

        Server() throws IOException {
            this(null);
        }

        Server(@Nullable Handler handler) throws IOException {
            Thread.startVirtualThread(() -> {
                try {
                    while (true) {
                        Peer peer = new Peer(socket.accept());
                        if (handler == null) {
                            peers.add(peer);
                        } else {
                            Thread.startVirtualThread(() -> {
                                try (peer) {
                                    handler.serve(peer);
                                } catch (Exception e) {
                                    // the test sees what came of it
                                }
                            });
                        }
                    }
                } catch (IOException e) {
                    // it was closed
                }
            });
        }

        int port() {
            return socket.getLocalPort();
        }

        Peer accept() throws InterruptedException {
            Peer peer = peers.poll(GuestWorld.LONG.toSeconds(), TimeUnit.SECONDS);
            if (peer == null) {
                throw new AssertionError("nobody has connected");
            }
            return peer;
        }

        boolean isUnvisited() {
            return peers.isEmpty();
        }

        @Override
        public void close() throws IOException {
            socket.close();
            for (Peer peer : peers) {
                peer.close();
            }
        }
    }
}
