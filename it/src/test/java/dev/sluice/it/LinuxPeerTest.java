package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.TapLink;
import dev.sluice.link.WrappedLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetCounters;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Our stack and the Linux kernel's as peers over a TAP: random conversations, everything that was said compared, and what was on the wire
 * judged by tshark. {@code -Dsluice.conversations=N} for other than 40 of each kind, {@code -Dsluice.seed=S} for others.
 */
@Timeout(600)
class LinuxPeerTest {
    private static final Ipv4Address LINUX = Ipv4Address.parse("10.77.0.1");
    private static final Ipv4Address OURS = Ipv4Address.parse("10.77.0.2");
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final int PORT = 7000;
    /** What must not happen on a link that loses nothing. */
    private static final String TROUBLE = "tcp.analysis.retransmission || tcp.analysis.fast_retransmission"
            + " || tcp.analysis.spurious_retransmission || tcp.analysis.out_of_order || tcp.analysis.lost_segment"
            + " || tcp.analysis.ack_lost_segment || _ws.malformed";

    /** Nanoseconds without an answer before a tail probe, at least. */
    private static final long LEAST_SILENCE = 10_000_000;

    /**
     * Of our loop: its clock stands during a turn, so where this machine takes the processor away in the middle of one, what leaves
     * afterwards has left before, as our stack sees it.
     */
    private final AtomicLong longestTurn = new AtomicLong();

    @RegisterExtension
    final Lab lab = Lab.needing("ip", "tcpdump", "tshark");

    private NetStack net;
    private int namespace = -1;

    @AfterEach
    void close() {
        if (net != null) {
            net.close();
        }
        if (namespace >= 0) {
            Io.close(namespace);
        }
    }

    private void sh(String line) {
        lab.onHost("sh", "-c", line).output();
    }

    private void open(String sysctls, boolean large, int loss, int duplicates) throws IOException {
        // A tail loss probe says that this machine was slow for some milliseconds, not that anything was lost.
        for (String setting : (sysctls + " tcp_early_retrans=0").strip().split(" ")) {
            String[] pair = setting.split("=");
            sh("echo " + pair[1] + " >/proc/sys/net/ipv4/" + pair[0]);
        }
        TapSpec spec = TapSpec.unconfigured("peer0", 1500);
        OpenTap tap = NamespaceTap.openByPath(lab.hostNamespace(), spec);
        sh("ip link set peer0 txqueuelen 10000 && ip addr add 10.77.0.1/24 dev peer0 && ip link set peer0 up");
        if (loss == 0) {
            // Nor does what Linux sends again because this machine was slow for longer than its least timeout.
            sh("ip route change 10.77.0.0/24 dev peer0 proto kernel scope link src 10.77.0.1 rto_min 5s");
        }
        if (!large) {
            sh("ip link set peer0 gso_max_segs 1");
        }
        net = NetStack.open(
                loop -> {
                    loop.execute(() -> loop.atEndOfTurn(
                            () -> longestTurn.accumulateAndGet(System.nanoTime() - loop.now(), Math::max)));
                    Link link = new TapLink(loop, tap.fd(), tap.name(), 1500, large ? tap.offloads() : 0);
                    return loss == 0 ? link : new BadLink(link, loss, duplicates);
                },
                NetConfig.of("10.77.0.2/24").withNagle(large));
        namespace = Io.open(lab.hostNamespace().toString(), Io.O_RDONLY);
        assertThat(namespace).isNotNegative();
    }

    private <T> T inNamespace(Callable<T> work) throws Exception {
        return Namespaces.callIn(namespace, work).orElseThrow();
    }

