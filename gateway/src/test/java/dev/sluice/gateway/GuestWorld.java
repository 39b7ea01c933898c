package dev.sluice.gateway;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.link.Frame;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.testkit.Async;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/** A guest that is a {@link NetStack} of this process, on a cable in memory behind a real {@link Gateway}. */
final class GuestWorld implements AutoCloseable {
    static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.65.1");
    static final Ipv4Address HOST = Ipv4Address.parse("192.168.65.2");
    static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.3");
    static final MacAddress GUEST_MAC = MacAddress.parse("02:50:00:00:00:03");
    /** Long enough for any step on any machine; no test waits this long when all is well. */
    static final Duration LONG = Duration.ofSeconds(60);

    final Gateway gateway;
    /** The gateway's end of the cable, and the guest's. */
    final MemoryLink near;

    final MemoryLink far;
    final NetStack guest;
    private final MemorySegment raw = Arena.ofShared().allocate(65_536, 8);

    GuestWorld(AddressPlan plan, boolean offloads, Limits limits, @Nullable FlowPolicy policy, NetConfig config)
            throws IOException {
        Gateway.Builder builder = Gateway.builder().plan(plan).limits(limits);
        if (policy != null) {
            builder.policy(policy);
        }
        gateway = builder.start();
        MemoryLink.Pair cable = MemoryLink.pair(gateway.loop(), plan.mtu(), offloads);
        near = cable.left();
        far = cable.right();
        gateway.attach(near);
        guest = NetStack.open(gateway.loop(), far, config);
    }

    GuestWorld(int mtu, boolean offloads, Limits limits, @Nullable FlowPolicy policy, NetConfig config)
            throws IOException {
        this(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, mtu, true), offloads, limits, policy, config);
    }

    GuestWorld(int mtu, boolean offloads, Limits limits) throws IOException {
        this(mtu, offloads, limits, null, fixedAddress());
    }

    GuestWorld() throws IOException {
        this(1500, true, Limits.defaults());
    }

    static NetConfig fixedAddress() {
        return NetConfig.of(GUEST + "/24", GATEWAY.toString()).with(GUEST_MAC).with(ConflictDetection.none());
    }

    TcpConnection connect(ServerSocket server) throws IOException {
        return guest.tcp().connect(HOST, server.getLocalPort(), LONG);
    }

    // ---- raw frames from the guest's end

    /** Puts frames on the cable as if the guest had sent them, and waits until the gateway has seen them. */
    void inject(List<byte[]> frames) throws Exception {
        inject(frames, false);
    }

    /**
     * As above.
     *
     * @param trusted whether the gateway is told not to look at transport checksums, as by a kernel that left them to the device
     */
    void inject(List<byte[]> frames, boolean trusted) throws Exception {
        onLoop(() -> {
            Frame frame = new Frame();
            for (byte[] bytes : frames) {
                MemorySegment.copy(bytes, 0, raw, ValueLayout.JAVA_BYTE, 0, bytes.length);
                frame.set(raw, 0, bytes.length);
                if (trusted && bytes.length >= 54) {
                    frame.checksumStart = 34;
                    frame.checksumOffset = 16;
                }
                far.send(frame);
            }
            return true;
        });
        settle();
    }

    /** Waits until nothing is on its way to the gateway. */
    void settle() throws Exception {
        while (onLoop(near::arrivingBytes) > 0) {
            Thread.yield();
        }
    }

    <T> T onLoop(Callable<T> task) throws Exception {
        return Async.on(gateway.loop(), task);
    }

    // ---- servers on the host, and streams

    static ServerSocket server() throws IOException {
        return new ServerSocket(0, 4096, InetAddress.getByName("127.0.0.1"));
    }

    /** A server on the host that echoes every connection until it is closed. */
    static ServerSocket echoServer() throws IOException {
        ServerSocket server = server();
        Thread.startVirtualThread(() -> {
            try {
                while (true) {
                    Socket socket = server.accept();
                    Thread.startVirtualThread(() -> echo(socket));
                }
            } catch (IOException e) {
                // The server was closed.
            }
        });
        return server;
    }

    private static void echo(Socket socket) {
        try (socket) {
            socket.getInputStream().transferTo(socket.getOutputStream());
        } catch (IOException e) {
            // The guest has gone.
        }
    }

    @Override
    public void close() {
        guest.close();
        gateway.close();
    }
}
