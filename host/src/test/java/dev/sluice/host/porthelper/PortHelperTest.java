package dev.sluice.host.porthelper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.posix.Io;
import dev.sluice.posix.Processes;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Both sides of the protocol. As root, who may bind low ports, all of it. */
@Timeout(120)
class PortHelperTest {
    /** In no list of services, and of nobody here. */
    private static final int PORT = 1019;

    @TempDir
    private Path folder;

    private PortHelperServer server;
    private Thread thread;
    private Path path;
    /** Whether no thread can be started. */
    private final AtomicBoolean lacking = new AtomicBoolean();

    @BeforeEach
    void start() {
        path = folder.resolve("helper");
        start(Processes.uid());
    }

    private void start(int owner) {
        int listener = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            assertThat(Sockets.bind(listener, address, SocketAddress.writeUnix(address, 0, path.toString())))
                    .isZero();
            assertThat(Sockets.listen(listener, 10)).isZero();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
        server = new PortHelperServer(listener, owner, task -> new Thread(task) {
            @Override
            public void start() {
                if (lacking.get()) {
                    throw new OutOfMemoryError("unable to create native thread: expected by the test");
                }
                super.start();
            }
        });
        thread = Thread.ofPlatform().daemon().start(() -> server.run(-1));
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        thread.join(60_000);
    }

    @Test
    void aLowPortIsHandedOverOnceAtATime() throws Exception {
        assumeTrue(Processes.effectiveUid() == 0, "needs root, who may bind low ports");
        PortHelper helper = new PortHelper(path.toString());
        int tcp = helper.bind(Ipv4Address.LOOPBACK, PORT, false);
        int udp = helper.bind(Ipv4Address.LOOPBACK, PORT, true);
        try {
            assertThat(Sockets.option(tcp, Sockets.SOL_SOCKET, Sockets.SO_ACCEPTCONN))
                    .isOne();
            assertThat(Sockets.option(udp, Sockets.SOL_SOCKET, Sockets.SO_TYPE)).isEqualTo(Sockets.DGRAM);
            assertThatThrownBy(() -> helper.bind(Ipv4Address.LOOPBACK, PORT, false))
                    .isInstanceOfSatisfying(
                            ListenException.class, e -> assertThat(e.error()).isEqualTo(HostError.ADDRESS_IN_USE));
        } finally {
            Io.close(tcp);
            Io.close(udp);
        }
        assertThatThrownBy(() -> helper.bind(Ipv4Address.parse("192.0.2.77"), PORT, false))
                .isInstanceOfSatisfying(
                        ListenException.class, e -> assertThat(e.error()).isEqualTo(HostError.NO_SUCH_ADDRESS));
        while (server.served() < 2) {
            Thread.sleep(1); // it counts what it has answered
        }
        assertThat(server.served()).isEqualTo(2);
    }

    @Test
    void highPortsAreNoneOfItsBusiness() {
        assertThatThrownBy(() -> new PortHelper(path.toString()).bind(Ipv4Address.LOOPBACK, 8080, false))
                .hasMessageContaining("may not bind it either");
        assertThat(server.served()).isZero();
    }

    @Test
    void whoeverComesWhenThereIsNoThreadIsHungUpOnAndTakesNoPlace() throws Exception {
        lacking.set(true);
        for (int i = 0; i < 20; i++) {
            try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
                assertThat(client.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            }
        }
        lacking.set(false);
        assertThatThrownBy(() -> new PortHelper(path.toString()).bind(Ipv4Address.LOOPBACK, 8080, false))
                .hasMessageContaining("may not bind it either");
    }

    @Test
    void strangersAreNotServed() throws Exception {
        assumeTrue(Processes.effectiveUid() != 0, "root is never a stranger");
        stop();
        path = folder.resolve("another");
        start(Processes.uid() + 1);
        assertThatThrownBy(() -> new PortHelper(path.toString()).bind(Ipv4Address.LOOPBACK, PORT, false))
                .isInstanceOf(ListenException.class);
    }

    @Test
    void whoeverTalksNonsenseIsHungUpOn() throws Exception {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            client.write(ByteBuffer.wrap(new byte[60]));
            ByteBuffer answer = ByteBuffer.allocate(100);
            int n;
            try {
                n = client.read(answer);
            } catch (java.io.IOException reset) {
                n = -1;
            }
            assertThat(n).isEqualTo(-1);
        }
        assertThatThrownBy(
                        () -> new PortHelper(folder.resolve("none").toString()).bind(Ipv4Address.LOOPBACK, PORT, false))
                .hasMessageContaining("No such file");
    }
}
