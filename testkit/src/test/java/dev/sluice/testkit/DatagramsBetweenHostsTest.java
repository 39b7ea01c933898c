package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.TwoHosts.ALICE;
import static dev.sluice.testkit.TwoHosts.BOB;
import static dev.sluice.testkit.TwoHosts.LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.Frame;
import dev.sluice.net.Datagram;
import dev.sluice.net.NetException;
import dev.sluice.net.NetLimits;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class DatagramsBetweenHostsTest {

    @ParameterizedTest
    @CsvSource({"0,true", "1,false", "1472,true", "1473,true", "1473,false", "20000,false", "65507,true"})
    void aDatagramOfAnySizeArrivesWholeWithItsSender(int size, boolean offloads) throws Exception {
        try (TwoHosts hosts = new TwoHosts(1500, offloads, NetLimits.defaults());
                UdpSocket alice = hosts.alice.udp().bind(0);
                UdpSocket bob = hosts.bob.udp().bind(53)) {
            byte[] payload = new byte[size];
            new Random(size).nextBytes(payload);
            alice.send(BOB, 53, payload);
            Datagram got = bob.receive(LONG);
            assertThat(got.payload()).isEqualTo(payload);
            assertThat(got.address()).isEqualTo(ALICE);
            assertThat(got.port()).isEqualTo(alice.port());
            bob.send(got.address(), got.port(), got.payload());
            assertThat(alice.receive(LONG).payload()).isEqualTo(payload);
        }
    }

    @Test
    void receivingTimesOut() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket socket = hosts.bob.udp().bind(53)) {
            assertThatThrownBy(() -> socket.receive(Duration.ofMillis(20))).isInstanceOf(NetException.TimedOut.class);
        }
    }

    @Test
    void aPortIsTakenOnceAndFreeAfterClose() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            UdpSocket first = hosts.bob.udp().bind(53);
            assertThatThrownBy(() -> hosts.bob.udp().bind(53)).isInstanceOf(NetException.AddressInUse.class);
            CompletableFuture<Datagram> waiting = async(first::receive);
            first.close();
            assertThatThrownBy(() -> get(waiting)).isInstanceOf(NetException.Closed.class);
            try (UdpSocket second = hosts.bob.udp().bind(53)) {
                assertThat(second.port()).isEqualTo(53);
            }
        }
    }

    @Test
    void whoPingsMaySayThatAnyTimeWillDo() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            assertThat(hosts.alice.icmp().ping(BOB, Duration.ofSeconds(Long.MAX_VALUE)))
                    .isPositive();
            assertThatThrownBy(() -> hosts.alice.icmp().ping(ALICE.plus(8), Duration.ofSeconds(Long.MIN_VALUE)))
                    .isInstanceOf(NetException.TimedOut.class);
        }
    }

    @Test
    void anInterruptedBindTakesNoPort() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.whileTheLoopIsBusy(
                    () -> TwoHosts.assertInterrupted(() -> hosts.bob.udp().bind(53)));
            hosts.bob.udp().bind(53).close();
        }
    }

    @Test
    void aPeerWithoutSocketRefuses() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket socket = hosts.alice.udp().connect(BOB, 9)) {
            socket.send(new byte[] {1});
            assertThatThrownBy(() -> socket.receive(LONG))
                    .isInstanceOf(NetException.Refused.class)
                    .hasMessageContaining("10.0.0.2");
            // Told once; the socket goes on.
            assertThatThrownBy(() -> socket.receive(Duration.ofMillis(10))).isInstanceOf(NetException.TimedOut.class);
        }
    }

    @Test
    void aConnectedSocketHearsItsPeerOnly() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket alice = hosts.alice.udp().connect(BOB, 53);
                UdpSocket stranger = hosts.bob.udp().bind(54);
                UdpSocket bob = hosts.bob.udp().bind(53)) {
            stranger.send(ALICE, alice.port(), "stranger".getBytes(US_ASCII));
            bob.send(ALICE, alice.port(), "bob".getBytes(US_ASCII));
            assertThat(alice.receive(LONG).payload()).asString(US_ASCII).isEqualTo("bob");
        }
    }

    @Test
    void aReceiverThatSleepsLosesTheNewestAndCountsThem() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket alice = hosts.alice.udp().bind(0);
                UdpSocket bob = hosts.bob.udp().bind(53)) {
            int total = 1000;
            hosts.alice.icmp().ping(BOB, LONG); // what waits for an answer to ARP is bounded, too
            for (int i = 0; i < total; i++) {
                alice.send(BOB, 53, new byte[] {(byte) (i >> 8), (byte) i});
            }
            for (int i = 0; i < total; i++) {
                alice.send(BOB, 53, new byte[1000]);
            }
            hosts.onLoop(() -> true);
            while (hosts.bob.counters().datagramsIn + bob.dropped() < 2 * total) {
                hosts.onLoop(() -> true);
            }
            assertThat(bob.dropped()).isPositive();
            for (int i = 0; i < total; i++) {
                byte[] payload = bob.receive(LONG).payload();
                assertThat(((payload[0] & 0xff) << 8) | (payload[1] & 0xff)).isEqualTo(i);
            }
            assertThat(hosts.bob.counters().datagramsDropped).isEqualTo(bob.dropped());
        }
    }

    @Test
    void aBroadcastReachesTheOther() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket alice = hosts.alice.udp().bind(0);
                UdpSocket bob = hosts.bob.udp().bind(53)) {
            alice.send(Ipv4Address.parse("10.0.0.255"), 53, new byte[] {1});
            alice.send(Ipv4Address.BROADCAST, 53, new byte[] {2});
            assertThat(bob.receive(LONG).payload()).containsExactly(1);
            assertThat(bob.receive(LONG).payload()).containsExactly(2);
        }
    }

    @Test
    void thereIsNoWayToOtherNetworksWithoutGateway() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                UdpSocket socket = hosts.alice.udp().bind(0)) {
            assertThatThrownBy(() -> socket.send(Ipv4Address.parse("192.0.2.1"), 9, new byte[1]))
                    .isInstanceOf(NetException.Unreachable.class)
                    .hasMessageContaining("no gateway");
        }
    }

    @Test
    void aPingIsAnswered() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            assertThat(hosts.alice.icmp().ping(BOB, LONG)).isPositive();
            assertThat(hosts.bob.counters().echoesAnswered()).isEqualTo(1);
        }
    }

    @Test
    void aPingThatIsLostTimesOut() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.alice.icmp().ping(BOB, LONG);
            hosts.onLoop(() -> {
                hosts.bobLink.filter(frame -> false);
                return true;
            });
            assertThatThrownBy(() -> hosts.alice.icmp().ping(BOB, Duration.ofMillis(20)))
                    .isInstanceOf(NetException.TimedOut.class);
        }
    }

    /** Every frame of this test comes to Bob as if from Alice. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void afterTenThousandMutatedFramesAHostWorksAsBefore(long seed) throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(7, 64);
                UdpSocket bob = hosts.bob.udp().bind(53);
                UdpSocket alice = hosts.alice.udp().connect(BOB, 53)) {
            TwoHosts.echo(listener);
            try (TcpConnection live = hosts.alice.tcp().connect(BOB, 7, LONG)) {
                RawFrames frames = new RawFrames(hosts.bob.mac(), hosts.alice.mac(), ALICE);
                byte[] datagram = frames.udp(BOB, 5000, 53, new byte[1200]);
                List<byte[]> seeds = List.of(
                        frames.arpRequest(BOB),
                        frames.arpReply(BOB),
                        frames.tcp(BOB, 6000, 7, 1, TcpHeader.SYN, new byte[0]),
                        frames.tcp(BOB, live.localPort(), 7, 1, TcpHeader.ACK, new byte[100]),
                        frames.tcp(BOB, live.localPort(), 7, 1, TcpHeader.ACK | TcpHeader.FIN, new byte[0]),
                        datagram,
                        frames.udp(BOB, 67, 68, new byte[300]),
                        frames.echoRequest(BOB, 56),
                        frames.portUnreachable(BOB, datagram),
                        RawFrames.fragment(datagram, 0, true),
                        RawFrames.fragment(datagram, 1208, false),
                        RawFrames.fragment(datagram, 64_000, false));
                Random random = new Random(seed);
                MemorySegment memory = Arena.ofShared().allocate(2048, 8);
                for (int i = 0; i < 48; i++) {
                    List<byte[]> batch = new ArrayList<>();
                    for (int j = 0; j < 250; j++) {
                        batch.add(RawFrames.mutate(seeds.get(random.nextInt(seeds.size())), random));
                    }
                    boolean trusted = (i & 1) != 0;
                    hosts.onLoop(() -> {
                        Frame frame = new Frame();
                        for (byte[] bytes : batch) {
                            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
                            frame.set(memory, 0, bytes.length);
                            if (trusted && bytes.length >= 54) {
                                frame.checksumStart = 34;
                                frame.checksumOffset = 16;
                            }
                            hosts.aliceLink.send(frame);
                        }
                        return true;
                    });
                    while (hosts.onLoop(hosts.bobLink::arrivingBytes) > 0) {
                        Thread.yield();
                    }
                }
                assertThat(hosts.loop.failures()).as("exceptions on the loop").isZero();
                live.write("still here".getBytes(US_ASCII));
                assertThat(live.inputStream().readNBytes(10)).asString(US_ASCII).isEqualTo("still here");
                try (TcpConnection fresh = hosts.alice.tcp().connect(BOB, 7, LONG)) {
                    fresh.write("fresh".getBytes(US_ASCII));
                    assertThat(fresh.inputStream().readNBytes(5))
                            .asString(US_ASCII)
                            .isEqualTo("fresh");
                }
                // Bob's queue may be full of what got through: such a datagram is lost, as ever, and sent again.
                Datagram got = null;
                for (int attempt = 0; got == null && attempt < 60; attempt++) {
                    alice.send("after".getBytes(US_ASCII));
                    try {
                        do {
                            got = bob.receive(Duration.ofSeconds(1));
                        } while (got.port() != alice.port() || got.payload().length != 5);
                    } catch (NetException.TimedOut e) {
                        got = null;
                    }
                }
                assertThat(got).as("a datagram after the mutated frames").isNotNull();
                assertThat(got.payload()).asString(US_ASCII).isEqualTo("after");
                assertThat(hosts.loop.failures()).as("exceptions on the loop").isZero();
            }
        }
    }
}
