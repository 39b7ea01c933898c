package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.GUEST;
import static dev.sluice.gateway.GuestWorld.GUEST_MAC;
import static dev.sluice.gateway.GuestWorld.HOST;
import static dev.sluice.gateway.GuestWorld.LONG;
import static dev.sluice.gateway.GuestWorld.echoServer;
import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.net.NetConfig;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import dev.sluice.testkit.RawFrames;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a guest can not do to the gateway, the host, or its own other flows. */
@Timeout(180)
class HostileGuestTest {
    private static final Ipv4Address FAR_AWAY = Ipv4Address.parse("203.0.113.9");
    private static final MacAddress OTHER_MAC = MacAddress.parse("02:50:00:00:00:99");

    private static RawFrames from(MacAddress mac, Ipv4Address source) {
        return new RawFrames(AddressPlan.DEFAULT_MAC, mac, source);
    }

    /** Lets only one port of the host's loopback be reached, so that nothing a test sends can go anywhere else. */
    private static FlowPolicy only(int port) {
        return request -> request.destination().equals(HOST) && request.destinationPort() == port
                ? new FlowPolicy.Allow(Ipv4Address.LOOPBACK, port)
                : new FlowPolicy.Reject();
    }

    private static void assertEchoes(TcpConnection connection) throws Exception {
        connection.readTimeout(LONG);
        connection.write("still here".getBytes(US_ASCII));
        assertThat(connection.inputStream().readNBytes(10)).asString(US_ASCII).isEqualTo("still here");
    }

    @Test
    void framesFromAnAddressThatIsNotTheGuestsAreDropped() throws Exception {
        try (DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                GuestWorld world = new GuestWorld();
                UdpSocket honest = world.guest.udp().connect(HOST, host.getLocalPort())) {
            world.guest.icmp().ping(GATEWAY, LONG); // now the address belongs to the guest's MAC
            byte[] lie = "spoofed".getBytes(US_ASCII);
            int port = host.getLocalPort();
            world.inject(List.of(
                    from(GUEST_MAC, Ipv4Address.parse("10.1.2.3")).udp(HOST, 1000, port, lie),
                    from(OTHER_MAC, GUEST).udp(HOST, 1001, port, lie),
                    from(GUEST_MAC, GATEWAY).udp(HOST, 1002, port, lie),
                    from(GUEST_MAC, HOST).udp(HOST, 1003, port, lie),
                    from(GUEST_MAC, Ipv4Address.parse("192.168.65.255")).udp(HOST, 1004, port, lie)));
            honest.send("honest".getBytes(US_ASCII));
            DatagramPacket first = new DatagramPacket(new byte[100], 100);
            host.setSoTimeout((int) LONG.toMillis());
            host.receive(first);
            assertThat(new String(first.getData(), 0, first.getLength(), US_ASCII))
                    .isEqualTo("honest");
            assertThat(world.gateway.status().drops()).containsEntry("spoofed-source", 5L);
            // What answers the honest one gets is not diverted by the lie about its MAC.
            host.send(first);
            assertThat(honest.receive(LONG).payload()).asString(US_ASCII).isEqualTo("honest");
        }
    }

    @Test
    void aSynFloodStaysWithinItsLimitWhileAnEstablishedFlowGoesOn() throws Exception {
        int limit = 64;
        try (FullServer full = new FullServer();
                ServerSocket server = echoServer()) {
            FlowPolicy policy = request -> new FlowPolicy.Allow(
                    Ipv4Address.LOOPBACK,
                    request.destination().equals(FAR_AWAY) ? full.port() : request.destinationPort());
            try (GuestWorld world = new GuestWorld(1500, true, limits(limit, 128), policy, GuestWorld.fixedAddress());
                    TcpConnection connection = world.connect(server)) {
                AtomicBoolean over = new AtomicBoolean();
                AtomicInteger rounds = new AtomicInteger();
                CompletableFuture<Integer> echoes = async(() -> {
                    while (!over.get()) {
                        assertEchoes(connection);
                        rounds.incrementAndGet();
                    }
                    return rounds.get();
                });
                RawFrames frames = from(GUEST_MAC, GUEST);
                for (int i = 0; i < 20; i++) {
                    List<byte[]> flood = new ArrayList<>();
                    for (int j = 0; j < 250; j++) {
                        flood.add(frames.tcp(FAR_AWAY, 1024 + i * 250 + j, 80, j, TcpHeader.SYN, new byte[0]));
                    }
                    int before = rounds.get();
                    world.inject(flood);
                    assertThat(world.gateway.status().tcp().halfOpen()).isLessThanOrEqualTo(limit);
                    while (rounds.get() == before && !echoes.isDone()) {
                        Thread.onSpinWait(); // the established flow goes on, however late its thread comes
                    }
                }
                over.set(true);
                assertThat(get(echoes)).isGreaterThanOrEqualTo(20);
                assertThat(world.gateway.status().drops().get("tcp-half-open-limit"))
                        .isGreaterThanOrEqualTo(5000L - limit);
                assertEchoes(connection);
                // The flood has its share full, and a new honest connection still gets through.
                assertThat(world.gateway.status().tcp().halfOpen()).isPositive();
                try (TcpConnection fresh = world.connect(server)) {
                    assertEchoes(fresh);
                }
            }
        }
    }

