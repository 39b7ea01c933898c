package dev.sluice.examples;

import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.wire.Ipv4Address;
import java.io.EOFException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

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
     * @param reason why the first of them did, or null
     * @param connectMicros median time of a handshake
     */
    record Report(
            long messages, long bytes, int failed, @Nullable String reason, long connectMicros, double seconds) {
        @Override
        public String toString() {
            return String.format(
                            Locale.ROOT,
                            "%d messages (%.0f/s), %.1f Mbit/s each way, handshake %d µs (median), %d connections failed",
                            messages,
                            messages / seconds,
                            bytes * 8 / seconds / 1e6,
                            connectMicros,
                            failed)
                    + (reason == null ? "" : ": " + reason);
        }
    }

    public static void main(String... arguments) throws IOException, InterruptedException {
        Station station = Station.parse(Set.of("to", "connections", "bytes", "seconds"), arguments);
        String[] to = station.option("to", "10.0.0.1:" + Echo.PORT).split(":", 2);
        try (NetStack net = station.open()) {
            System.out.println(run(
                    net,
                    Ipv4Address.parse(to[0]),
                    to.length == 1 ? Echo.PORT : port(to[1]),
                    station.number("connections", 10),
                    station.number("bytes", 1000),
                    Duration.ofSeconds(station.number("seconds", 5))));
        }
    }

    private static int port(String text) {
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > 0xffff) {
            throw new IllegalArgumentException("--to needs ADDRESS:PORT, and '" + text + "' is no port");
        }
        return Integer.parseInt(text);
    }

    static Report run(NetStack net, Ipv4Address address, int port, int connections, int bytes, Duration time)
            throws InterruptedException {
        LongAdder messages = new LongAdder();
        LongAdder failed = new LongAdder();
        AtomicReference<@Nullable String> reason = new AtomicReference<>();
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
                        if (connection.inputStream().readNBytes(message, 0, bytes) < bytes) {
                            throw new EOFException(connection + " was ended by the other side");
                        }
                        messages.increment();
                    } while (!over.get());
                } catch (IOException e) {
                    failed.increment();
                    reason.compareAndSet(null, e.getMessage());
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
                reason.get(),
                handshakes[connections / 2] / 1000,
                (System.nanoTime() - begin) / 1e9);
    }
}