    /**
     * One conversation, as its seed has it.
     *
     * @param weConnect who opens
     * @param up bytes from us to Linux
     * @param down bytes from Linux to us
     * @param chunk bytes per write
     * @param pause whether our reader rests now and then, so that windows close; where Linux's rests, Linux delays acknowledgments for
     *     longer than our tail probe waits, and what follows is right but no longer clean
     * @param buffer receive buffer of Linux, or 0 for its own choice
     * @param weEndFirst who sends the first FIN, where the other still sends
     * @param reset 0 for none, 1 for a reset by us, 2 by Linux, in the middle
     */
    private record Conversation(
            long seed,
            boolean weConnect,
            int up,
            int down,
            int chunk,
            boolean pause,
            int buffer,
            boolean weEndFirst,
            int reset) {
        static Conversation of(long seed) {
            Random random = new Random(seed * 7919);
            return new Conversation(
                    seed,
                    random.nextBoolean(),
                    size(random),
                    size(random),
                    1 << random.nextInt(4, 17),
                    random.nextInt(4) == 0,
                    random.nextInt(3) == 0 ? 2048 << random.nextInt(6) : 0,
                    random.nextBoolean(),
                    random.nextInt(8) == 0 ? 1 + random.nextInt(2) : 0);
        }

        private static int size(Random random) {
            return switch (random.nextInt(5)) {
                case 0 -> 0;
                case 1 -> random.nextInt(10);
                case 2 -> 1440 * random.nextInt(1, 20) + random.nextInt(-2, 3);
                case 3 -> random.nextInt(100_000);
                default -> random.nextInt(1_500_000);
            };
        }
    }

    /** One side of a conversation: blocking streams, and how to end them. */
    private interface Side extends AutoCloseable {
        InputStream in() throws IOException;

        OutputStream out() throws IOException;

        void shutdownOutput() throws IOException;

        void reset() throws IOException;

        @Override
        void close() throws IOException;
    }

    private record Ours(TcpConnection connection) implements Side {
        @Override
        public InputStream in() {
            return connection.inputStream();
        }

        @Override
        public OutputStream out() {
            return connection.outputStream();
        }

        @Override
        public void shutdownOutput() {
            connection.shutdownOutput();
        }

        @Override
        public void reset() {
            connection.abort();
        }

        @Override
        public void close() {
            connection.close();
        }
    }

    private record Linux(Socket socket) implements Side {
        @Override
        public InputStream in() throws IOException {
            return socket.getInputStream();
        }

        @Override
        public OutputStream out() throws IOException {
            return socket.getOutputStream();
        }

        @Override
        public void shutdownOutput() throws IOException {
            socket.shutdownOutput();
        }

        @Override
        public void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }

    private static byte at(long seed, int position) {
        long x = (position + seed * 31) * 0x9E37_79B9_7F4A_7C15L;
        return (byte) (x >>> 56);
    }

    private static void write(Side side, long seed, int total, int chunk) throws IOException {
        byte[] bytes = new byte[chunk];
        OutputStream out = side.out();
        for (int done = 0; done < total; ) {
            int n = Math.min(chunk, total - done);
            for (int i = 0; i < n; i++) {
                bytes[i] = at(seed, done + i);
            }
            out.write(bytes, 0, n);
            done += n;
        }
    }

    /** Reads to the end, or to {@code limit}. */
    private static int read(Side side, long seed, boolean pause, int limit) throws IOException, InterruptedException {
        byte[] bytes = new byte[20_000];
        InputStream in = side.in();
        int got = 0;
        int n;
        while (got < limit && (n = in.read(bytes)) >= 0) {
            for (int i = 0; i < n; i++) {
                if (bytes[i] != at(seed, got + i)) {
                    throw new AssertionError("wrong byte at " + (got + i));
                }
            }
            got += n;
            if (pause && side instanceof Ours && got / 200_000 != (got - n) / 200_000) {
                Thread.sleep(30);
            }
        }
        return got;
    }

