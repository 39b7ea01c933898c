package dev.sluice.cli.face.slirp4netns;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.control.PrivateSocket;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.loop.LateLogger;
import dev.sluice.posix.SocketFile;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/** The socket at which forwards are added, listed and removed: one JSON object in, one out. */
final class ApiSocket implements AutoCloseable {
    private static final int LONGEST_PATH = 107;
    private static final int LONGEST_REQUEST = 4095;
    /** Clients at a time; further ones wait in the listen queue. */
    private static final int CLIENTS = 16;

    private static final int BACKLOG = 128;

    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final long PAUSE_MILLIS = 100;
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.slirp4netns");

    /** What the answer says instead of doing it; the message is the whole of it. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message, null, false, false);
        }
    }

    /** A forward, as it was asked for. */
    private record Forward(
            long id, String proto, Ipv4Address hostAddress, int hostPort, Ipv4Address guestAddress, int guestPort) {
        ForwardSpec.Port place() {
            return new ForwardSpec.Port(hostAddress, hostPort, proto.equals("udp"));
        }

        ForwardSpec spec() {
            return new ForwardSpec(place(), new ForwardSpec.Address(guestAddress), guestPort, false);
        }

        String json() {
            return "{\"id\":%d,\"proto\":\"%s\",\"host_addr\":\"%s\",\"host_port\":%d,\"guest_addr\":\"%s\",\"guest_port\":%d}"
                    .formatted(id, proto, hostAddress, hostPort, guestAddress, guestPort);
        }
    }

    private final GuestNetwork network;
    private final Ipv4Address guest;
    private final Duration patience;
    private final Semaphore free = new Semaphore(CLIENTS);
    /** By number; guarded by this. */
    private final Map<Long, Forward> forwards = new TreeMap<>();

    private long lastId;
    private @Nullable ServerSocketChannel listener;
    private @Nullable PrivateSocket socket;

    /** @param guest where forwards lead that name no guest */
    ApiSocket(GuestNetwork network, Ipv4Address guest) {
        this(network, guest, PATIENCE);
    }

    /** @param patience for a request to arrive whole, and again for the answer to be taken */
    ApiSocket(GuestNetwork network, Ipv4Address guest, Duration patience) {
        this.network = network;
        this.guest = guest;
        this.patience = patience;
    }

    /** Starts listening; a socket that is at {@code text} is replaced. */
    void open(String text) throws IOException {
        if (text.getBytes(StandardCharsets.UTF_8).length > LONGEST_PATH) {
            throw new IOException("the specified API socket path is too long (>= " + (LONGEST_PATH + 1) + ")");
        }
        Path place = Path.of(text);
        if (SocketFile.isSocket(place)) {
            Files.delete(place);
        }
        ServerSocketChannel bound = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        listener = bound;
        try {
            PrivateSocket ours = PrivateSocket.bind(bound, place, BACKLOG);
            socket = ours;
            Thread.ofPlatform().daemon().name("api").start(() -> accept(bound, ours));
        } catch (IOException e) {
            bound.close();
            throw new IOException("cannot listen on " + text + ": " + e.getMessage(), e);
        }
    }

