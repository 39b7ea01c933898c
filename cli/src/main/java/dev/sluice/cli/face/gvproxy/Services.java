package dev.sluice.cli.face.gvproxy;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.control.HttpClients;
import dev.sluice.control.HttpServer;
import dev.sluice.control.HttpStream;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.link.Framing;
import dev.sluice.posix.Io;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What gvproxy offers around a network: forwards, the API at its doors and to guests, notifications. */
final class Services implements AutoCloseable {
    private static final int GUESTS_API = 80;
    private static final int SSH = 22;
    /** That ask at a time. */
    private static final int CLIENTS = 32;

    private static final int PIECE = 16 << 10;

    private final Configuration configuration;
    private final GuestNetwork network;
    private final Exposures exposures;
    private final Api api;
    private final List<Door> doors = new ArrayList<>();
    private final List<SshTunnel> tunnels = new ArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final ConnectionNumbers numbers = new ConnectionNumbers();
    /** Programs and guests apart: whoever fills one up keeps nobody from the other. */
    private final HttpClients programs = new HttpClients(CLIENTS, HttpServer.PATIENCE);

    private final HttpClients guests = new HttpClients(CLIENTS, HttpServer.PATIENCE);
    private @Nullable Notifications notifications;
    private @Nullable GuestWatch watch;

    Services(Configuration configuration, GuestNetwork network, Zones zones) {
        this.configuration = configuration;
        this.network = network;
        this.exposures = new Exposures(network);
        this.api = new Api(exposures, zones, new View());
    }

    /** Opens all that was asked for. */
    void open() throws IOException {
        for (Map.Entry<String, String> forward : configuration.forwards().entrySet()) {
            boolean udp = forward.getKey().startsWith("udp:");
            exposures.expose(
                    new Exposures.Exposure(
                            udp ? forward.getKey().substring(4) : forward.getKey(),
                            forward.getValue(),
                            udp ? "udp" : "tcp"),
                    null,
                    false);
        }
        network.gateway().serve(GUESTS_API, this::serveGuest);
        for (String url : configuration.listen) {
            doors.add(Door.open(url, fd -> visit(fd, true)));
        }
        if (configuration.services != null) {
            doors.add(Door.open(configuration.services, fd -> visit(fd, false)));
        }
        if (configuration.notification != null) {
            Notifications made = Notifications.to(configuration.notification);
            notifications = made;
            watch = GuestWatch.start(network.gateway(), made);
        }
        for (Configuration.SshForward forward : configuration.sshForwards) {
            tunnels.add(SshTunnel.start(forward, sshPort()));
        }
    }

    /** A port of the loopback that leads to the guest's ssh server: the one that was asked for, or one made for it. */
    private int sshPort() throws IOException {
        return configuration.sshPort != -1 ? configuration.sshPort : exposures.sshPort(configuration.device(), SSH);
    }

    /** Tells that all is open. */
    void ready() {
        if (notifications != null) {
            notifications.send(Notifications.Kind.READY, null);
        }
    }

    private void serveGuest(IpAddress guest, InputStream in, OutputStream out) {
        HttpStream stream = HttpStream.of(in, out);
        if (guest instanceof Ipv4Address address) {
            guests.serve(stream, new ApiHandler(api, new Api.Guest(address), answer -> {
                throw new IllegalStateException(answer + " is no answer to a guest");
            }));
        } else {
            stream.close();
        }
    }

    /** A connection to one of the doors. */
    private void visit(int fd, boolean links) {
        AtomicBoolean handedOver = new AtomicBoolean();
        try {
            programs.serve(Door.stream(fd), new ApiHandler(api, new Api.Program(links), answer -> () -> {
                handedOver.set(true);
                handOver(fd, answer);
            }));
        } finally {
            if (!handedOver.get()) {
                Io.close(fd);
            }
        }
    }