    private static <T> CompletableFuture<T> async(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        Thread.ofPlatform().daemon().start(() -> {
            try {
                result.complete(work.call());
            } catch (Throwable t) {
                result.completeExceptionally(t);
            }
        });
        return result;
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    private void converse(Conversation c) throws Exception {
        Side ours;
        Side linux;
        if (c.weConnect) {
            try (ServerSocket listener = inNamespace(() -> {
                ServerSocket socket = new ServerSocket();
                if (c.buffer > 0) {
                    socket.setReceiveBufferSize(c.buffer);
                }
                socket.setReuseAddress(true);
                socket.bind(new InetSocketAddress("10.77.0.1", PORT));
                return socket;
            })) {
                CompletableFuture<TcpConnection> connecting =
                        async(() -> net.tcp().connect(LINUX, PORT, PATIENCE));
                linux = new Linux(listener.accept());
                ours = new Ours(get(connecting));
            }
        } else {
            try (TcpListener listener = net.tcp().listen(PORT, 8)) {
                linux = new Linux(inNamespace(() -> {
                    Socket socket = new Socket();
                    if (c.buffer > 0) {
                        socket.setReceiveBufferSize(c.buffer);
                    }
                    socket.connect(new InetSocketAddress("10.77.0.2", PORT), (int) PATIENCE.toMillis());
                    return socket;
                }));
                ours = new Ours(listener.accept(PATIENCE));
            }
        }
        try (ours;
                linux) {
            if (c.reset > 0) {
                interrupted(c, c.reset == 1 ? ours : linux, c.reset == 1 ? linux : ours);
            } else {
                whole(c, ours, linux);
            }
        }
    }

    private static void whole(Conversation c, Side ours, Side linux) throws Exception {
        Side first = c.weEndFirst ? ours : linux;
        Side second = c.weEndFirst ? linux : ours;
        int there = c.weEndFirst ? c.up : c.down;
        int back = c.weEndFirst ? c.down : c.up;
        CompletableFuture<Integer> got = async(() -> read(second, c.seed, c.pause, Integer.MAX_VALUE));
        CompletableFuture<Integer> answer = async(() -> read(first, ~c.seed, c.pause, Integer.MAX_VALUE));
        CompletableFuture<Boolean> half = async(() -> {
            write(second, ~c.seed, back / 2, c.chunk);
            return true;
        });
        write(first, c.seed, there, c.chunk);
        first.shutdownOutput();
        assertThat(get(got)).isEqualTo(there);
        get(half);
        // The other half goes to a peer that has ended its own side.
        byte[] rest = new byte[back - back / 2];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = at(~c.seed, back / 2 + i);
        }
        second.out().write(rest);
        second.shutdownOutput();
        assertThat(get(answer)).isEqualTo(back);
    }

    private static void interrupted(Conversation c, Side resets, Side hears) throws Exception {
        CompletableFuture<Boolean> writing = async(() -> {
            try {
                while (true) {
                    write(hears, c.seed, 100_000, c.chunk);
                }
            } catch (IOException e) {
                return e instanceof NetException.Reset || !(e instanceof NetException);
            }
        });
        read(resets, c.seed, false, 1000);
        resets.reset();
        assertThat(get(writing)).as("the writer hears of the reset").isTrue();
    }

    /** Settings of Linux, and whether segments are large. */
    @ParameterizedTest
    @CsvSource({
        "'', true",
        "'tcp_timestamps=0', true",
        "'tcp_sack=0 tcp_timestamps=0', false",
        "'tcp_window_scaling=0', false",
        "'tcp_ecn=1', true",
    })
    void everyConversationComesOutRightAndTheWireIsClean(String sysctls, boolean large) throws Exception {
        open(sysctls, large, 0, 0);
        Path capture = lab.folder().resolve("wire.pcap");
        Program tcpdump =
                lab.onHost("tcpdump", "-i", "peer0", "-s", "128", "-B", "32768", "-U", "-w", capture.toString(), "tcp");
        Await.until("tcpdump listens", tcpdump::toString, () -> tcpdump.err().contains("listening on"));
        long first = Long.getLong("sluice.seed", 1);
        long count = Long.getLong("sluice.conversations", 40);
        for (long seed = first; seed < first + count; seed++) {
            Conversation conversation = Conversation.of(seed);
            try {
                converse(conversation);
            } catch (Exception | AssertionError e) {
                throw new AssertionError(conversation + " with [" + sysctls + "]: " + e, e);
            }
        }
        tcpdump.signal("INT");
        tcpdump.exitCode();
        assertThat(tcpdump.err()).contains("\n0 packets dropped by kernel");
        assertOnlyProbes(capture, sysctls);
    }