    private void accept(ServerSocketChannel bound, PrivateSocket ours) {
        boolean failing = false;
        try {
            while (bound.isOpen()) {
                free.acquire();
                try {
                    SocketChannel client = bound.accept();
                    failing = false;
                    Thread.ofVirtual().name("api-client").start(() -> serve(client, ours));
                } catch (IOException e) {
                    free.release();
                    if (bound.isOpen()) {
                        if (!failing) {
                            LOG.log(
                                    System.Logger.Level.WARNING,
                                    "no client can be accepted for now: " + e.getMessage());
                        }
                        failing = true;
                        // out of descriptors, most likely: the client stays in the queue, so trying at once would spin
                        Thread.sleep(PAUSE_MILLIS);
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(SocketChannel client, PrivateSocket ours) {
        // A Unix socket has no timeouts: what has arrived until then is the request, and who takes no answer is cut.
        Thread watch = Thread.ofVirtual().name("api-watch").start(() -> {
            try {
                Thread.sleep(patience);
                client.shutdownInput();
                Thread.sleep(patience);
                client.close();
            } catch (InterruptedException | IOException e) {
                // it was quick enough, or has gone
            }
        });
        try (client) {
            if (!ours.trusts(client)) {
                return;
            }
            ByteBuffer answer = ByteBuffer.wrap(answer(client).getBytes(StandardCharsets.UTF_8));
            while (answer.hasRemaining()) {
                client.write(answer);
            }
            client.shutdownOutput();
        } catch (IOException e) {
            // the client has gone
        } finally {
            watch.interrupt();
            free.release();
        }
    }

    /** To what comes until it is JSON, or there is no more: the original reads once. It takes the request for a text of C, to the first NUL. */
    private String answer(SocketChannel client) throws IOException {
        ByteBuffer request = ByteBuffer.allocate(LONGEST_REQUEST + 1);
        while (true) {
            int n = client.read(request);
            if (!request.hasRemaining()) {
                return error("too large message");
            }
            String text = new String(request.array(), 0, request.position(), StandardCharsets.UTF_8);
            int end = text.indexOf('\0');
            try {
                return answer(JsonReader.read(end < 0 ? text : text.substring(0, end)));
            } catch (IllegalArgumentException e) {
                if (n < 0 || end >= 0) {
                    return error("cannot parse JSON");
                }
            }
        }
    }

    /** To a request that is JSON. */
    String answer(@Nullable Object request) {
        try {
            Object execute = member(request, "execute");
            if (!(execute instanceof String command)) {
                throw new Refused("no execute found");
            }
            Object arguments = member(request, "arguments");
            return switch (command) {
                case "add_hostfwd" -> add(arguments);
                case "list_hostfwd" -> list();
                case "remove_hostfwd" -> remove(arguments);
                default -> throw new Refused("unknown execute");
            };
        } catch (Refused e) {
            return error(String.valueOf(e.getMessage()));
        }
    }

    private static @Nullable Object member(@Nullable Object object, String name) {
        return object instanceof Map<?, ?> map ? map.get(name) : null;
    }

    private synchronized String add(@Nullable Object arguments) throws Refused {
        Object proto = member(arguments, "proto");
        if (!(proto instanceof String protocol) || !protocol.equals("tcp") && !protocol.equals("udp")) {
            throw new Refused("add_hostfwd: bad arguments.proto");
        }
        Forward forward = new Forward(
                lastId + 1,
                protocol,
                address(arguments, "host_addr", Ipv4Address.ANY),
                port(arguments, "host_port"),
                address(arguments, "guest_addr", guest),
                port(arguments, "guest_port"));
        boolean listed =
                forwards.values().stream().anyMatch(other -> other.place().equals(forward.place()));
        try {
            if (listed && network.gateway().ports().isOpen(forward.place())) {
                throw new Refused(
                        "add_hostfwd: slirp_add_hostfwd failed: " + forward.place() + " is forwarded already");
            }
            network.ports().publish(List.of(forward.spec()));
        } catch (IOException | IllegalArgumentException e) {
            throw new Refused("add_hostfwd: slirp_add_hostfwd failed: " + e.getMessage());
        }
        // one whose port was closed by other means is no more
        forwards.values().removeIf(other -> other.place().equals(forward.place()));
        lastId = forward.id;
        forwards.put(forward.id, forward);
        return "{\"return\":{\"id\":" + forward.id + "}}";
    }

    private static Ipv4Address address(@Nullable Object arguments, String name, Ipv4Address usual) throws Refused {
        Object value = member(arguments, name);
        try {
            return switch (value) {
                case null -> usual;
                case String text -> text.isEmpty() ? usual : Ipv4Address.parse(text);
                default -> throw new IllegalArgumentException();
            };
        } catch (IllegalArgumentException e) {
            throw new Refused("add_hostfwd: bad arguments." + name);
        }
    }

    private static int port(@Nullable Object arguments, String name) throws Refused {
        if (member(arguments, name) instanceof Long port && port >= 1 && port <= 65_535) {
            return port.intValue();
        }
        throw new Refused("add_hostfwd: bad arguments." + name);
    }

    /** Once as the original answers, once as its manual says. */
    private synchronized String list() {
        StringJoiner entries = new StringJoiner(",", "[", "]");
        forwards.values().forEach(forward -> entries.add(forward.json()));
        return "{\"entries\":" + entries + ",\"return\":{\"entries\":" + entries + "}}";
    }

    private synchronized String remove(@Nullable Object arguments) throws Refused {
        Forward forward = member(arguments, "id") instanceof Long id ? forwards.remove(id) : null;
        if (forward == null) {
            throw new Refused("remove_hostfwd: bad arguments.id");
        }
        try {
            network.gateway().ports().close(List.of(forward.spec()));
        } catch (IOException e) {
            throw new Refused("remove_hostfwd: " + e.getMessage());
        }
        return "{\"return\":{}}";
    }

    private static String error(String description) {
        return "{\"error\":{\"desc\":\"bad request: "
                + description.replace("\\", "\\\\").replace("\"", "\\\"").replaceAll("\\p{Cntrl}", " ") + "\"}}";
    }

    @Override
    public void close() throws IOException {
        if (listener != null && listener.isOpen()) {
            if (socket != null) {
                socket.remove();
            }
            listener.close();
        }
    }
}
