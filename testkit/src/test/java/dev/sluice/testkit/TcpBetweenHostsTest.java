package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.Bulk.drink;
import static dev.sluice.testkit.Bulk.pour;
import static dev.sluice.testkit.TwoHosts.BOB;
import static dev.sluice.testkit.TwoHosts.LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.NetException;
import dev.sluice.net.NetLimits;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.TcpServer;
import dev.sluice.wire.EthernetHeader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(120)
class TcpBetweenHostsTest {
    private static final int MEGABYTE = 1 << 20;

    @Test
    void whatIsSentComesBackFromAnEchoServer() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(7, 4)) {
            TwoHosts.echo(listener);
            try (TcpConnection connection = hosts.alice.tcp().connect(BOB, 7, LONG)) {
                connection.write("hello".getBytes(US_ASCII));
                assertThat(connection.inputStream().readNBytes(5))
                        .asString(US_ASCII)
                        .isEqualTo("hello");
                assertThat(connection.remoteAddress()).isEqualTo(BOB);
                assertThat(connection.remotePort()).isEqualTo(7);
                assertThat(connection.localAddress()).isEqualTo(TwoHosts.ALICE);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1500,true", "1500,false", "9000,false", "65520,true", "576,false"})
    void fiftyMegabytesPassBothWaysAtOnceUnchanged(int mtu, boolean offloads) throws Exception {
        try (TwoHosts hosts = new TwoHosts(mtu, offloads, NetLimits.defaults());
                TwoHosts.Joined joined = hosts.join(80)) {
            long bytes = mtu < 1000 ? 10L * MEGABYTE : 50L * MEGABYTE;
            CompletableFuture<byte[]> up = async(() -> {
                byte[] sum = pour(joined.client().outputStream(), bytes, 1);
                joined.client().shutdownOutput();
                return sum;
            });
            CompletableFuture<byte[]> down = async(() -> {
                byte[] sum = pour(joined.server().outputStream(), bytes, 2);
                joined.server().shutdownOutput();
                return sum;
            });
            CompletableFuture<byte[]> gotUp = async(() -> drink(joined.server().inputStream()));
            CompletableFuture<byte[]> gotDown =
                    async(() -> drink(joined.client().inputStream()));
            assertThat(get(gotUp)).isEqualTo(get(up));
            assertThat(get(gotDown)).isEqualTo(get(down));
        }
    }

    @Test
    void aHalfClosedConnectionStillCarriesTheOtherDirection() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            joined.client().write("question".getBytes(US_ASCII));
            joined.client().shutdownOutput();
            assertThat(joined.server().inputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("question");
            joined.server().write("a late answer".getBytes(US_ASCII));
            joined.server().shutdownOutput();
            assertThat(joined.client().inputStream().readAllBytes())
                    .asString(US_ASCII)
                    .isEqualTo("a late answer");
            assertThatThrownBy(() -> joined.client().write(new byte[1])).isInstanceOf(NetException.Closed.class);
        }
    }

    @Test
    void aPortWithoutListenerRefuses() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            assertThatThrownBy(() -> hosts.alice.tcp().connect(BOB, 81, LONG))
                    .isInstanceOf(NetException.Refused.class)
                    .hasMessageContaining("10.0.0.2:81");
        }
    }

    @Test
    void anAbortIsAResetForTheOtherSideAfterWhatCameBefore() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            joined.client().write("last words".getBytes(US_ASCII));
            assertThat(joined.server().inputStream().readNBytes(4))
                    .asString(US_ASCII)
                    .isEqualTo("last");
            joined.client().abort();
            assertThat(joined.server().inputStream().readNBytes(6))
                    .asString(US_ASCII)
                    .isEqualTo(" words");
            assertThatThrownBy(() -> joined.server().read(new byte[10])).isInstanceOf(NetException.Reset.class);
            assertThatThrownBy(() -> joined.server().write(new byte[10])).isInstanceOf(NetException.Reset.class);
            assertThatThrownBy(() -> joined.client().read(new byte[10])).isInstanceOf(NetException.Closed.class);
        }
    }

    /** More than the reader's queue holds was acknowledged, so the peer may rely on its being read. */
    @Test
    void whatWasAcknowledgedIsReadBeforeTheReset() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            resetAfter(600_000, hosts, joined);
            assertThatThrownBy(() -> joined.client().write(new byte[1])).isInstanceOf(NetException.Reset.class);
            byte[] got = new byte[600_000];
            for (int n = 0; n < got.length; ) {
                n += joined.client().read(got, n, got.length - n);
            }
            for (int i = 0; i < got.length; i++) {
                assertThat(got[i]).isEqualTo((byte) (i * 31));
            }
            assertThatThrownBy(() -> joined.client().read(new byte[1])).isInstanceOf(NetException.Reset.class);
            assertThat(hosts.alice.tcp().bufferBytes()).isZero();
        }
    }

    @Test
    void whoClosesAResetConnectionGivesBackWhatWasNotRead() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            resetAfter(600_000, hosts, joined);
            assertThat(hosts.alice.tcp().bufferBytes()).isPositive();
            joined.client().close();
            assertThat(hosts.alice.tcp().bufferBytes()).isZero();
        }
    }

    @Test
    void closingTheStackEndsTheWaitForTheRestOfAResetConnection() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            resetAfter(600_000, hosts, joined);
            hosts.alice.close();
            byte[] buffer = new byte[65_536];
            assertThatThrownBy(() -> {
                        while (true) {
                            joined.client().read(buffer);
                        }
                    })
                    .isInstanceOf(NetException.Reset.class);
        }
    }

    /** Bob writes {@code bytes}, waits until all are acknowledged, and resets; Alice hears of it. */
    private static void resetAfter(int bytes, TwoHosts hosts, TwoHosts.Joined joined) throws Exception {
        byte[] data = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            data[i] = (byte) (i * 31);
        }
        joined.server().write(data);
        while (hosts.bob.tcp().bufferBytes() > 0) {
            Thread.onSpinWait();
        }
        joined.server().abort();
        while (joined.client().isOpen()) {
            Thread.onSpinWait();
        }
    }

    @Test
    void closingWithUnreadDataResetsTheOtherSide() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            joined.client().write(new byte[100]);
            assertThat(joined.server().read(new byte[1])).isEqualTo(1);
            joined.server().close();
            assertThatThrownBy(() -> joined.client().read(new byte[1])).isInstanceOf(NetException.Reset.class);
        }
    }

    /** The connection is closed just when the loop is about to acknowledge what came, before it hears of the close by itself. */
    @Test
    void closingWithUnreadDataResetsTheOtherSideWhateverTheLoopIsAt() throws Exception {
        try (TwoHosts hosts = new TwoHosts(1500, false, NetLimits.defaults());
                TwoHosts.Joined first = hosts.join(80);
                TwoHosts.Joined second = hosts.join(81)) {
            hosts.onLoop(() -> {
                hosts.bobLink.filter(frame -> {
                    first.server().close();
                    second.server().close();
                    return true;
                });
                first.client().write(new byte[4000]);
                second.client().write(new byte[4000]);
                return true;
            });
            assertThatThrownBy(() -> first.client().read(new byte[1])).isInstanceOf(NetException.Reset.class);
            assertThatThrownBy(() -> second.client().read(new byte[1])).isInstanceOf(NetException.Reset.class);
        }
    }

    @Test
    void everythingWrittenBeforeCloseArrives() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            CompletableFuture<byte[]> sum = async(() -> {
                byte[] written = pour(joined.client().outputStream(), 3 * MEGABYTE, 5);
                joined.client().close();
                return written;
            });
            assertThat(drink(joined.server().inputStream())).isEqualTo(get(sum));
        }
    }

    @Test
    void aReadTimesOutAndTheConnectionGoesOn() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            joined.client().readTimeout(Duration.ofMillis(20));
            assertThatThrownBy(() -> joined.client().read(new byte[1])).isInstanceOf(NetException.TimedOut.class);
            joined.server().write(new byte[] {42});
            joined.client().readTimeout(LONG);
            assertThat(joined.client().inputStream().read()).isEqualTo(42);
        }
    }

    @Test
    void aConnectToNobodyTimesOut() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            // Bob's cable is cut, so neither ARP nor SYN is answered.
            hosts.onLoop(() -> {
                hosts.bobLink.filter(frame -> false);
                return true;
            });
            assertThatThrownBy(() -> hosts.alice.tcp().connect(BOB, 80, Duration.ofMillis(50)))
                    .isInstanceOf(NetException.TimedOut.class);
            assertThat(hosts.alice.tcp().connections()).isZero();
        }
    }

    @Test
    void aNeighbourThatDoesNotExistIsUnreachable() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            assertThatThrownBy(() -> hosts.alice.tcp().connect(BOB.plus(7), 80, LONG))
                    .isInstanceOf(NetException.Unreachable.class)
                    .hasMessageContaining("10.0.0.9");
        }
    }

    @Test
    void withoutGatewayOtherNetworksAreUnreachable() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            assertThatThrownBy(
                            () -> hosts.alice.tcp().connect(dev.sluice.wire.Ipv4Address.parse("192.0.2.1"), 80, LONG))
                    .isInstanceOf(NetException.Unreachable.class);
        }
    }

    @Test
    void aFullBacklogLetsClientsWaitUntilThereIsRoom() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(80, 2)) {
            List<CompletableFuture<TcpConnection>> clients = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                clients.add(async(() -> hosts.alice.tcp().connect(BOB, 80, LONG)));
            }
            while (hosts.onLoop(() -> hosts.bob.counters().backlogDrops) == 0) {
                Thread.onSpinWait(); // two fit, so one of the five is turned away before the first is accepted
            }
            for (int i = 0; i < 5; i++) {
                TcpConnection server = listener.accept(LONG);
                server.write(new byte[] {1});
            }
            for (CompletableFuture<TcpConnection> client : clients) {
                assertThat(get(client).inputStream().read()).isEqualTo(1);
            }
        }
    }

    @Test
    void closingTheListenerResetsWhatWasNotAcceptedAndFreesThePort() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            TcpListener listener = hosts.bob.tcp().listen(80, 2);
            TcpConnection client = hosts.alice.tcp().connect(BOB, 80, LONG);
            assertThatThrownBy(() -> hosts.bob.tcp().listen(80, 2)).isInstanceOf(NetException.AddressInUse.class);
            CompletableFuture<TcpConnection> waiting = async(() -> {
                listener.accept(LONG);
                return listener.accept(LONG);
            });
            listener.close();
            assertThatThrownBy(() -> get(waiting)).isInstanceOf(NetException.Closed.class);
            try (TcpListener second = hosts.bob.tcp().listen(80, 2)) {
                assertThat(second.port()).isEqualTo(80);
            }
            client.abort();
        }
    }

    @Test
    void twoHundredConnectionsAtOnceKeepTheirBytesApart() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(7, 256)) {
            TwoHosts.echo(listener);
            List<CompletableFuture<byte[]>> results = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                int seed = i;
                results.add(async(() -> {
                    try (TcpConnection connection = hosts.alice.tcp().connect(BOB, 7, LONG)) {
                        CompletableFuture<byte[]> sent = async(() -> {
                            byte[] sum = pour(connection.outputStream(), 50_000, seed);
                            connection.shutdownOutput();
                            return sum;
                        });
                        byte[] got = drink(connection.inputStream());
                        assertThat(got).isEqualTo(get(sent));
                        return got;
                    }
                }));
            }
            assertThat(results.stream()
                            .map(CompletableFuture::join)
                            .map(java.util.Arrays::hashCode)
                            .distinct()
                            .count())
                    .isEqualTo(200);
        }
    }

    @Test
    void aSlowReaderStopsTheWriterWithinBoundedMemory() throws Exception {
        NetLimits limits = NetLimits.defaults().withConnections(100, 1 << 16, 16 << 10);
        try (TwoHosts hosts = new TwoHosts(1500, true, limits);
                TwoHosts.Joined joined = hosts.join(80)) {
            joined.client().writeTimeout(Duration.ofMillis(300));
            long written = 0;
            int gaveUp = 0; // each time a block may be half written
            byte[] block = new byte[4096];
            while (gaveUp == 0 || written < 1 << 16) {
                try {
                    while (written < 100L * MEGABYTE) {
                        joined.client().write(block);
                        written += block.length;
                    }
                    gaveUp++;
                } catch (NetException.TimedOut e) {
                    gaveUp++; // what the test is about: all buffers are full, unless the loop was only late
                }
            }
            // Two queues and two buffers, and nothing else, hold it.
            assertThat(written).isBetween(1L << 16, (2L << 16) + (2 * 16 << 10));
            assertThat(hosts.alice.tcp().bufferBytes()).isLessThanOrEqualTo(1 << 16);
            assertThat(hosts.bob.tcp().bufferBytes()).isLessThanOrEqualTo(1 << 16);
            joined.client().close();
            long read = 0;
            int n;
            while ((n = joined.server().read(block)) >= 0) {
                read += n;
            }
            assertThat(read).isBetween(written, written + (long) gaveUp * block.length);
        }
    }

    @Test
    void closeNeverWaitsEvenIfNothingCanBeSent() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            hosts.onLoop(() -> {
                hosts.aliceLink.filter(frame -> false);
                return true;
            });
            CompletableFuture<Object> writer = async(() -> {
                while (true) {
                    joined.client().write(new byte[65_536]);
                }
            });
            CompletableFuture<Integer> reader = async(() -> joined.client().read(new byte[1]));
            // On the loop's own thread a wait would be for ever.
            hosts.onLoop(() -> {
                joined.client().close();
                return true;
            });
            assertThatThrownBy(() -> get(writer)).isInstanceOf(NetException.Closed.class);
            assertThatThrownBy(() -> get(reader)).isInstanceOf(NetException.Closed.class);
        }
    }

    @Test
    void closingTheStackEndsEverythingThatWaits() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(81, 1)) {
            TwoHosts.Joined joined = hosts.join(80);
            CompletableFuture<Integer> reading = async(() -> joined.server().read(new byte[1]));
            CompletableFuture<TcpConnection> accepting = async(listener::accept);
            CompletableFuture<dev.sluice.net.Datagram> receiving =
                    async(() -> hosts.bob.udp().bind(53).receive());
            hosts.onLoop(() -> {
                hosts.aliceLink.filter(
                        frame -> EthernetHeader.type(frame.head, frame.headAt) == EthernetHeader.TYPE_ARP);
                return true;
            }); // or she would answer
            CompletableFuture<Duration> pinging = async(() -> hosts.bob.icmp().ping(TwoHosts.ALICE, LONG));
            hosts.bob.close();
            for (CompletableFuture<?> future : List.of(reading, accepting, receiving, pinging)) {
                assertThatThrownBy(() -> get(future)).isInstanceOf(NetException.Closed.class);
            }
            // Alice hears of it: by a reset, or because the cable is unplugged.
            assertThatThrownBy(() -> joined.client().read(new byte[1]))
                    .isInstanceOfAny(NetException.Reset.class, NetException.Closed.class);
            assertThatThrownBy(() -> hosts.bob.tcp().listen(82, 1)).isInstanceOf(NetException.Closed.class);
        }
    }

    @Test
    void anInterruptEndsTheWaitAndNothingElse() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
            Thread reader = Thread.startVirtualThread(() -> {
                try {
                    joined.client().read(new byte[1]);
                    interrupted.complete(false);
                } catch (NetException.Interrupted e) {
                    interrupted.complete(Thread.currentThread().isInterrupted());
                } catch (NetException e) {
                    interrupted.completeExceptionally(e);
                }
            });
            reader.interrupt();
            assertThat(get(interrupted)).isTrue();
            joined.server().write(new byte[] {7});
            assertThat(joined.client().inputStream().read()).isEqualTo(7);
        }
    }

    @Test
    void anInterruptedConnectOrListenLeavesNothing() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpListener listener = hosts.bob.tcp().listen(80, 16)) {
            hosts.whileTheLoopIsBusy(() -> {
                for (int i = 0; i < 5; i++) {
                    TwoHosts.assertInterrupted(() -> hosts.alice.tcp().connect(BOB, 80, LONG));
                }
                TwoHosts.assertInterrupted(() -> hosts.alice.tcp().listen(90, 1));
            });
            assertThat(hosts.alice.tcp().connections()).isZero();
            assertThatThrownBy(() -> listener.accept(Duration.ZERO)).isInstanceOf(NetException.TimedOut.class);
            hosts.alice.tcp().listen(90, 1).close();
        }
    }

    /** The interrupt comes while the loop is already at it: the caller gets what was made, or it is gone. */
    @Test
    void anInterruptAtAnyMomentOfAConnectLeavesNothing() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpServer server = hosts.bob.tcp().serve(80, 64, TwoHosts::echo)) {
            for (int i = 0; i < 200; i++) {
                CompletableFuture<Boolean> over = new CompletableFuture<>();
                Thread connecting = Thread.startVirtualThread(() -> {
                    try (TcpConnection connection = hosts.alice.tcp().connect(BOB, server.port(), LONG)) {
                        connection.abort();
                    } catch (NetException e) {
                        assertThat(e).isInstanceOf(NetException.Interrupted.class);
                    }
                    over.complete(Thread.interrupted());
                });
                for (int spins = i * 20; spins > 0; spins--) {
                    Thread.onSpinWait();
                }
                connecting.interrupt();
                get(over);
            }
            hosts.onLoop(() -> true); // the last abort is through
            assertThat(hosts.alice.tcp().connections()).isZero();
        }
    }

    @Test
    void lostFramesAreSentAgain() throws Exception {
        try (TwoHosts hosts = new TwoHosts(1500, false, NetLimits.defaults());
                TwoHosts.Joined joined = hosts.join(80)) {
            java.util.Random random = new java.util.Random(99);
            hosts.onLoop(() -> {
                hosts.aliceLink.filter(frame -> random.nextInt(200) != 0);
                hosts.bobLink.filter(frame -> random.nextInt(200) != 0);
                return true;
            });
            CompletableFuture<byte[]> sum = async(() -> {
                byte[] written = pour(joined.client().outputStream(), 5 * MEGABYTE, 3);
                joined.client().shutdownOutput();
                return written;
            });
            assertThat(drink(joined.server().inputStream())).isEqualTo(get(sum));
        }
    }
}
