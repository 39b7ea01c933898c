package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.loop.Timer;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PacketLinkTest {
    private static final byte[] NONE = {};

    private final EventLoop loop;
    private final Recorder recorder = new Recorder();

    PacketLinkTest() throws Exception {
        loop = EventLoop.start("test");
    }

    @AfterEach
    void end() {
        assertThat(loop.failures()).as("exceptions that reached the loop").isZero();
        loop.close();
    }

    private record Pair(PacketLink link, Peer peer) {}

    private Pair pair(int type) throws Exception {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, type);
        PacketLink link = new PacketLink(loop, pair[1], "test", 1500, null);
        Peer.on(loop, () -> {
            link.start(recorder);
            return null;
        });
        return new Pair(link, new Peer(pair[0]));
    }

    private boolean send(PacketLink link, Frame frame) throws Exception {
        return Peer.on(loop, () -> link.send(frame));
    }

    @ParameterizedTest
    @ValueSource(ints = {Sockets.SEQPACKET, Sockets.DGRAM})
    void framesGoBothWaysWhole(int type) throws Exception {
        Pair pair = pair(type);
        for (int length : new int[] {14, 60, 1514, 9000, 65_535}) {
            byte[] frame = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, length);
            pair.peer.write(frame);
            assertThat(Recorder.next(recorder.frames)).isEqualTo(frame);
        }
        for (int length : new int[] {14, 60, 1514}) {
            byte[] frame = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, length);
            assertThat(send(pair.link, Frames.scattered(frame, 14, (length - 14) / 2)))
                    .isTrue();
            assertThat(pair.peer.read()).isEqualTo(frame);
        }
        pair.peer.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {Sockets.SEQPACKET, Sockets.DGRAM})
    void packetsThatAreNoFramesAreCountedAndTheNextGoodOneWorks(int type) throws Exception {
        Pair pair = pair(type);
        pair.peer.write(NONE);
        pair.peer.write(new byte[13]);
        pair.peer.write(new byte[65_536]);
        pair.peer.write(new byte[14]);
        assertThat(Recorder.next(recorder.frames)).hasSize(14);
        assertThat(pair.link.counters().droppedSize).isEqualTo(3);
        assertThat(recorder.closed).isEmpty();
        pair.peer.close();
    }

    @Test
    void superSegmentsAreCutAndFinished() throws Exception {
        Pair pair = pair(Sockets.SEQPACKET);
        byte[] payload = Frames.random(new Random(1), 60_001);
        byte[] bytes = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(7, 16, NONE, payload)));
        Frame frame = Frames.scattered(bytes, 54, 20_001);
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = 1460;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        assertThat(send(pair.link, frame)).isTrue();
        ByteBuffer all = ByteBuffer.allocate(payload.length);
        while (all.hasRemaining()) {
            byte[] segment = pair.peer.read();
            assertThat(Frames.transportChecksumOk(Frames.part(segment, 14))).isTrue();
            all.put(segment, 54, segment.length - 54);
        }
        assertThat(all.array()).isEqualTo(payload);
        pair.peer.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {Sockets.SEQPACKET, Sockets.DGRAM})
    void aReaderThatStallsCostsABoundedBufferAndLosesNothingThatWasTaken(int type) throws Exception {
        Pair pair = pair(type);
        List<byte[]> taken = new ArrayList<>();
        while (true) {
            byte[] bytes = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 60 + taken.size() % 1400);
            if (!send(pair.link, Frames.frame(bytes))) {
                break;
            }
            taken.add(bytes);
            assertThat(taken.size()).as("frames taken while nobody reads").isLessThan(100_000);
        }
        assertThat(pair.link.congested()).isTrue();
        for (byte[] bytes : taken) {
            assertThat(pair.peer.read()).isEqualTo(bytes);
        }
        assertThat(Recorder.next(recorder.room)).isTrue();
        assertThat(Peer.on(loop, pair.link::congested)).isFalse();
        assertThat(send(pair.link, Frames.frame(new byte[60]))).isTrue();
        assertThat(pair.peer.read()).hasSize(60);
        pair.peer.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {Sockets.SEQPACKET, Sockets.DGRAM})
    void aReaderThatStallsWakesNobody(int type) throws Exception {
        Pair pair = pair(type);
        int taken = 0;
        while (send(pair.link, Frames.frame(new byte[1000]))) {
            taken++;
        }
        long before = Peer.on(loop, loop::turns);
        CompletableFuture<Boolean> later = new CompletableFuture<>();
        Timer timer = Timer.of(() -> later.complete(true));
        Peer.on(loop, () -> {
            loop.schedule(timer, loop.now() + 400_000_000L);
            return null;
        });
        assertThat(later.get(60, TimeUnit.SECONDS)).isTrue();
        // The task that asked, the one that set the timer, the timer, and the one that asks now.
        assertThat(Peer.on(loop, loop::turns) - before).isLessThan(10);
        for (int i = 0; i < taken; i++) {
            assertThat(pair.peer.read()).hasSize(1000);
        }
        assertThat(Recorder.next(recorder.room)).isTrue();
        assertThat(send(pair.link, Frames.frame(new byte[60]))).isTrue();
        assertThat(pair.peer.read()).hasSize(60);
        pair.peer.close();
    }

    /** Then it is not the sender's buffer that is full but the reader's queue, of few datagrams. */
    @Test
    void aStalledReaderThatHasNotConnectedIsServedOnceItReads(@TempDir Path directory) throws Exception {
        String there = directory.resolve("there").toString();
        Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
        peer.bind(there);
        MemorySegment address = Arena.ofAuto().allocate(SocketAddress.CAPACITY);
        int length = SocketAddress.writeUnix(address, 0, there);
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0);
        Sockets.connect(fd, address, length);
        PacketLink link = new PacketLink(loop, fd, "test", 1500, null);
        Peer.on(loop, () -> {
            link.start(recorder);
            return null;
        });
        int taken = 0;
        while (send(link, Frames.frame(new byte[100]))) {
            taken++;
        }
        for (int i = 0; i < taken; i++) {
            assertThat(peer.read()).hasSize(100);
        }
        assertThat(Recorder.next(recorder.room)).isTrue();
        peer.close();
        Peer.on(loop, () -> {
            link.close();
            return null;
        });
    }

    /** As from a guest that wants a byte per segment: more frames than are held, though none is. */
    @Test
    void aFrameThatNeverFitsHoldsUpNobody() throws Exception {
        Pair pair = pair(Sockets.SEQPACKET);
        assertThat(send(pair.link, Frames.superSegment(20_000, 1))).isFalse();
        assertThat(Recorder.next(recorder.room)).isTrue();
        assertThat(Peer.on(loop, pair.link::congested)).isFalse();
        assertThat(send(pair.link, Frames.frame(new byte[60]))).isTrue();
        assertThat(pair.peer.read()).hasSize(60);
        pair.peer.close();
    }

    @Test
    void aPacketPeerThatGoesEndsTheLink() throws Exception {
        Pair pair = pair(Sockets.SEQPACKET);
        pair.peer.write(new byte[60]);
        pair.peer.close();
        assertThat(Recorder.next(recorder.frames)).hasSize(60);
        assertThat(Recorder.next(recorder.closed)).isEqualTo("disconnected");
    }

    @Test
    void aDatagramPeerThatGoesIsNoticedThoughNothingIsSent(@TempDir Path directory) throws Exception {
        String here = directory.resolve("here").toString();
        String there = directory.resolve("there").toString();
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0);
        Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
        peer.bind(there);
        MemorySegment address = Arena.ofAuto().allocate(SocketAddress.CAPACITY);
        Sockets.bind(fd, address, SocketAddress.writeUnix(address, 0, here));
        int length = SocketAddress.writeUnix(address, 0, there);
        Sockets.connect(fd, address, length);
        PacketLink link = new PacketLink(loop, fd, "test", 1500, address.asSlice(0, length));
        Peer.on(loop, () -> {
            link.start(recorder);
            return null;
        });
        peer.connect(here);
        peer.write(new byte[60]);
        assertThat(Recorder.next(recorder.frames)).hasSize(60);
        peer.close();
        assertThat(Recorder.next(recorder.closed)).isEqualTo("disconnected");
    }
}
