package dev.sluice.control;

import dev.sluice.control.diagnose.TarWriter;
import dev.sluice.gateway.Captures;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.link.capture.Capture;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Rule;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv6Address;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/**
 * VPNKit's diagnostics socket: whoever connects is sent a tar of plain files, and the connection closes. {@code connections} has what
 * guests talk to, {@code flows} each flow, {@code endpoints} the UDP ones, {@code ports} the guests on the switch, {@code capture/} the
 * rings.
 */
public final class DiagnosticsSocket implements AutoCloseable {
    /** Readers at a time; one more is sent nothing. */
    private static final int READERS = 4;

    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Path path;
    private final ControlBackend backend;
    private final ServerSocketChannel listener;
    private final Semaphore room = new Semaphore(READERS);

    /**
     * Begins to serve; rings are kept from now on.
     *
     * @throws ControlException saying why it could not be bound and what to do
     */
    public DiagnosticsSocket(Path path, ControlBackend backend) throws ControlException {
        this.path = path.toAbsolutePath();
        this.backend = backend;
        ControlSockets.makeRoom(this.path);
        try {
            backend.captures().keepRings();
            listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            listener.bind(UnixDomainSocketAddress.of(this.path));
            Files.setPosixFilePermissions(this.path, PosixFilePermissions.fromString("rw-------"));
        } catch (IOException e) {
            throw new ControlException(
                    "could not make the diagnostics socket " + path + ": " + ControlSockets.reason(e), e);
        }
        Thread acceptor = new Thread(null, this::accept, "diagnostics", 128 << 10);
        acceptor.setDaemon(true);
        acceptor.start();
    }

    private void accept() {
        while (listener.isOpen()) {
            try {
                SocketChannel client = listener.accept();
                if (room.tryAcquire()) {
                    Thread.ofVirtual().name("diagnostics-reader").start(() -> serve(client));
                } else {
                    client.close();
                }
            } catch (IOException e) {
                if (listener.isOpen()) {
                    pause(); // out of descriptors, most likely
                }
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(100);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void serve(SocketChannel client) {
        Thread watch = Thread.ofVirtual().name("diagnostics-watch").start(() -> {
            try {
                Thread.sleep(PATIENCE);
                client.close();
            } catch (InterruptedException | IOException e) {
                // it is over
            }
        });
        try (client) {
            write(Channels.newOutputStream(client));
        } catch (IOException e) {
            // it left, or was too slow
        } finally {
            watch.interrupt();
            room.release();
        }
    }

    private void write(OutputStream out) throws IOException {
        StringBuilder connections = new StringBuilder();
        StringBuilder flows = new StringBuilder();
        StringBuilder endpoints = new StringBuilder();
        for (FlowInfo flow : backend.flows()) {
            String protocol = flow.protocol().name();
            String remote = end(flow.remote(), flow.remotePort());
            String guest = end(flow.guest(), flow.guestPort());
            connections
                    .append(protocol.toLowerCase(Locale.ROOT))
                    .append(':')
                    .append(remote)
                    .append('\n');
            flows.append(protocol)
                    .append(' ')
                    .append(guest)
                    .append(" > ")
                    .append(remote)
                    .append(" socket = ")
                    .append(flow.localPort() == 0 ? "closed" : "open")
                    .append(" state = ")
                    .append(flow.state())
                    .append('\n');
            if (protocol.equals("UDP")) {
                endpoints.append(remote).append(" <-> ").append(guest).append('\n');
            }
        }
        for (ForwardInfo forward : backend.forwards()) {
            boolean path = forward.listen().startsWith("/");
            connections
                    .append(path ? "unix" : forward.protocol())
                    .append(':')
                    .append(forward.listen())
                    .append('\n');
        }
        long now = System.currentTimeMillis() / 1000;
        StringBuilder ports = new StringBuilder();
        for (GatewayStatus.GuestStatus guest : backend.status().guests()) {
            ports.append(guest.address())
                    .append(" last_active_time = ")
                    .append(now - guest.idleSeconds())
                    .append('\n');
        }
        try (TarWriter tar = new TarWriter(out)) {
            tar.add("connections", utf8(connections), now);
            tar.add("flows", utf8(flows), now);
            tar.add("endpoints", utf8(endpoints), now);
            tar.add("ports", utf8(ports), now);
            Captures captures = backend.captures();
            for (Capture.RingStatus ring : captures.status().rings()) {
                ByteArrayOutputStream held = new ByteArrayOutputStream();
                try (CaptureSession session = captures.ring(Rule.of(ring.name()), "", false)) {
                    session.run(CaptureFormat.PCAP, Channels.newChannel(held), 0);
                }
                tar.add("capture/" + ring.name().replace('-', '_') + ".pcap", held.toByteArray(), now);
            }
        }
    }

    private static String end(@Nullable IpAddress address, int port) {
        return switch (address) {
            case null -> "0.0.0.0:0";
            case Ipv6Address six -> "[" + six + "]:" + port;
            default -> address + ":" + port;
        };
    }

    private static byte[] utf8(StringBuilder text) {
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    /** Removes the socket. */
    @Override
    public void close() {
        try {
            listener.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            // nothing is lost
        }
    }
}
