package dev.sluice.testkit;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many connections fit, and how many can be set up in a second: two hosts of this process on one cable in memory and one loop, so
 * that every connection counts twice. {@code bench/capacity} runs it.
 */
public final class Capacity {
    private static final Ipv4Address SERVER = Ipv4Address.parse("10.0.0.2");
    private static final int PORT = 9000;
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int CLIENTS = 64;

    private Capacity() {}

    /** Arguments: connections to hold open, seconds to set up others. */
    public static void main(String... arguments) throws Exception {
        int connections = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 10_000;
        int seconds = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 5;
        try (EventLoop loop = EventLoop.start("capacity")) {
            MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
            try (NetStack client = host(loop, cable.left(), 1);
                    NetStack server = host(loop, cable.right(), 2);
                    TcpListener listener = server.tcp().listen(PORT, 1024)) {
                Thread.startVirtualThread(() -> serve(listener));
                // The code is compiled before anything is measured.
                setUps(client, 2);
                report(String.format(Locale.ROOT, "set-ups: %.0f/s on one loop, both ends", setUps(client, seconds)));
                long heap = heap();
                long resident = resident();
                List<TcpConnection> open = open(client, connections);
                report(String.format(
                        Locale.ROOT,
                        "%d connections open and idle, both ends: heap %.1f -> %.1f MB, resident %.1f -> %.1f MB",
                        open.size(),
                        heap / 1e6,
                        heap() / 1e6,
                        resident / 1e6,
                        resident() / 1e6));
                report(String.format(
                        Locale.ROOT, "buffers: %d bytes", client.tcp().bufferBytes()));
                open.forEach(TcpConnection::abort);
            }
        }
    }

    private static void report(String line) {
        System.out.println(line);
    }

    private static NetStack host(EventLoop loop, MemoryLink link, int number) throws NetException {
        return NetStack.open(
                loop,
                link,
                NetConfig.of("10.0.0." + number + "/24")
                        .with(MacAddress.parse("02:00:00:00:00:0" + number))
                        .with(ConflictDetection.none()));
    }

    private static final List<TcpConnection> SERVED = Collections.synchronizedList(new ArrayList<>());

    /** Keeps what stays open, and closes what the other side closes. */
    private static void serve(TcpListener listener) {
        try {
            while (true) {
                TcpConnection connection = listener.accept();
                SERVED.add(connection);
            }
        } catch (NetException e) {
            SERVED.clear(); // the listener was closed
        }
    }

    private static double setUps(NetStack client, int seconds) throws InterruptedException {
        AtomicInteger made = new AtomicInteger();
        long begin = System.nanoTime();
        long end = begin + Duration.ofSeconds(seconds).toNanos();
        together(() -> {
            while (System.nanoTime() < end) {
                client.tcp().connect(SERVER, PORT, PATIENCE).abort();
                made.incrementAndGet();
            }
        });
        double took = (System.nanoTime() - begin) / 1e9;
        SERVED.forEach(TcpConnection::abort);
        SERVED.clear();
        return made.get() / took;
    }

    private static List<TcpConnection> open(NetStack client, int connections) throws InterruptedException {
        List<TcpConnection> open = Collections.synchronizedList(new ArrayList<>());
        AtomicInteger left = new AtomicInteger(connections);
        together(() -> {
            while (left.getAndDecrement() > 0) {
                open.add(client.tcp().connect(SERVER, PORT, PATIENCE));
            }
        });
        return open;
    }

    private interface Work {
        void run() throws NetException;
    }

    private static void together(Work work) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(CLIENTS);
        for (int i = 0; i < CLIENTS; i++) {
            Thread.startVirtualThread(() -> {
                try {
                    work.run();
                } catch (NetException e) {
                    System.out.println("failed: " + e.getMessage());
                } finally {
                    done.countDown();
                }
            });
        }
        done.await();
    }

    private static long heap() {
        for (int i = 0; i < 3; i++) {
            System.gc();
        }
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory();
    }

    private static long resident() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
            }
        }
        return 0;
    }
}
