package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Async.get;
import static dev.sluice.testkit.TwoHosts.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.sluice.link.Frame;
import dev.sluice.link.LinkHandler;
import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A host of the library takes segments and sends its own, over either family, without allocating anything on its loop. */
@Timeout(120)
class SegmentAllocationTest {
    private static final MacAddress MAC = MacAddress.parse("02:00:00:00:00:01");
    private static final MacAddress PEERS_MAC = MacAddress.parse("02:00:00:00:00:02");
    private static final Ipv4Address FOUR = Ipv4Address.parse("10.0.0.1");
    private static final Ipv6Address SIX = Ipv6Address.parse("fd00::1");
    private static final int PAYLOAD = 500;
    /** At a time: less than a chunk of the queue to the user, who empties it in between, so that its chunks go round. */
    private static final int COUNT = 4;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final NetConfig CONFIG =
            NetConfig.of(FOUR + "/24").withIpv6(SIX + "/64").with(MAC).with(ConflictDetection.none());

    /** Remembers only where the last segment began and the furthest ended, and how many frames went out. */
    private static final class Sink extends NowhereLink {
        LinkHandler handler;
        int transportAt;
        int sequence;
        int end;
        long frames;

        @Override
        public boolean send(Frame frame) {
            frames++;
            if (frame.headLength >= transportAt + TcpHeader.MIN_LENGTH) {
                long at = frame.headAt + transportAt;
                sequence = TcpHeader.sequence(frame.head, at);
                int header = transportAt + TcpHeader.headerLength(frame.head, at);
                end = sequence + frame.headLength + frame.bodyLength + frame.bodyWrapLength - header;
            }
            return true;
        }

        @Override
        public void start(LinkHandler to) {
            handler = to;
        }

        @Override
        public boolean offloads() {
            return true;
        }
    }

    private final Sink link = new Sink();
    private final MemorySegment memory = Arena.ofShared().allocate(2048, 8);
    private EventLoop loop;

    private byte[] segment(boolean ipv4, int sequence, int acknowledgment, int flags, int length) {
        byte[] payload = new byte[length];
        return ipv4
                ? new RawFrames(MAC, PEERS_MAC, Ipv4Address.parse("10.0.0.2"))
                        .tcp(FOUR, 4000, 80, sequence, acknowledgment, flags, payload)
                : new RawFrames6(MAC, PEERS_MAC, Ipv6Address.parse("fd00::2"))
                        .tcp(SIX, 4000, 80, sequence, acknowledgment, flags, payload);
    }

    private void handle(byte[] bytes) {
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        link.handler.onFrame(link, new Frame().set(memory, 0, bytes.length));
        link.handler.onBatchEnd(link);
    }

    private <T> T on(Callable<T> task) throws Exception {
        return Async.on(loop, task);
    }

    /**
     * Tells the host whom to answer. To be said again and again: whoever leaves the host's own questions unanswered, as this peer does, counts
     * as gone after seconds (RFC 4861 §7.3).
     */
    private void beKnown(boolean ipv4) {
        int sequence = link.sequence;
        int end = link.end;
        RawFrames four = new RawFrames(MAC, PEERS_MAC, Ipv4Address.parse("10.0.0.2"));
        RawFrames6 six = new RawFrames6(MAC, PEERS_MAC, Ipv6Address.parse("fd00::2"));
        handle(ipv4 ? four.arpRequest(FOUR) : six.solicitation(SIX));
        link.sequence = sequence; // the answer is no segment
        link.end = end;
    }

    /** A connection from the peer, whose next sequence number comes to stand in {@code next}, behind it ours. */
    private TcpConnection open(TcpListener listener, boolean ipv4, int[] next) throws Exception {
        link.transportAt = ipv4 ? 34 : 54;
        CompletableFuture<TcpConnection> accepting = async(() -> listener.accept(LONG));
        on(() -> {
            beKnown(ipv4);
            handle(segment(ipv4, next[0]++, 0, TcpHeader.SYN, 0));
            next[1] = link.sequence + 1;
            handle(segment(ipv4, next[0], next[1], TcpHeader.ACK, 0));
            return true;
        });
        return get(accepting);
    }