    @Test
    void aFloodOfNewUdpFlowsEvictsTheIdlestAndNewOnesStillWork() throws Exception {
        int limit = 128;
        int flows = 20_000;
        try (DatagramSocket drain = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                DatagramSocket host = new DatagramSocket(0, InetAddress.getByName("127.0.0.1"));
                GuestWorld world = new GuestWorld(1500, true, limits(64, limit), null, GuestWorld.fixedAddress())) {
            world.guest.icmp().ping(GATEWAY, LONG);
            RawFrames frames = from(GUEST_MAC, GUEST);
            for (int i = 0; i < flows; i += 500) {
                List<byte[]> flood = new ArrayList<>();
                for (int j = i; j < i + 500; j++) {
                    flood.add(frames.udp(HOST, 1024 + j, drain.getLocalPort(), new byte[] {1, 2, 3}));
                }
                world.inject(flood);
                assertThat(world.gateway.status().udp().open()).isLessThanOrEqualTo(limit);
            }
            assertThat(world.gateway.status().drops().get("udp-flow-evicted")).isGreaterThanOrEqualTo(flows - limit);
            assertUdpEchoes(world, host);
        }
    }

    private static void assertUdpEchoes(GuestWorld world, DatagramSocket host) throws Exception {
        try (UdpSocket honest = world.guest.udp().connect(HOST, host.getLocalPort())) {
            honest.send("honest".getBytes(US_ASCII));
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            host.setSoTimeout((int) LONG.toMillis());
            host.receive(packet);
            host.send(packet);
            assertThat(honest.receive(LONG).payload()).asString(US_ASCII).isEqualTo("honest");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void afterTenThousandMutatedFramesTheGatewayWorksAsBefore(long seed) throws Exception {
        int port;
        try (ServerSocket server = echoServer()) {
            port = server.getLocalPort();
            try (GuestWorld world = new GuestWorld(
                            1500,
                            true,
                            limits(64, 128),
                            only(port),
                            NetConfig.dhcp().with(GUEST_MAC));
                    TcpConnection connection = world.connect(server)) {
                assertEchoes(connection);
                List<byte[]> seeds = seeds(port, connection.localPort());
                Random random = new Random(seed);
                for (int i = 0; i < 48; i++) {
                    List<byte[]> frames = new ArrayList<>();
                    for (int j = 0; j < 250; j++) {
                        frames.add(RawFrames.mutate(seeds.get(random.nextInt(seeds.size())), random));
                    }
                    world.inject(frames, (i & 1) != 0);
                }
                assertThat(world.gateway.loop().failures())
                        .as("exceptions on the loop")
                        .isZero();
                assertEchoes(connection);
                try (TcpConnection fresh = world.connect(server)) {
                    assertEchoes(fresh);
                }
                assertThat(world.guest.icmp().ping(GATEWAY, LONG)).isPositive();
                assertThat(world.gateway.loop().failures())
                        .as("exceptions on the loop")
                        .isZero();
            }
        }
    }

    /** One of every kind of frame the gateway reads; some for the live flow from {@code livePort}. */
    private static List<byte[]> seeds(int port, int livePort) {
        RawFrames frames = from(GUEST_MAC, GUEST);
        byte[] query = {
            0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 'h', 'o', 's', 't', 6, 's', 'l', 'u', 'i', 'c', 'e', 8, 'i',
            'n', 't', 'e', 'r', 'n', 'a', 'l', 0, 0, 1, 0, 1
        };
        byte[] large = new byte[1200];
        byte[] datagram = frames.udp(HOST, 5000, port, large);
        return List.of(
                frames.arpRequest(GATEWAY),
                frames.tcp(HOST, 6000, port, 1, TcpHeader.SYN, new byte[0]),
                frames.tcp(HOST, livePort, port, 1, TcpHeader.ACK, new byte[100]),
                frames.tcp(HOST, livePort, port, 1, TcpHeader.ACK | TcpHeader.FIN, new byte[0]),
                frames.tcp(GATEWAY, 6001, 53, 1, TcpHeader.SYN, new byte[0]),
                datagram,
                frames.udp(GATEWAY, 5001, 53, query),
                frames.echoRequest(GATEWAY, 56),
                frames.echoRequest(HOST, 1000),
                frames.portUnreachable(GATEWAY, datagram),
                frames.dhcpDiscover(),
                RawFrames.fragment(datagram, 0, true),
                RawFrames.fragment(datagram, 1208, false),
                RawFrames.fragment(datagram, 64_000, false));
    }

    private static Limits limits(int halfOpen, int udpFlows) {
        return Limits.defaults()
                .change()
                .tcpHalfOpen(halfOpen)
                .udpFlows(udpFlows)
                .build();
    }
}
