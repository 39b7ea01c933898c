package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.TwoHosts.BOB;
import static dev.sluice.testkit.TwoHosts.LONG;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.Datagram;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetLimits;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Servers as scopes, connections as channels, settings of a connection. */
@Timeout(120)
class ConnectionOwnershipTest {
    @Test
    void aServerServesManyAtOnceAndItsHandlersEndWithTheirConnections() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpServer echo = hosts.bob.tcp().serve(9000, 16, TwoHosts::echo)) {
            List<CompletableFuture<String>> answers = new ArrayList<>();
            for (int i = 0; i < 50; i++) {
                String text = "hello " + i;
                answers.add(async(() -> {
                    try (TcpConnection c = hosts.alice.tcp().connect(BOB, 9000, LONG)) {
                        c.write(text.getBytes(US_ASCII));
                        c.shutdownOutput();
                        return new String(c.inputStream().readAllBytes(), US_ASCII);
                    }
                }));
            }
            for (int i = 0; i < 50; i++) {
                assertThat(get(answers.get(i))).isEqualTo("hello " + i);
            }
            echo.close();
            echo.join();
            assertThat(echo.connections()).isZero();
        }
    }

    @Test
    void nothingOutlivesAServerNotEvenAHandlerThatWaitsForSomethingElse() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
            TcpServer server = hosts.bob.tcp().serve(9000, 16, c -> {
                try {
                    Thread.sleep(Duration.ofDays(1));
                } catch (InterruptedException e) {
                    interrupted.complete(true);
                    throw e;
                }
            });
            TcpConnection client = hosts.alice.tcp().connect(BOB, 9000, LONG);
            client.write(new byte[] {1});
            while (server.connections() == 0) {
                Thread.onSpinWait();
            }
            server.close();
            assertThat(get(interrupted)).isTrue();
            server.join();
            assertThatThrownBy(() -> client.read(new byte[1])).isInstanceOf(NetException.Reset.class);
            assertThatThrownBy(() -> hosts.alice.tcp().connect(BOB, 9000, LONG))
                    .isInstanceOf(NetException.Refused.class);
        }
    }

    @Test
    void aHandlerThatFailsResetsItsConnectionAndNoOther() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TcpServer server = hosts.bob.tcp().serve(9000, 16, c -> {
                    if (c.inputStream().read() == 'x') {
                        throw new IllegalStateException("meant by the test");
                    }
                    c.write(new byte[] {'y'});
                });
                TcpConnection bad = hosts.alice.tcp().connect(BOB, 9000, LONG);
                TcpConnection good = hosts.alice.tcp().connect(BOB, server.port(), LONG)) {
            bad.write(new byte[] {'x'});
            assertThatThrownBy(() -> bad.read(new byte[1])).isInstanceOf(NetException.Reset.class);
            good.write(new byte[] {'a'});
            assertThat(good.inputStream().read()).isEqualTo('y');
        }
    }

    @Test
    void theChannelViewMovesBuffersOfBothKinds() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            ByteChannel client = joined.client().channel();
            ByteChannel server = joined.server().channel();
            ByteBuffer out = ByteBuffer.allocateDirect(100_000);
            while (out.hasRemaining()) {
                out.put((byte) (out.position() * 7));
            }
            out.flip();
            CompletableFuture<Integer> written = async(() -> client.write(out));
            ByteBuffer in = ByteBuffer.allocate(100_000);
            while (in.hasRemaining()) {
                assertThat(server.read(in)).isPositive();
            }
            assertThat(get(written)).isEqualTo(100_000);
            for (int i = 0; i < in.capacity(); i++) {
                assertThat(in.get(i)).isEqualTo((byte) (i * 7));
            }
            ByteBuffer heap = ByteBuffer.wrap(new byte[] {9, 8, 7}, 1, 2);
            assertThat(server.write(heap)).isEqualTo(2);
            ByteBuffer direct = ByteBuffer.allocateDirect(2);
            while (direct.hasRemaining()) {
                client.read(direct);
            }
            assertThat(direct.get(0)).isEqualTo((byte) 8);
            joined.server().shutdownOutput();
            direct.clear();
            assertThat(client.read(direct)).isEqualTo(-1);
            client.close();
            assertThat(client.isOpen()).isFalse();
            assertThatThrownBy(() -> client.write(direct)).isInstanceOf(ClosedChannelException.class);
        }
    }

    @Test
    void whoWaitsIsToldThatTheLinkHasEndedAndWhy() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            CompletableFuture<Integer> reading = async(() -> joined.client().read(new byte[1]));
            CompletableFuture<Datagram> receiving =
                    async(() -> hosts.alice.udp().bind(53).receive());
            hosts.onLoop(() -> {
                hosts.bobLink.filter(frame -> false); // no reset is seen before
                hosts.bobLink.close();
                return true;
            });
            for (CompletableFuture<?> future : List.of(reading, receiving)) {
                assertThatThrownBy(() -> get(future))
                        .isInstanceOf(NetException.Closed.class)
                        .hasMessageContaining("the link memory-left ended: the other end of the cable was closed");
            }
        }
    }

    @Test
    void afterAWriteThatFailedTheBufferSaysHowMuchWasTaken() throws Exception {
        for (ByteBuffer out : List.of(ByteBuffer.allocate(8 << 20), ByteBuffer.allocateDirect(8 << 20))) {
            try (TwoHosts hosts = new TwoHosts();
                    TwoHosts.Joined joined = hosts.join(80)) {
                joined.client().writeTimeout(Duration.ofMillis(100));
                ByteChannel channel = joined.client().channel();
                assertThatThrownBy(() -> channel.write(out)).isInstanceOf(NetException.TimedOut.class);
                assertThat(out.position()).isBetween(1 << 20, (8 << 20) - 1);
                joined.client().shutdownOutput();
                assertThat(joined.server().inputStream().readAllBytes()).hasSize(out.position());
            }
        }
    }

    @Test
    void anInterruptedOpenLeavesNoHostOnTheLink() throws Exception {
        try (TwoHosts hosts = new TwoHosts()) {
            MemoryLink.Pair cable = MemoryLink.pair(hosts.loop, 1500, true);
            NetConfig config = TwoHosts.config("10.0.1.1/24", "02:00:00:00:00:03", NetLimits.defaults());
            NetStack other = NetStack.open(hosts.loop, cable.right(), config);
            hosts.whileTheLoopIsBusy(
                    () -> TwoHosts.assertInterrupted(() -> NetStack.open(hosts.loop, cable.left(), config)));
            while (other.isOpen()) {
                Thread.onSpinWait(); // until it is told that the cable is unplugged
            }
        }
    }

    @Test
    void settingsOfAConnectionAreChecked() throws Exception {
        try (TwoHosts hosts = new TwoHosts();
                TwoHosts.Joined joined = hosts.join(80)) {
            TcpConnection c = joined.client();
            c.noDelay(true);
            c.keepAlive(Duration.ofHours(2), Duration.ofSeconds(75), 9);
            c.userTimeout(Duration.ofMinutes(1));
            c.codepoint(46);
            c.hopLimit(1);
            assertThatThrownBy(() -> c.codepoint(64)).hasMessageContaining("64");
            assertThatThrownBy(() -> c.hopLimit(0)).hasMessageContaining("hop limit");
            assertThatThrownBy(() -> c.keepAlive(Duration.ZERO, Duration.ZERO, 1))
                    .hasMessageContaining("keepAlive");
            c.write(new byte[] {3});
            assertThat(joined.server().inputStream().read()).isEqualTo(3);
        }
    }
}
