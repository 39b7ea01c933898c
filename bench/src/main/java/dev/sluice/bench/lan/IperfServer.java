package dev.sluice.bench.lan;

import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server of iperf3's TCP tests, one after the other, on a thread of its own. */
final class IperfServer implements AutoCloseable {
    private static final int TEST_START = 1;
    private static final int TEST_RUNNING = 2;
    private static final int TEST_END = 4;
    private static final int PARAM_EXCHANGE = 9;
    private static final int CREATE_STREAMS = 10;
    private static final int EXCHANGE_RESULTS = 13;
    private static final int DISPLAY_RESULTS = 14;

    private static final int COOKIE = 37;
    /** Longest JSON that a client is believed to send. */
    private static final int MOST = 1 << 20;

    private static final int MOST_STREAMS = 128;
    private static final int BLOCK = 128 << 10;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final TcpListener listener;

    IperfServer(NetStack net, int port) throws IOException {
        listener = net.tcp().listen(port, MOST_STREAMS + 1);
        Thread.ofVirtual().name("iperf").start(this::serve);
    }

    private void serve() {
        while (true) {
            try (TcpConnection control = listener.accept();
                    Test test = new Test(control)) {
                test.run();
            } catch (NetException.Closed e) {
                return;
            } catch (IOException | InterruptedException e) {
                System.err.println("iperf: a test has failed: " + e.getMessage());
            }
        }
    }

    @Override
    public void close() {
        listener.close();
    }

    /** One stream of a test, and how many bytes it has moved. */
    private record Stream(TcpConnection connection, boolean sends, AtomicLong bytes, Thread thread) {}

    /** One test, from its first connection to its last. */
    private final class Test implements AutoCloseable {
        private final TcpConnection control;
        private final DataInputStream in;
        private final DataOutputStream out;
        private final List<Stream> streams = new ArrayList<>();
        private volatile boolean over;

        Test(TcpConnection control) {
            this.control = control;
            this.in = new DataInputStream(control.inputStream());
            this.out = new DataOutputStream(control.outputStream());
        }

        void run() throws IOException, InterruptedException {
            in.readFully(new byte[COOKIE]);
            state(PARAM_EXCHANGE);
            String parameters = json();
            int parallel = (int) number(parameters, "parallel", 1);
            boolean reverse = parameters.contains("\"reverse\":");
            boolean both = parameters.contains("\"bidirectional\":");
            if (parallel < 1 || parallel > MOST_STREAMS / 2 || !parameters.contains("\"tcp\":")) {
                throw new IOException("only TCP with up to " + MOST_STREAMS / 2 + " streams, not " + parameters);
            }
            state(CREATE_STREAMS);
            for (int i = 0; i < (both ? 2 * parallel : parallel); i++) {
                boolean sends = both ? i >= parallel : reverse;
                open(listener.accept(PATIENCE), sends);
            }
            state(TEST_START);
            state(TEST_RUNNING);
            long begin = System.nanoTime();
            streams.forEach(s -> s.thread.start());
            if (in.readByte() != TEST_END) {
                throw new IOException("the client ended the test early");
            }
            double seconds = (System.nanoTime() - begin) / 1e9;
            over = true;
            // A client that receives waits for whole blocks before it hears us; what it lacks of the last never comes.
            streams.forEach(s -> s.connection.close());
            state(EXCHANGE_RESULTS);
            json();
            byte[] results = results(seconds).getBytes(StandardCharsets.US_ASCII);
            out.writeInt(results.length);
            out.write(results);
            state(DISPLAY_RESULTS);
            in.read(); // IPERF_DONE, or the end
        }

        private void open(TcpConnection connection, boolean sends) throws IOException {
            new DataInputStream(connection.inputStream()).readFully(new byte[COOKIE]);
            AtomicLong bytes = new AtomicLong();
            streams.add(new Stream(
                    connection, sends, bytes, Thread.ofVirtual().unstarted(() -> move(connection, sends, bytes))));
        }

        private void move(TcpConnection connection, boolean sends, AtomicLong bytes) {
            byte[] block = new byte[BLOCK];
            try {
                while (!over) {
                    if (sends) {
                        connection.write(block);
                        bytes.getAndAdd(block.length);
                    } else {
                        int n = connection.read(block);
                        if (n < 0) {
                            return;
                        }
                        bytes.getAndAdd(n);
                    }
                }
            } catch (NetException e) {
                if (!over) {
                    System.err.println("iperf: a stream has failed: " + e.getMessage());
                }
            }
        }

        private void state(int state) throws IOException {
            out.writeByte(state);
        }

        private String json() throws IOException {
            int length = in.readInt();
            if (length < 0 || length > MOST) {
                throw new IOException("a message of " + length + " bytes");
            }
            return new String(in.readNBytes(length), StandardCharsets.UTF_8);
        }

        /** The members that the client insists on. Its streams are called 1, 3, 4, 5 and so on. */
        private String results(double seconds) {
            StringBuilder text = new StringBuilder("{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,")
                    .append("\"sender_has_retransmits\":0,\"streams\":[");
            for (int i = 0; i < streams.size(); i++) {
                text.append(i == 0 ? "" : ",")
                        .append(String.format(
                                Locale.ROOT,
                                "{\"id\":%d,\"bytes\":%d,\"retransmits\":-1,\"jitter\":0,\"errors\":0,\"packets\":0,"
                                        + "\"start_time\":0,\"end_time\":%.6f}",
                                i == 0 ? 1 : i + 2,
                                streams.get(i).bytes.get(),
                                seconds));
            }
            return text.append("]}").toString();
        }

        @Override
        public void close() {
            over = true;
            streams.forEach(s -> s.connection.abort());
        }
    }

    private static long number(String json, String name, long otherwise) {
        Matcher found = Pattern.compile("\"" + name + "\":\\s*(\\d{1,9})").matcher(json);
        return found.find() ? Long.parseLong(found.group(1)) : otherwise;
    }
}
