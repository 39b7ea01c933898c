package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GUEST_MAC;
import static dev.sluice.gateway.GuestWorld.LONG;
import static dev.sluice.gateway.GuestWorld.echoServer;
import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.Bulk.drink;
import static dev.sluice.testkit.Bulk.pour;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Ipv6Address;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The library's stack as an IPv6 guest: it makes its address of what the gateway advertises, and its flows become host sockets. */
@Timeout(180)
class Ipv6StackTest {
    private static final Ipv6Address GATEWAY = Ipv6Address.parse("fd00:5109:5ce::1");
    private static final Ipv6Address HOST = Ipv6Address.parse("fd00:5109:5ce::2");
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);

    private static GuestWorld world(int mtu, boolean offloads) throws Exception {
        NetConfig config = GuestWorld.fixedAddress()
                .with(GUEST_MAC)
                .with(ConflictDetection.none())
                .with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(60)));
        AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, mtu, true).withIpv6(SIX);
        return new GuestWorld(plan, offloads, Limits.defaults(), null, config);
    }

    @Test
    void aHostMakesItsAddressOfTheGatewaysAdvertisement() throws Exception {
        try (GuestWorld world = world(1500, true)) {
            assertThat(world.guest.ipv6Addresses().toString())
                    .isEqualTo("[fe80::50:ff:fe00:3/64, fd00:5109:5ce:0:50:ff:fe00:3/64]");
            assertThat(world.guest.ipv6Gateway()).isEqualTo(SIX.linkLocal());
            assertThat(world.guest.nameServers()).containsExactly(GATEWAY);
            assertThat(world.guest.icmp().ping(GATEWAY, LONG)).isLessThan(LONG);
            assertThat(world.guest.icmp().ping(SIX.linkLocal(), LONG)).isLessThan(LONG);
        }
    }

    @ParameterizedTest
    @CsvSource({"1500,true", "1500,false", "9000,true"})
    void tcpReachesAServerOfTheHost(int mtu, boolean offloads) throws Exception {
        try (GuestWorld world = world(mtu, offloads);
                ServerSocket server = echoServer();
                TcpConnection connection = world.guest.tcp().connect(HOST, server.getLocalPort(), LONG)) {
            CompletableFuture<byte[]> echoed = async(() -> drink(connection.inputStream()));
            byte[] sent = pour(connection.outputStream(), 5_000_000, 6);
            connection.shutdownOutput();
            assertThat(get(echoed)).isEqualTo(sent);
        }
    }

    @Test
    void udpReachesAServerOfTheHost() throws Exception {
        assumeTrue(
                NetworkInterface.getByInetAddress(InetAddress.getByName("::1")) != null,
                "needs IPv6 on the loopback of this machine");
        try (GuestWorld world = world(1500, true);
                DatagramSocket server = new DatagramSocket(0, InetAddress.getByName("::1"));
                UdpSocket socket = world.guest.udp().connect(HOST, server.getLocalPort())) {
            server.setSoTimeout((int) LONG.toMillis());
            for (int size : new int[] {5, 3000}) {
                socket.send(new byte[size]);
                DatagramPacket packet = new DatagramPacket(new byte[4000], 4000);
                server.receive(packet);
                assertThat(packet.getLength()).isEqualTo(size);
                packet.setData("answer".getBytes(US_ASCII));
                server.send(packet);
                assertThat(socket.receive(LONG).payload()).asString(US_ASCII).isEqualTo("answer");
            }
        }
    }
}
