package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class StreamLinkTest {
    private static final byte[] NONE = {};

    private EventLoop loop;
    private Recorder recorder;
    private Peer peer;
    private StreamLink link;

    StreamLinkTest() throws Exception {
        loop = EventLoop.start("test");
        recorder = new Recorder();
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        peer = new Peer(pair[0]);
        link = new StreamLink(loop, pair[1], pair[1], "test", 1500, Framing.BE32);
    }

    @BeforeEach
    void start() throws Exception {
        start(Framing.BE32);
    }

    private void start(Framing framing) throws Exception {
        Peer.on(loop, () -> {
            link.close();
            return null;
        });
        peer.close();
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        peer = new Peer(pair[0]);
        recorder = new Recorder();
        link = new StreamLink(loop, pair[1], pair[1], "test", 1500, framing);
        Peer.on(loop, () -> {
            link.start(recorder);
            return null;
        });
    }

    @AfterEach
    void end() throws Exception {
        Peer.on(loop, () -> {
            link.close();
            return null;
        });
        assertThat(loop.failures()).as("exceptions that reached the loop").isZero();
        loop.close();
        peer.close();
    }

    private boolean send(Frame frame) throws Exception {
        return Peer.on(loop, () -> link.send(frame));
    }

    @ParameterizedTest
    @EnumSource
    void framesGoBothWaysWhole(Framing framing) throws Exception {
        start(framing);
        for (int length : new int[] {14, 15, 60, 1514, 9000, 65_535}) {
            byte[] frame = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, length);
            peer.write(Peer.framed(framing, frame));
            assertThat(Recorder.next(recorder.frames)).isEqualTo(frame);
        }
        for (int length : new int[] {14, 15, 60, 1514}) {
            byte[] frame = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, length);
            assertThat(send(Frames.scattered(frame, 14, (length - 14) / 3))).isTrue();
            assertThat(peer.readFrame(framing)).isEqualTo(frame);
        }
        assertThat(link.counters().framesIn).isEqualTo(6);
        assertThat(link.counters().framesOut).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource
    void framesAreFoundHoweverTheStreamIsCut(Framing framing) throws Exception {
        start(framing);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> frames = new ArrayList<>();
        List<byte[]> stream = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            int length = 14 + (random.nextInt(10) == 0 ? random.nextInt(65_521) : random.nextInt(1500));
            frames.add(Frames.random(random, length));
            stream.add(Peer.framed(framing, frames.getLast()));
        }
        byte[] all = Frames.concat(stream.toArray(new byte[0][]));
        for (int at = 0; at < all.length; ) {
            int n = Math.min(all.length - at, 1 + random.nextInt(random.nextInt(20) == 0 ? 5 : 100_000));
            peer.write(java.util.Arrays.copyOfRange(all, at, at + n));
            at += n;
        }
        for (byte[] frame : frames) {
            assertThat(Recorder.next(recorder.frames)).as("seed " + seed).isEqualTo(frame);
        }
        assertThat(link.counters().framesIn).isEqualTo(500);
        int inBatches = 0;
        while (inBatches < 500) {
            inBatches += Recorder.next(recorder.batches);
        }
        assertThat(inBatches).isEqualTo(500);
    }

    @Test
    void superSegmentsAreCutAndFinished() throws Exception {
        byte[] payload = Frames.random(new Random(1), 60_001);
        byte[] bytes = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(7, 16, new byte[12], payload)));
        Frame frame = Frames.scattered(bytes, 66, 20_001);
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = 1448;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        assertThat(send(frame)).isTrue();
        ByteBuffer all = ByteBuffer.allocate(payload.length);
        while (all.hasRemaining()) {
            byte[] segment = peer.readFrame(Framing.BE32);
            assertThat(segment.length).isLessThanOrEqualTo(1514);
            assertThat(Frames.transportChecksumOk(Frames.part(segment, 14))).isTrue();
            all.put(segment, 66, segment.length - 66);
        }
        assertThat(all.array()).isEqualTo(payload);
    }

    @Test
    void aFrameThatCanNotFitIsCounted() throws Exception {
        assertThat(send(Frames.frame(Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 1519))))
                .isFalse();
        assertThat(send(Frames.frame(new byte[13]))).isFalse();
        assertThat(link.counters().droppedSize).isEqualTo(2);
    }

    private void assertEndsWith(String reason) throws Exception {
        assertThat(Recorder.next(recorder.closed)).contains(reason);
        assertThat(peer.read()).as("the connection is closed").isEmpty();
        assertThat(recorder.closed).isEmpty();
        assertThat(send(Frames.frame(new byte[60]))).isFalse();
    }

    @Test
    void aFrameOfLengthZeroEndsTheLink() throws Exception {
        byte[] good = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 60);
        peer.write(Peer.framed(Framing.BE32, good));
        assertThat(Recorder.next(recorder.frames)).isEqualTo(good);
        peer.write(new byte[4]);
        assertEndsWith("a frame of 0 bytes");
    }

    @Test
    void aFrameShorterThanAHeaderEndsTheLink() throws Exception {
        peer.write(Peer.framed(Framing.BE32, new byte[13]));
        assertThat(Recorder.next(recorder.closed)).contains("a frame of 13 bytes");
    }

    @Test
    void aFrameThatIsTooLongEndsTheLink() throws Exception {
        peer.write(ByteBuffer.allocate(4).putInt(65_536).array());
        assertEndsWith("a frame of 65536 bytes, and 65535 is the limit");
    }

    @Test
    void aLengthWithTheHighestBitEndsTheLink() throws Exception {
        peer.write(ByteBuffer.allocate(4).putInt(-1).array());
        assertEndsWith("a frame of 4294967295 bytes");
    }

    @Test
    void aShortFrameEndsALinkWithShortLengthsToo() throws Exception {
        start(Framing.LE16);
        peer.write(new byte[] {13, 0});
        assertEndsWith("a frame of 13 bytes");
    }

    @Test
    void theEndBetweenFramesIsADisconnection() throws Exception {
        byte[] good = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 60);
        peer.write(Peer.framed(Framing.BE32, good));
        Sockets.shutdown(peer.fd, Sockets.SHUT_WR);
        assertThat(Recorder.next(recorder.frames)).isEqualTo(good);
        assertThat(Recorder.next(recorder.closed)).isEqualTo("disconnected");
    }

    @Test
    void theEndWithinAFrameIsSaid() throws Exception {
        byte[] framed = Peer.framed(Framing.BE32, new byte[60]);
        peer.write(java.util.Arrays.copyOf(framed, 30));
        peer.close();
        assertThat(Recorder.next(recorder.closed)).isEqualTo("disconnected in the middle of a frame, 30 bytes into it");
        peer = new Peer(-1);
    }

    @Test
    void aReaderThatStallsCostsABoundedBufferAndIsToldOfRoomLater() throws Exception {
        byte[] bytes = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 1514);
        Frame frame = Frames.frame(bytes);
        long sent = 0;
        while (send(frame)) {
            sent++;
            assertThat(sent).as("frames taken while nobody reads").isLessThan(100_000);
        }
        assertThat(link.congested()).isTrue();
        assertThat(link.counters().droppedFull).isEqualTo(1);
        assertThat(sent).isGreaterThan(StreamLink.OUTPUT / 1518 - 2);
        for (long i = 0; i < sent; i++) {
            assertThat(peer.readFrame(Framing.BE32)).isEqualTo(bytes);
        }
        assertThat(Recorder.next(recorder.room)).isTrue();
        assertThat(Peer.on(loop, link::congested)).isFalse();
        assertThat(send(frame)).isTrue();
        assertThat(peer.readFrame(Framing.BE32)).isEqualTo(bytes);
        assertThat(recorder.room).isEmpty();
    }

    /** As from a guest that wants a byte per segment: more headers than the buffer holds, though it is empty. */
    @Test
    void aFrameThatNeverFitsHoldsUpNobody() throws Exception {
        assertThat(send(Frames.superSegment(20_000, 1))).isFalse();
        assertThat(link.counters().droppedFull).isEqualTo(1);
        assertThat(Recorder.next(recorder.room)).isTrue();
        assertThat(Peer.on(loop, link::congested)).isFalse();
        assertThat(send(Frames.frame(new byte[60]))).isTrue();
        assertThat(peer.readFrame(Framing.BE32)).hasSize(60);
    }

    @Test
    void aSlowReaderGetsEveryFrameThatWasTaken() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<byte[]> taken = new ArrayList<>();
        int read = 0;
        for (int round = 0; round < 2000; round++) {
            byte[] bytes = Frames.random(random, 14 + random.nextInt(1500));
            if (send(Frames.frame(bytes))) {
                taken.add(bytes);
            }
            if (random.nextInt(100) == 0) {
                for (int n = random.nextInt(150); n > 0 && read < taken.size(); n--) {
                    assertThat(peer.readFrame(Framing.BE32)).as("seed " + seed).isEqualTo(taken.get(read++));
                }
            }
        }
        while (read < taken.size()) {
            assertThat(peer.readFrame(Framing.BE32)).as("seed " + seed).isEqualTo(taken.get(read++));
        }
    }

    @Test
    void whenTheReaderIsGoneTheLinkEnds() throws Exception {
        peer.close();
        assertThat(Recorder.next(recorder.closed)).isEqualTo("disconnected");
        peer = new Peer(-1);
    }

    @Test
    void aHandlerThatFailsLosesOneFrameOnly() throws Exception {
        Recorder failing = new Recorder() {
            @Override
            public void onFrame(Link link, Frame frame) {
                super.onFrame(link, frame);
                if (frame.length() == 100) {
                    throw new IllegalStateException("expected by the test");
                }
            }
        };
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        EventLoop own = EventLoop.start("failing");
        StreamLink second = new StreamLink(own, pair[1], pair[1], "second", 1500, Framing.BE32);
        Peer.on(own, () -> {
            second.start(failing);
            return null;
        });
        Peer guest = new Peer(pair[0]);
        List<byte[]> all = new ArrayList<>();
        for (int length : new int[] {60, 100, 61, 100, 62}) {
            all.add(Peer.framed(Framing.BE32, new byte[length]));
        }
        guest.write(Frames.concat(all.toArray(new byte[0][])));
        for (int length : new int[] {60, 100, 61, 100, 62}) {
            assertThat(Recorder.next(failing.frames)).hasSize(length);
        }
        assertThat(own.failures()).isEqualTo(2);
        own.close();
        guest.close();
    }

    /** Counts frames, all of them and the most in one turn, and notes how many there were when another link had its first. */
    private static final class Flood implements LinkHandler {
        private final EventLoop loop;
        private final int expected;
        private final Link other;
        final CompletableFuture<Integer> seenByOther = new CompletableFuture<>();
        final CompletableFuture<Integer> mostPerTurn = new CompletableFuture<>();
        private int frames;
        private long turn;
        private int inTurn;
        private int most;

        Flood(EventLoop loop, int expected, Link other) {
            this.loop = loop;
            this.expected = expected;
            this.other = other;
        }

        @Override
        public void onFrame(Link link, Frame frame) {
            if (link == other) {
                seenByOther.complete(frames);
                return;
            }
            inTurn = loop.turns() == turn ? inTurn + 1 : 1;
            turn = loop.turns();
            most = Math.max(most, inTurn);
            if (++frames == expected) {
                mostPerTurn.complete(most);
            }
        }

        @Override
        public void onRoom(Link link) {}

        @Override
        public void onClosed(Link link, String reason) {}
    }

    private static int[] tcpPair() {
        MemorySegment address = Arena.ofAuto().allocate(SocketAddress.CAPACITY);
        int length = SocketAddress.writeV4(address, 0, 0x7f000001, 0);
        int listener = Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0);
        assertThat(Sockets.bind(listener, address, length)).isZero();
        assertThat(Sockets.listen(listener, 1)).isZero();
        assertThat(Sockets.localAddress(listener, address)).isEqualTo(length);
        int client = Sockets.socket(Sockets.AF_INET, Sockets.STREAM, 0);
        assertThat(Sockets.connect(client, address, length)).isIn(0, -Errno.EINPROGRESS);
        assertThat(Poll.await(listener, Poll.IN, 60_000)).isNotZero();
        int server = Sockets.accept(listener);
        assertThat(server).isPositive();
        Io.close(listener);
        return new int[] {client, server};
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void manySmallFramesAtOnceLeaveOthersTheirTurn(boolean tcp) throws Exception {
        int count = 20_000;
        ByteBuffer small = ByteBuffer.allocate(count * 18);
        while (small.hasRemaining()) {
            small.putInt(14).put(Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 14));
        }
        int[] pair = tcp ? tcpPair() : Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        Peer flooding = new Peer(pair[0]);
        // Far more than one turn's share is there from the first moment; the rest follows while it is read.
        int held = Io.write(pair[0], Frames.segment(small.array()), 0, 4000 * 18);
        assertThat(held).isGreaterThan(1000 * 18);
        StreamLink flooded = new StreamLink(loop, pair[1], pair[1], "flooded", 1500, Framing.BE32);
        int[] quiet = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        Peer patient = new Peer(quiet[0]);
        patient.write(Peer.framed(Framing.BE32, Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 60)));
        StreamLink other = new StreamLink(loop, quiet[1], quiet[1], "other", 1500, Framing.BE32);
        Flood flood = new Flood(loop, count, other);
        Peer.on(loop, () -> {
            flooded.start(flood);
            other.start(flood);
            return null;
        });
        flooding.write(java.util.Arrays.copyOfRange(small.array(), held, small.capacity()));
        assertThat(flood.seenByOther.get(60, TimeUnit.SECONDS)).isLessThanOrEqualTo(StreamLink.TURN_FRAMES);
        // Once for readiness and once for the work queued then, in the first turn; once in the others.
        assertThat(flood.mostPerTurn.get(60, TimeUnit.SECONDS)).isLessThanOrEqualTo(2 * StreamLink.TURN_FRAMES);
        Peer.on(loop, () -> {
            flooded.close();
            other.close();
            return null;
        });
        flooding.close();
        patient.close();
    }

    /** A cut frame is kept where it is as long as there is room for one more read behind it; that one fills the buffer to its end. */
    @Test
    void aHandlerThatFailsOnTheLastFrameOfAFullBufferDoesNotEndTheLink() throws Exception {
        Recorder failing = new Recorder() {
            @Override
            public void onFrame(Link link, Frame frame) {
                super.onFrame(link, frame);
                if (frame.length() == 100) {
                    throw new IllegalStateException("expected by the test");
                }
            }
        };
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        Sockets.setOption(pair[0], Sockets.SOL_SOCKET, Sockets.SO_SNDBUF, 1024 * 1024);
        EventLoop own = EventLoop.start("failing");
        StreamLink full = new StreamLink(own, pair[1], pair[1], "full", 1500, Framing.BE32);
        Peer.on(own, () -> {
            full.start(failing);
            return null;
        });
        List<byte[]> frames = new ArrayList<>();
        for (int length : new int[] {60, 65_535, 65_490, 65_490, 65_490, 65_490, 100}) {
            frames.add(Peer.framed(Framing.BE32, new byte[length]));
        }
        MemorySegment all = Frames.segment(Frames.concat(frames.toArray(new byte[0][])));
        // On the loop, so that each of them comes with one read.
        assertThat(Peer.on(own, () -> Io.write(pair[0], all, 0, 65_539))).isEqualTo(65_539);
        assertThat(Recorder.next(failing.frames)).hasSize(60);
        assertThat(Peer.on(own, () -> Io.write(pair[0], all, 65_539, 256 * 1024)))
                .isEqualTo(256 * 1024);
        assertThat(all.byteSize()).isEqualTo(65_539 + 256 * 1024);
        for (int length : new int[] {65_535, 65_490, 65_490, 65_490, 65_490, 100}) {
            assertThat(Recorder.next(failing.frames)).hasSize(length);
        }
        Peer guest = new Peer(pair[0]);
        guest.write(Peer.framed(Framing.BE32, new byte[61]));
        guest.close();
        assertThat(Recorder.next(failing.closed)).isEqualTo("disconnected");
        assertThat(Recorder.next(failing.frames)).hasSize(61);
        assertThat(own.failures()).isEqualTo(1);
        own.close();
    }

    @Test
    void aLinkClosedByItsHandlerDeliversNothingMore() throws Exception {
        Recorder closing = new Recorder() {
            @Override
            public void onFrame(Link link, Frame frame) {
                super.onFrame(link, frame);
                link.close();
            }
        };
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        Peer guest = new Peer(pair[0]);
        guest.write(Frames.concat(Peer.framed(Framing.BE32, new byte[60]), Peer.framed(Framing.BE32, new byte[61])));
        StreamLink second = new StreamLink(loop, pair[1], pair[1], "second", 1500, Framing.BE32);
        Peer.on(loop, () -> {
            second.start(closing);
            return null;
        });
        assertThat(Recorder.next(closing.frames)).hasSize(60);
        assertThat(guest.read()).isEmpty();
        assertThat(closing.frames).isEmpty();
        assertThat(closing.batches).isEmpty();
        assertThat(closing.closed).isEmpty();
        guest.close();
    }

    @Test
    void aPairOfPipesWorksAsStandardInputAndOutputDo() throws Exception {
        int[] in = Io.pipe(Io.O_NONBLOCK);
        int[] out = Io.pipe(Io.O_NONBLOCK);
        StreamLink pipes = new StreamLink(loop, in[0], out[1], "pipes", 1500, Framing.LE16);
        Recorder heard = new Recorder();
        Peer.on(loop, () -> {
            pipes.start(heard);
            return null;
        });
        Peer writer = new Peer(in[1]);
        Peer reader = new Peer(out[0]);
        byte[] frame = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 1514);
        writer.write(Peer.framed(Framing.LE16, frame));
        assertThat(Recorder.next(heard.frames)).isEqualTo(frame);
        // More than a pipe holds, so that the link has to wait for room.
        int sent = 0;
        while (Peer.on(loop, () -> pipes.send(Frames.frame(frame)))) {
            sent++;
        }
        for (int i = 0; i < sent; i++) {
            assertThat(reader.readFrame(Framing.LE16)).isEqualTo(frame);
        }
        assertThat(Recorder.next(heard.room)).isTrue();
        writer.close();
        assertThat(Recorder.next(heard.closed)).isEqualTo("disconnected");
        assertThat(reader.read()).isEmpty();
        reader.close();
    }
}
