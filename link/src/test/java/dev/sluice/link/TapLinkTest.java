package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.link.tap.OpenTap;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Sockets;
import dev.sluice.posix.Tun;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** With a packet socket in the place of the TAP: it too carries one frame per read and write. */
class TapLinkTest {
    private static final byte[] NONE = {};
    private static final int ALL = Tun.TUN_F_CSUM | Tun.TUN_F_TSO4 | Tun.TUN_F_TSO6 | Tun.TUN_F_USO;

    private final EventLoop loop;
    private final Recorder recorder = new Recorder();
    private final Frame last = new Frame();
    private final Peer peer;
    private boolean gone;
    private final int fd;

    TapLinkTest() throws Exception {
        loop = EventLoop.start("test");
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        peer = new Peer(pair[0]);
        fd = pair[1];
    }

    @AfterEach
    void end() {
        assertThat(loop.failures()).as("exceptions that reached the loop").isZero();
        loop.close();
        if (!gone) {
            peer.close();
        }
    }

    private TapLink link(int offloads, int slots, int budget) throws Exception {
        TapLink link = new TapLink(loop, fd, "tap0", 1500, offloads, slots, budget);
        Peer.on(loop, () -> {
            link.start(recorder);
            return null;
        });
        return link;
    }

    private static byte[] header(int flags, int gso, int headerLength, int gsoSize, int start, int offset) {
        return ByteBuffer.allocate(12)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) flags)
                .put((byte) gso)
                .putShort((short) headerLength)
                .putShort((short) gsoSize)
                .putShort((short) start)
                .putShort((short) offset)
                .putShort((short) 0)
                .array();
    }

    /** Delivers one frame and keeps what was said about it. */
    private Frame received(byte[] bytes) throws Exception {
        TapLink link = new TapLink(loop, fd, "tap0", 1500, ALL);
        Peer.on(loop, () -> {
            link.start(new Recorder() {
                @Override
                public void onFrame(Link l, Frame frame) {
                    last.set(frame.head, frame.headAt, frame.headLength);
                    last.checksumTrusted = frame.checksumTrusted;
                    last.checksumStart = frame.checksumStart;
                    last.checksumOffset = frame.checksumOffset;
                    last.gso = frame.gso;
                    last.gsoSize = frame.gsoSize;
                    recorder.onFrame(l, frame);
                }
            });
            return null;
        });
        peer.write(bytes);
        Recorder.next(recorder.frames);
        return last;
    }

    @Test
    void theHeaderSaysWhatIsUnfinished() throws Exception {
        byte[] frame = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[5000])));
        Frame seen = received(Frames.concat(header(1, 0x81, 54, 1448, 34, 16), frame));
        assertThat(seen.checksumTrusted).isTrue();
        assertThat(seen.checksumStart).isEqualTo(34);
        assertThat(seen.checksumOffset).isEqualTo(16);
        assertThat(seen.gso).isEqualTo(Frame.GSO_TCP4);
        assertThat(seen.gsoSize).isEqualTo(1448);
        assertThat(seen.length()).isEqualTo(frame.length);
    }

    @Test
    void aFrameWithoutAWordIsChecked() throws Exception {
        Frame seen = received(Frames.concat(header(0, 0, 0, 0, 0, 0), new byte[60]));
        assertThat(seen.checksumTrusted).isFalse();
        assertThat(seen.checksumStart).isZero();
    }

    @Test
    void aChecksumThatTheKernelHasVerifiedIsTrusted() throws Exception {
        assertThat(received(Frames.concat(header(2, 0, 0, 0, 0, 0), new byte[60])).checksumTrusted)
                .isTrue();
    }

    @Test
    void malformedHeadersAreCountedAndTheNextGoodFrameWorks() throws Exception {
        TapLink link = link(ALL, 1, 32);
        peer.write(new byte[3]);
        peer.write(new byte[25]);
        peer.write(Frames.concat(header(1, 0, 0, 0, 50, 10), new byte[60]));
        peer.write(Frames.concat(header(1, 1, 0, 0, 34, 16), new byte[60]));
        peer.write(Frames.concat(header(1, 9, 0, 100, 34, 16), new byte[60]));
        peer.write(Frames.concat(header(0, 0, 0, 0, 0, 0), new byte[14]));
        assertThat(Recorder.next(recorder.frames)).hasSize(14);
        assertThat(link.counters().droppedSize).isEqualTo(5);
    }

    @Test
    void framesAreReadInBatchesOfTheBudgetAndNoneIsForgotten() throws Exception {
        for (int i = 0; i < 100; i++) {
            peer.write(Frames.concat(header(0, 0, 0, 0, 0, 0), new byte[60 + i]));
        }
        link(ALL, 1, 32);
        for (int i = 0; i < 100; i++) {
            assertThat(Recorder.next(recorder.frames)).hasSize(60 + i);
        }
        assertThat(Recorder.next(recorder.batches)).isEqualTo(32);
        assertThat(Recorder.next(recorder.batches)).isEqualTo(32);
        assertThat(Recorder.next(recorder.batches)).isEqualTo(32);
        assertThat(Recorder.next(recorder.batches)).isEqualTo(4);
    }

    @Test
    void withSeveralSlotsABatchStaysInMemoryUntilItsEnd() throws Exception {
        for (int i = 0; i < 10; i++) {
            peer.write(Frames.concat(header(0, 0, 0, 0, 0, 0), Frames.ethernet(i, 1, 60)));
        }
        TapLink link = new TapLink(loop, fd, "tap0", 1500, ALL, 4, 32);
        Recorder gathering = new Recorder() {
            private final java.util.List<Frame> batch = new java.util.ArrayList<>();

            @Override
            public void onFrame(Link l, Frame frame) {
                assertThat(l.keeps(frame.head)).isTrue();
                batch.add(new Frame().set(frame.head, frame.headAt, frame.headLength));
            }

            @Override
            public void onBatchEnd(Link l) {
                batches.add(batch.size());
                batch.forEach(frame -> frames.add(Frames.bytes(frame)));
                batch.clear();
            }
        };
        assertThat(link.keeps(java.lang.foreign.MemorySegment.ofArray(new byte[60])))
                .isFalse();
        Peer.on(loop, () -> {
            link.start(gathering);
            return null;
        });
        for (int i = 0; i < 10; i++) {
            assertThat(Recorder.next(gathering.frames)).isEqualTo(Frames.ethernet(i, 1, 60));
        }
        assertThat(gathering.batches).containsExactly(4, 4, 2);
    }

    @Test
    void aSuperSegmentGoesOutAsItIsInOnePiece() throws Exception {
        TapLink link = link(ALL, 1, 32);
        byte[] bytes = Frames.ethernet(
                0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(7, 16, NONE, Frames.random(new Random(1), 60_001))));
        Frame frame = Frames.scattered(bytes, 54, 20_001);
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = 1460;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        assertThat(Peer.on(loop, () -> link.send(frame))).isTrue();
        assertThat(peer.read()).isEqualTo(Frames.concat(header(1, 1, 54, 1460, 34, 16), bytes));
    }

    @Test
    void whatTheKernelWouldNotCutIsCutHere() throws Exception {
        TapLink link = link(Tun.TUN_F_CSUM | Tun.TUN_F_TSO4, 1, 32);
        byte[] bytes = Frames.ethernet(0x0800, Frames.ipv4(17, 1, NONE, Frames.udp(new byte[2500])));
        Frame frame = Frames.frame(bytes);
        frame.gso = Frame.GSO_UDP;
        frame.gsoSize = 1000;
        frame.checksumStart = 34;
        frame.checksumOffset = 6;
        assertThat(Peer.on(loop, () -> link.send(frame))).isTrue();
        for (int length : new int[] {1000, 1000, 500}) {
            byte[] datagram = peer.read();
            assertThat(HexFormat.of().formatHex(datagram)).startsWith("00".repeat(12));
            assertThat(datagram).hasSize(12 + 42 + length);
            assertThat(Frames.transportChecksumOk(Frames.part(datagram, 26))).isTrue();
        }
        assertThat(link.counters().framesOut).isEqualTo(3);
    }

    @Test
    void withoutAHeaderFramesComeBareAndLeaveWhole() throws Exception {
        TapLink link = link(OpenTap.NO_HEADER, 1, 32);
        assertThat(link.offloads()).isFalse();
        byte[] in = Frames.ethernet(1, 2, 60);
        peer.write(in);
        assertThat(Recorder.next(recorder.frames)).isEqualTo(in);
        byte[] bytes = Frames.ethernet(
                0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(7, 16, NONE, Frames.random(new Random(1), 4000))));
        Frame frame = Frames.scattered(bytes, 54, 2001);
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = 1460;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        assertThat(Peer.on(loop, () -> link.send(frame))).isTrue();
        for (int length : new int[] {1460, 1460, 1080}) {
            byte[] segment = peer.read();
            assertThat(segment).hasSize(54 + length);
            assertThat(Frames.transportChecksumOk(Frames.part(segment, 14))).isTrue();
        }
        assertThat(Peer.on(loop, () -> link.send(Frames.frame(in)))).isTrue();
        assertThat(peer.read()).isEqualTo(in);
    }

    @Test
    void aFrameThatIsTooLongIsCounted() throws Exception {
        TapLink link = link(ALL, 1, 32);
        assertThat(Peer.on(loop, () -> link.send(Frames.frame(new byte[1519])))).isFalse();
        assertThat(Peer.on(loop, () -> link.send(Frames.frame(new byte[13])))).isFalse();
        assertThat(link.counters().droppedSize).isEqualTo(2);
    }

    @Test
    void aFullMediumIsCountedAndTriedAgain() throws Exception {
        TapLink link = link(ALL, 1, 32);
        int sent = 0;
        while (Peer.on(loop, () -> link.send(Frames.frame(new byte[1514])))) {
            assertThat(++sent).isLessThan(100_000);
        }
        assertThat(link.counters().droppedFull).isEqualTo(1);
        assertThat(Recorder.next(recorder.room)).isTrue();
        for (int i = 0; i < sent; i++) {
            assertThat(peer.read()).hasSize(1526);
        }
        assertThat(Peer.on(loop, link::congested)).isFalse();
    }

    @Test
    void anInterfaceThatGoesAwayEndsTheLink() throws Exception {
        TapLink link = link(ALL, 1, 32);
        peer.write(Frames.concat(header(0, 0, 0, 0, 0, 0), new byte[60]));
        peer.close();
        gone = true;
        assertThat(Recorder.next(recorder.frames)).hasSize(60);
        assertThat(Recorder.next(recorder.closed)).contains("the interface is gone");
        assertThat(Peer.on(loop, () -> link.send(Frames.frame(new byte[60])))).isFalse();
    }
}