    /** The compiler works beside the test, and on a busy machine now and then: it has time, not a number of segments. */
    private static long patience() {
        return System.nanoTime() + Duration.ofSeconds(60).toNanos();
    }

    /** The user writes as fast as it goes; each acknowledgment lets the loop take from its queue and send. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatAnAcknowledgmentLetsOutAllocatesNothing(boolean ipv4) throws Exception {
        loop = EventLoop.start("segments");
        try (NetStack host = NetStack.open(loop, link, CONFIG);
                TcpListener listener = host.tcp().listen(80, 4)) {
            int[] next = {100, 0};
            TcpConnection connection = open(listener, ipv4, next);
            Thread writer = Thread.ofPlatform().daemon().start(() -> {
                byte[] block = new byte[64 << 10];
                try {
                    while (true) {
                        connection.write(block);
                    }
                } catch (NetException e) {
                    // The test is over.
                }
            });
            byte[] acknowledgment = segment(ipv4, next[0], next[1], TcpHeader.ACK, 0);
            Frame frame = new Frame();
            long perFrame = Long.MAX_VALUE;
            long sent = 0;
            for (long until = patience(); (perFrame >= 8 || sent == 0) && System.nanoTime() < until; ) {
                long frames = link.frames;
                long bytes = on(() -> {
                    beKnown(ipv4);
                    MemorySegment.copy(acknowledgment, 0, memory, ValueLayout.JAVA_BYTE, 0, acknowledgment.length);
                    frame.set(memory, 0, acknowledgment.length);
                    frame.checksumTrusted = true;
                    long before = THREADS.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < COUNT; i++) {
                        Bytes.put32(memory, link.transportAt + 8, link.end);
                        link.handler.onFrame(link, frame);
                        link.handler.onBatchEnd(link);
                    }
                    return THREADS.getCurrentThreadAllocatedBytes() - before;
                });
                sent = link.frames - frames;
                perFrame = sent < COUNT ? Long.MAX_VALUE : bytes / sent;
            }
            assertThat(perFrame).as("bytes per frame").isLessThan(8);
            connection.abort();
            writer.join();
        } finally {
            loop.close();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSegmentAndItsAcknowledgmentAllocateNothing(boolean ipv4) throws Exception {
        loop = EventLoop.start("segments");
        try (NetStack host = NetStack.open(loop, link, CONFIG);
                TcpListener listener = host.tcp().listen(80, 4)) {
            int[] next = {100, 0};
            TcpConnection connection = open(listener, ipv4, next);
            byte[] sink = new byte[PAYLOAD * COUNT];
            Frame frame = new Frame();
            long perSegment = Long.MAX_VALUE;
            long acknowledged = 0;
            for (long until = patience(); perSegment >= 8 && System.nanoTime() < until; ) {
                int from = next[0];
                byte[] segment = segment(ipv4, from, next[1], TcpHeader.ACK, PAYLOAD);
                long frames = link.frames;
                perSegment = on(() -> {
                    beKnown(ipv4);
                    MemorySegment.copy(segment, 0, memory, ValueLayout.JAVA_BYTE, 0, segment.length);
                    long before = THREADS.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < COUNT; i++) {
                        Bytes.put32(memory, link.transportAt + 4, from + i * PAYLOAD);
                        frame.set(memory, 0, segment.length);
                        frame.checksumTrusted = true;
                        link.handler.onFrame(link, frame);
                        link.handler.onBatchEnd(link);
                    }
                    return (THREADS.getCurrentThreadAllocatedBytes() - before) / COUNT;
                });
                acknowledged += link.frames - frames;
                next[0] += PAYLOAD * COUNT;
                for (int n = 0; n < sink.length; ) {
                    n += connection.read(sink, n, sink.length - n);
                }
            }
            assertThat(perSegment).as("bytes per segment").isLessThan(8);
            assertThat(acknowledged).as("acknowledgments").isPositive();
            connection.abort();
        } finally {
            loop.close();
        }
    }
}
