package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What passes through the proxy costs the loop no garbage: not a byte for a packet, in tunnels and in bodies of either framing, as without a
 * proxy. Measured by the loop's thread's own counter; the guest's stack is on the same thread.
 */
@Timeout(600)
class ProxyAllocationTest {
    private static final int BLOCK = 8000;
    private static final int ROUND = 500;
    /** Of which at least 6 packets each way, with their acknowledgements: what is here is not for packets. */
    private static final long FEW = 10_000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    /** Sends one block, and sees it come. */
    private interface Step {
        void pass(byte[] block) throws IOException;
    }

    private static void assertNoGarbage(HttpWorld world, byte[] block, Step step) throws Exception {
        long allocated = Long.MAX_VALUE;
        // the first rounds compile; how long that takes is the machine's business
        for (long until = System.nanoTime() + 60_000_000_000L; allocated > FEW && System.nanoTime() - until < 0; ) {
            long before = world.world.onLoop(THREADS::getCurrentThreadAllocatedBytes);
            for (int i = 0; i < ROUND; i++) {
                step.pass(block);
            }
            allocated = world.world.onLoop(THREADS::getCurrentThreadAllocatedBytes) - before;
        }
        assertThat(allocated)
                .as("bytes for %d blocks of %d bytes", ROUND, block.length)
                .isLessThanOrEqualTo(FEW);
    }

    private static Step echoed(Client guest, HttpWorld.Line server) {
        return block -> {
            guest.out().write(block);
            guest.out().flush();
            server.in().readNBytes(block.length);
            server.out().write(block);
            server.out().flush();
            guest.in().readNBytes(block.length);
        };
    }

    @Test
    void tunnelsThatGuestsAskForAndTransparentOnesThroughAnUpstream() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            try (Client guest = world.toProxy()) {
                guest.send("CONNECT a.test:" + origin.port() + " HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
                try (Peer server = origin.accept()) {
                    assertNoGarbage(world, new byte[BLOCK], echoed(guest, server));
                }
            }
            world.routes(_ -> List.of(HttpWorld.via(origin)), 443);
            try (Client guest = world.toWorld(443)) {
                guest.send("SSH-2.0-x\r\n");
                try (Peer upstream = origin.accept()) {
                    assertThat(upstream.head()).startsWith("CONNECT 127.0.0.1:443 ");
                    upstream.send("HTTP/1.1 200 OK\r\n\r\n");
                    assertThat(upstream.read(11)).isEqualTo("SSH-2.0-x\r\n");
                    assertNoGarbage(world, new byte[BLOCK], echoed(guest, upstream));
                }
            }
        }
    }

    @Test
    void bodiesWithALengthBothWays() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999999\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n");
                guest.head();
                assertNoGarbage(world, new byte[BLOCK], echoed(guest, server));
            }
        }
    }

    @Test
    void chunksBothWays() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
                guest.head();
                byte[] chunk = (Integer.toHexString(BLOCK) + ";x=y\r\n" + "z".repeat(BLOCK) + "\r\n").getBytes();
                assertNoGarbage(world, chunk, echoed(guest, server));
            }
        }
    }
}
