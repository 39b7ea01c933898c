package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.Bulk.drink;
import static dev.sluice.testkit.Bulk.pour;
import static dev.sluice.testkit.TwoHosts.LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.Datagram;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two hosts with addresses of both families on one cable: everything works over either, through the same calls. */
@Timeout(120)
class DualStackTest {
    private static final String ALICE = "fd00::a";
    private static final String BOB = "fd00::b";
    private static final MacAddress BOBS_MAC = MacAddress.parse("02:00:00:00:00:02");

    private EventLoop loop;
    private NetStack alice;
    private NetStack bob;

    private void open(int mtu, boolean offloads) throws Exception {
        loop = EventLoop.start("dual-stack");
        MemoryLink.Pair cable = MemoryLink.pair(loop, mtu, offloads);
        alice = NetStack.open(
                loop,
                cable.left(),
                NetConfig.of("10.0.0.1/24")
                        .withIpv6(ALICE + "/64")
                        .with(MacAddress.parse("02:00:00:00:00:01"))
                        .with(ConflictDetection.none()));
        bob = NetStack.open(
                loop,
                cable.right(),
                NetConfig.of("10.0.0.2/24").withIpv6(BOB + "/64").with(BOBS_MAC).with(ConflictDetection.none()));
    }

    @AfterEach
    void close() {
        alice.close();
        bob.close();
        loop.close();
    }

    /** Of Bob's, as Alice names it: his given address, his link-local one, and the one of IPv4. */
    private static IpAddress bobs(String which) {
        return which.equals("link-local") ? Ipv6Address.linkLocal(BOBS_MAC) : IpAddress.parse(which);
    }

    @ParameterizedTest
    @CsvSource({
        "10.0.0.2,1500,true",
        "fd00::b,1500,true",
        "fd00::b,1500,false",
        "fd00::b,9000,true",
        "fd00::b,1280,false",
        "fd00::b,65520,true",
        "link-local,1500,true"
    })
    void oneListenerTakesConnectionsOfBothFamilies(String address, int mtu, boolean offloads) throws Exception {
        open(mtu, offloads);
        try (TcpListener listener = bob.tcp().listen(80, 4)) {
            CompletableFuture<TcpConnection> accepting = async(() -> listener.accept(LONG));
            TcpConnection client = alice.tcp().connect(bobs(address), 80, LONG);
            TcpConnection server = get(accepting);
            assertThat(client.remoteAddress()).isEqualTo(bobs(address));
            assertThat(server.localAddress()).isEqualTo(bobs(address));
            assertThat(server.remoteAddress()).isEqualTo(client.localAddress());
            CompletableFuture<byte[]> up = async(() -> drink(server.inputStream()));
            CompletableFuture<byte[]> down = async(() -> drink(client.inputStream()));
            CompletableFuture<byte[]> sentDown = async(() -> {
                byte[] digest = pour(server.outputStream(), 3_000_000, 2);
                server.shutdownOutput();
                return digest;
            });
            byte[] sentUp = pour(client.outputStream(), 3_000_000, 1);
            client.shutdownOutput();
            assertThat(get(up)).isEqualTo(sentUp);
            assertThat(get(down)).isEqualTo(get(sentDown));
        }
        assertThat(bob.counters().malformed()).isZero();
        assertThat(bob.counters().badSegments).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0,true", "1,false", "1452,true", "1453,true", "1453,false", "20000,false", "65507,true"})
    void aDatagramOfAnySizeArrivesWholeWithItsSender(int size, boolean offloads) throws Exception {
        open(1500, offloads);
        try (UdpSocket one = alice.udp().bind(0);
                UdpSocket two = bob.udp().bind(53)) {
            byte[] payload = new byte[size];
            new Random(size).nextBytes(payload);
            one.send(IpAddress.parse(BOB), 53, payload);
            Datagram got = two.receive(LONG);
            assertThat(got.payload()).isEqualTo(payload);
            assertThat(got.address()).hasToString(ALICE);
            two.send(got.address(), got.port(), got.payload());
            assertThat(one.receive(LONG).payload()).isEqualTo(payload);
            one.send(IpAddress.parse("10.0.0.2"), 53, new byte[3]);
            assertThat(two.receive(LONG).address()).hasToString("10.0.0.1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.0.0.2", BOB, "link-local"})
    void pingsAreAnswered(String address) throws Exception {
        open(1500, true);
        assertThat(alice.icmp().ping(bobs(address), LONG)).isLessThan(LONG);
    }

    @Test
    void refusalsComeBackOverIpv6() throws Exception {
        open(1500, true);
        assertThatThrownBy(() -> alice.tcp().connect(IpAddress.parse(BOB), 81, LONG))
                .isInstanceOf(NetException.Refused.class)
                .hasMessageContaining("[fd00::b]:81");
        try (UdpSocket socket = alice.udp().connect(IpAddress.parse(BOB), 9)) {
            socket.send("anybody?".getBytes(US_ASCII));
            assertThatThrownBy(() -> socket.receive(LONG)).isInstanceOf(NetException.Refused.class);
        }
        assertThatThrownBy(() -> alice.tcp().connect(IpAddress.parse("2001:db8::1"), 80, LONG))
                .isInstanceOf(NetException.Unreachable.class)
                .hasMessageContaining("there is no router");
        assertThatThrownBy(() -> alice.tcp().connect(Ipv6Address.ALL_NODES, 80, LONG))
                .isInstanceOf(NetException.Unreachable.class);
    }

    @Test
    void anAddressThatAnotherHasIsNotTaken() throws Exception {
        open(1500, true);
        MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
        alice.close();
        alice = NetStack.open(loop, cable.left(), NetConfig.of(ALICE + "/64").with(ConflictDetection.none()));
        ConflictDetection quick = new ConflictDetection(2, Duration.ofMillis(500), 1);
        assertThatThrownBy(() -> NetStack.open(
                        loop, cable.right(), NetConfig.of(ALICE + "/64").with(quick)))
                .isInstanceOf(NetException.AddressInUse.class)
                .hasMessageContaining("fd00::a");
    }
}
