package dev.sluice.examples;

import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;

/**
 * Loads an echo server: {@code --to 10.0.0.1:9000 --connections 100 --bytes 1000 --seconds 10}. Each connection sends a message, waits for
 * all of it to come back, and sends the next.
 */
public final class Load {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private Load() {}

    /**
     * What happened.
     *
     * @param messages sent and come back
     * @param failed connections that ended before their time
     * @param connectMicros median time of a handshake
     */
    record Report(long messages, long bytes, int failed, long connectMicros, double seconds) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "%d messages (%.0f/s), %.1f Mbit/s each way, handshake %d µs (median), %d connections failed",
                    messages,
                    messages / seconds,
                    bytes * 8 / seconds / 1e6,
                    connectMicros,
                    failed);
        }
    }

    public static void main(String... arguments) throws IOException, InterruptedException {
        Station station = Station.parse(arguments);
        String[] to = station.option("to", "10.0.0.1:" + Echo.PORT).split(":", 2);
        try (NetStack net = station.open()) {
            System.out.println(run(
                    net,
                    Ipv4Address.parse(to[0]),
                    to.length == 1 ? Echo.PORT : Integer.parseInt(to[1]),
                    station.number("connections", 10),
                    station.number("bytes", 1000),
                    Duration.ofSeconds(station.number("seconds", 5))));
        }
    }

    static Report run(NetStack net, Ipv4Address address, int port, int connections, int bytes, Duration time)
            throws InterruptedException {
        LongAdder messages = new LongAdder();
        LongAdder failed = new LongAdder();
        long[] handshakes = new long[connections];
        AtomicBoolean over = new AtomicBoolean();
        List<Thread> threads = new ArrayList<>();
        long begin = System.nanoTime();
        for (int i = 0; i < connections; i++) {
            int which = i;
            threads.add(Thread.startVirtualThread(() -> {
                byte[] message = new byte[bytes];
                long before = System.nanoTime();
                try (TcpConnection connection = net.tcp().connect(address, port, PATIENCE)) {
                    handshakes[which] = System.nanoTime() - before;
                    connection.noDelay(true);
                    connection.readTimeout(PATIENCE);
                    do {
                        connection.write(message);
                        connection.inputStream().readNBytes(message, 0, bytes);
                        messages.increment();
                    } while (!over.get());
                } catch (NetException e) {
                    failed.increment();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            }));
        }
        Thread.sleep(time);
        over.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
        Arrays.sort(handshakes);
        return new Report(
                messages.sum(),
                messages.sum() * bytes,
                failed.intValue(),
                handshakes[connections / 2] / 1000,
                (System.nanoTime() - begin) / 1e9);
    }
}