    /**
     * What tshark finds odd must be tail probes of ours, each after the silence that it needs and counted as one (RFC 8985 §7.2): where
     * this machine is slow to answer, they are right. Nothing else may have gone again, for whatever reason our stack had.
     */
    private void assertOnlyProbes(Path capture, String sysctls) {
        Program tshark = lab.onHost(
                "tshark",
                "-r",
                capture.toString(),
                "-o",
                "tcp.analyze_sequence_numbers:TRUE",
                "-Y",
                TROUBLE,
                "-T",
                "fields",
                "-e",
                "ip.src",
                "-e",
                "tcp.analysis.rto",
                "-e",
                "_ws.expert.message",
                "-e",
                "_ws.col.Info");
        int probes = 0;
        for (String line : tshark.output().lines().toList()) {
            String[] fields = line.split("\t", -1);
            assertThat(fields[0])
                    .as("who did this with [%s]: %s", sysctls, line)
                    .isEqualTo(OURS.toString());
            // Without a time it is spurious: the answer came while the probe left.
            if (!fields[1].isEmpty() || !line.contains("spurious")) {
                assertThat(fields[1])
                        .as("silence before this with [%s]: %s", sysctls, line)
                        .isNotEmpty();
                assertThat((long) (Double.parseDouble(fields[1]) * 1e9) + longestTurn.get())
                        .as("silence before this, and a turn of our loop, with [%s]: %s", sysctls, line)
                        .isGreaterThanOrEqualTo(LEAST_SILENCE);
            }
            probes++;
        }
        NetCounters ours = net.counters();
        assertThat(ours.fastRetransmits()).as("losses told with [%s]", sysctls).isZero();
        assertThat(ours.retransmissionTimeouts())
                .as("timeouts with [%s]", sysctls)
                .isZero();
        assertThat(ours.retransmissions())
                .as("segments again with [%s]", sysctls)
                .isBetween((long) probes, ours.tailProbes());
    }

    /** A path that loses and duplicates, in both directions: nothing but the bytes is judged. */
    @ParameterizedTest
    @CsvSource({"20, 0", "100, 30", "5, 50"})
    void everyConversationComesOutRightOnABadPath(int lossPermille, int duplicatePermille) throws Exception {
        open("", false, lossPermille, duplicatePermille);
        long first = Long.getLong("sluice.seed", 1000);
        for (long seed = first; seed < first + 10; seed++) {
            Conversation c = Conversation.of(seed);
            Conversation smaller = new Conversation(
                    c.seed, c.weConnect, c.up / 8, c.down / 8, c.chunk, false, c.buffer, c.weEndFirst, 0);
            try {
                converse(smaller);
            } catch (Exception | AssertionError e) {
                throw new AssertionError(smaller + " with loss " + lossPermille + ": " + e, e);
            }
        }
    }

    /** Loses and repeats TCP's frames on their way through another link; ARP passes. */
    private static final class BadLink extends WrappedLink {
        private static final int IP_PROTOCOL = 23;
        private final int lossPermille;
        private final int duplicatePermille;
        private final Random random = new Random(11);

        BadLink(Link link, int lossPermille, int duplicatePermille) {
            super(link);
            this.lossPermille = lossPermille;
            this.duplicatePermille = duplicatePermille;
        }

        private boolean chance(int permille) {
            return random.nextInt(1000) < permille;
        }

        private static boolean isTcp(Frame frame) {
            return Bytes.u8(frame.head, frame.headAt + IP_PROTOCOL) == 6;
        }

        @Override
        public void onFrame(Link from, Frame frame) {
            if (isTcp(frame) && chance(lossPermille)) {
                return;
            }
            super.onFrame(from, frame);
            if (chance(duplicatePermille)) {
                super.onFrame(from, frame);
            }
        }

        @Override
        public boolean send(Frame frame) {
            if (isTcp(frame) && chance(lossPermille)) {
                return true;
            }
            if (chance(duplicatePermille)) {
                super.send(frame);
            }
            return super.send(frame);
        }
    }
}