    private void handOver(int fd, Api.Answer answer) {
        switch (answer) {
            case Api.Link() -> {
                boolean qemu = configuration.links.containsKey(Configuration.Kind.QEMU);
                network.join(fd, "connect#" + connections.incrementAndGet(), qemu ? Framing.BE32 : Framing.LE16, null);
            }
            case Api.Tunnel tunnel -> {
                try {
                    tunnel(fd, tunnel);
                } finally {
                    Io.close(fd);
                }
            }
            case Api.Text _ -> throw new IllegalStateException("a text is answered");
        }
    }

    /** Joins a client with a port of a guest, through a socket made for this one connection. */
    private void tunnel(int fd, Api.Tunnel tunnel) {
        try {
            Path folder = Files.createTempDirectory("sluice-tunnel");
            Path path = folder.resolve("s");
            ForwardSpec spec = new ForwardSpec(
                    new ForwardSpec.UnixSocket(path.toString()),
                    new ForwardSpec.Address(tunnel.guest()),
                    tunnel.port(),
                    false);
            try {
                network.ports().publish(List.of(spec));
                try (SocketChannel guest = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
                    HttpStream client = Door.stream(fd);
                    client.write(ByteBuffer.wrap("OK".getBytes(StandardCharsets.US_ASCII)));
                    splice(client, guest);
                }
            } finally {
                network.gateway().ports().remove(List.of(spec.listen()), false);
                Files.deleteIfExists(path);
                Files.deleteIfExists(folder);
            }
        } catch (IOException e) {
            // one end has gone, and with it the other
        }
    }

    /** Until both directions have ended, or one end breaks; the caller closes both, which nobody uses any more then. */
    private static void splice(HttpStream client, SocketChannel guest) throws IOException {
        // a platform thread, as writing to a descriptor blocks in the system
        Thread back = Thread.ofPlatform().daemon().name("tunnel").start(() -> {
            ByteBuffer buffer = ByteBuffer.allocate(PIECE);
            try {
                while (guest.read(buffer.clear()) >= 0) {
                    client.write(buffer.flip());
                }
                client.shutdownOutput();
            } catch (IOException e) {
                client.close();
            }
        });
        boolean ended = false;
        try {
            ByteBuffer buffer = ByteBuffer.allocate(PIECE);
            while (client.read(buffer.clear()) >= 0) {
                buffer.flip();
                while (buffer.hasRemaining()) {
                    guest.write(buffer);
                }
            }
            guest.shutdownOutput();
            ended = true;
        } finally {
            if (!ended) {
                guest.close();
                client.close(); // wakes the other direction
            }
            try {
                back.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The network as the API shows it. */
    private final class View implements Api.Network {
        @Override
        public Map<String, Object> leases() throws IOException {
            Map<String, Object> leases = new TreeMap<>();
            leases.put(configuration.gateway().toString(), configuration.gatewayMac.toString());
            configuration.leases().forEach((address, mac) -> leases.put(address.toString(), mac.toString()));
            for (GatewayStatus.LeaseStatus lease : network.gateway().status().leases()) {
                leases.put(lease.address().toString(), lease.mac().toString());
            }
            return leases;
        }

        @Override
        public Map<String, Object> cam() throws IOException {
            GatewayStatus status = network.gateway().status();
            Map<String, Integer> numbered = numbers.of(
                    status.links().stream().map(GatewayStatus.LinkStatus::name).toList());
            Map<String, Object> cam = new TreeMap<>();
            for (GatewayStatus.GuestStatus guest : status.guests()) {
                Integer number = numbered.get(guest.link());
                if (number != null) {
                    cam.put(guest.mac().toString(), number);
                }
            }
            return cam;
        }

        @Override
        public Map<String, Object> stats() throws IOException {
            return Stats.of(network.gateway().status());
        }
    }

    @Override
    public void close() {
        tunnels.forEach(SshTunnel::close);
        exposures.close();
        doors.forEach(Door::close);
        programs.close();
        guests.close();
        if (watch != null) {
            watch.close();
        }
        if (notifications != null) {
            notifications.close();
        }
    }
}
