package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetLimits;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;

/** Two hosts, each on one end of a cable in memory, on one loop. */
final class TwoHosts implements AutoCloseable {
    static final Ipv4Address ALICE = Ipv4Address.parse("10.0.0.1");
    static final Ipv4Address BOB = Ipv4Address.parse("10.0.0.2");
    /** Long enough for any step on any machine; no test waits this long when all is well. */
    static final Duration LONG = Duration.ofSeconds(60);

    final EventLoop loop;
    final MemoryLink aliceLink;
    final MemoryLink bobLink;
    final NetStack alice;
    final NetStack bob;

    TwoHosts(int mtu, boolean offloads, NetLimits limits) throws IOException {
        loop = EventLoop.start("two-hosts");
        MemoryLink.Pair cable = MemoryLink.pair(loop, mtu, offloads);
        aliceLink = cable.left();
        bobLink = cable.right();
        alice = NetStack.open(loop, aliceLink, config("10.0.0.1/24", "02:00:00:00:00:01", limits));
        bob = NetStack.open(loop, bobLink, config("10.0.0.2/24", "02:00:00:00:00:02", limits));
    }

    TwoHosts() throws IOException {
        this(1500, true, NetLimits.defaults());
    }

    static NetConfig config(String cidr, String mac, NetLimits limits) {
        return NetConfig.of(cidr)
                .with(MacAddress.parse(mac))
                .with(ConflictDetection.none())
                .with(limits);
    }

    /** What a test does to the loop, or while it is busy. */
    interface Step {
        void run() throws Exception;
    }

    /** Does {@code step} while the loop gets to nothing else. */
    void whileTheLoopIsBusy(Step step) throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch done = new CountDownLatch(1);
        CompletableFuture<Boolean> busy = Async.async(() -> onLoop(() -> {
            begun.countDown();
            done.await();
            return true;
        }));
        begun.await();
        try {
            step.run();
        } finally {
            done.countDown();
        }
        Async.get(busy);
    }

    /** {@code call} ends because this thread is interrupted, and leaves it so. */
    static void assertInterrupted(ThrowingCallable call) {
        Thread.currentThread().interrupt();
        try {
            assertThatThrownBy(call).isInstanceOf(NetException.Interrupted.class);
        } finally {
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    /** Runs {@code task} on the loop. */
    <T> T onLoop(Callable<T> task) throws Exception {
        return Async.on(loop, task);
    }

    /** A connection from Alice to a port of Bob's, with both ends. */
    record Joined(TcpConnection client, TcpConnection server) implements AutoCloseable {
        @Override
        public void close() {
            client.abort();
            server.abort();
        }
    }

    Joined join(int port) throws Exception {
        try (var listener = bob.tcp().listen(port, 1)) {
            CompletableFuture<TcpConnection> server = Async.async(() -> listener.accept(LONG));
            TcpConnection client = alice.tcp().connect(BOB, port, LONG);
            return new Joined(client, Async.get(server));
        }
    }

    /** Serves every connection of {@code listener} with an echo until the listener closes. */
    static List<Thread> echo(dev.sluice.net.TcpListener listener) {
        List<Thread> threads = new ArrayList<>();
        threads.add(Thread.startVirtualThread(() -> {
            try {
                while (true) {
                    TcpConnection connection = listener.accept();
                    Thread.startVirtualThread(() -> echo(connection));
                }
            } catch (NetException e) {
                // The listener was closed.
            }
        }));
        return threads;
    }

    static void echo(TcpConnection connection) {
        try (connection) {
            byte[] buffer = new byte[16_384];
            int n;
            while ((n = connection.read(buffer)) >= 0) {
                connection.write(buffer, 0, n);
            }
        } catch (NetException e) {
            // The client has gone.
        }
    }

    @Override
    public void close() {
        alice.close();
        bob.close();
        loop.close();
    }
}
