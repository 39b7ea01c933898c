package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.Sockets;
import dev.sluice.posix.Tun;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** After warm-up, moving frames allocates nothing on the loop's thread. */
class AllocationTest {
    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final byte[] NONE = {};
    private static final long A = 0x0200_0000_000aL;
    private static final long B = 0x0200_0000_000bL;
    private static final int FRAMES = 20_000;
    /** What one measurement itself costs: a task, a future, a few boxes. Far below one byte per frame. */
    private static final long NOISE = 16_384;

    /** What the compiler may take. On a busy machine it has time, not a number of rounds. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    private final EventLoop loop;
    private final MemorySegment sink = Arena.ofAuto().allocate(1 << 20);

    AllocationTest() throws Exception {
        loop = EventLoop.start("test");
    }

    @AfterEach
    void end() {
        assertThat(loop.failures()).isZero();
        loop.close();
    }

    private interface Action {
        void run() throws Exception;
    }

    private long allocatedOnLoop() throws Exception {
        return Peer.on(loop, THREADS::getCurrentThreadAllocatedBytes);
    }

    /** The least of several rounds: compilation and the odd resize come with the first. */
    private void assertAllocatesNothing(Action round) throws Exception {
        long least = Long.MAX_VALUE;
        for (long until = System.nanoTime() + PATIENCE_NANOS; least > NOISE && System.nanoTime() - until < 0; ) {
            long before = allocatedOnLoop();
            round.run();
            least = Math.min(least, allocatedOnLoop() - before);
        }
        assertThat(least).as("bytes allocated for " + FRAMES + " frames").isLessThanOrEqualTo(NOISE);
    }

    /** Writes {@code chunk} again and again to one descriptor and reads from the other until {@code total} bytes came. */
    private void pump(int in, byte[] chunk, int times, int out, long total) {
        MemorySegment source = Frames.segment(chunk);
        long toWrite = (long) chunk.length * times;
        long written = 0;
        long read = 0;
        while (read < total) {
            if (written < toWrite) {
                int at = (int) (written % chunk.length);
                int n = Io.write(in, source, at, chunk.length - at);
                assertThat(n >= 0 || n == -Errno.EAGAIN).isTrue();
                written += Math.max(0, n);
            }
            int n = Io.read(out, sink, 0, sink.byteSize());
            assertThat(n > 0 || n == -Errno.EAGAIN).isTrue();
            read += Math.max(0, n);
            if (n < 0) {
                Poll.await(out, Poll.IN, 1);
            }
        }
    }

    /** Only as much in flight as the receiving link holds for sure, so that no frame is dropped and none missed. */
    private void pumpInPortions(int in, byte[] chunk, int times, int out, long perChunk) {
        for (int i = 0; i < times; i++) {
            pump(in, chunk, 1, out, perChunk);
        }
    }

    @Test
    void forwardingBetweenStreamLinksAllocatesNothing() throws Exception {
        Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), (_, _) -> {});
        int[] a = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        int[] b = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        StreamLink linkA = new StreamLink(loop, a[1], a[1], "a", 1500, Framing.BE32);
        StreamLink linkB = new StreamLink(loop, b[1], b[1], "b", 1500, Framing.LE16);
        Peer.on(loop, () -> {
            ethernet.attach(linkA);
            return ethernet.attach(linkB);
        });
        byte[] frame = Frames.ethernet(B, A, 1514);
        byte[][] batch = new byte[100][];
        java.util.Arrays.fill(batch, Peer.framed(Framing.BE32, frame));
        byte[] chunk = Frames.concat(batch);
        // Teach the switch where B is.
        new Peer(b[0]).write(Peer.framed(Framing.LE16, Frames.ethernet(A, B, 60)));
        new Peer(a[0]).readFrame(Framing.BE32);
        assertAllocatesNothing(() -> pumpInPortions(a[0], chunk, FRAMES / 100, b[0], 100 * 1516L));
        assertThat(ethernet.counters().forwarded).isGreaterThanOrEqualTo(FRAMES);
        Io.close(a[0]);
        Io.close(b[0]);
    }

    @Test
    void cuttingSuperSegmentsFromATapForAStreamAllocatesNothing() throws Exception {
        Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), (_, _) -> {});
        int[] a = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        int[] b = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        TapLink tap = new TapLink(loop, a[1], "tap0", 1500, Tun.TUN_F_CSUM | Tun.TUN_F_TSO4);
        StreamLink stream = new StreamLink(loop, b[1], b[1], "b", 1500, Framing.BE32);
        Peer.on(loop, () -> {
            ethernet.attach(tap);
            return ethernet.attach(stream);
        });
        byte[] frame = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[14_600])));
        ByteBuffer.wrap(frame).put(0, Frames.mac(B), 2, 6).put(6, Frames.mac(A), 2, 6);
        byte[] packet = Frames.concat(new byte[] {1, 1, 54, 0, (byte) 0xb4, 5, 34, 0, 16, 0, 0, 0}, frame);
        new Peer(b[0]).write(Peer.framed(Framing.BE32, Frames.ethernet(A, B, 60)));
        new Peer(a[0]).read();
        assertAllocatesNothing(() -> {
            MemorySegment source = Frames.segment(packet);
            for (int i = 0; i < FRAMES / 10; i++) {
                Io.write(a[0], source, 0, packet.length);
                pump(b[0], NONE, 0, b[0], 10 * (4 + 54 + 1460L));
            }
        });
        Io.close(a[0]);
        Io.close(b[0]);
    }

    @Test
    void answeringOnATapAllocatesNothing() throws Exception {
        int[] a = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        TapLink tap = new TapLink(loop, a[1], "tap0", 1500, Tun.TUN_F_CSUM | Tun.TUN_F_TSO4);
        Frame answer = Frames.scattered(new byte[3000], 60, 1000);
        answer.gso = Frame.GSO_TCP4;
        answer.gsoSize = 1460;
        answer.checksumStart = 34;
        answer.checksumOffset = 16;
        Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), (from, _) -> from.send(answer));
        Peer.on(loop, () -> ethernet.attach(tap));
        MemorySegment request = Frames.segment(Frames.concat(new byte[12], Frames.ethernet(Frames.GATEWAY, A, 60)));
        request.set(ValueLayout.JAVA_BYTE, 1, (byte) 0);
        assertAllocatesNothing(() -> {
            for (int i = 0; i < FRAMES; i++) {
                Io.write(a[0], request, 0, 72);
                if (i % 20 == 19) {
                    for (int n = 0; n < 20; ) {
                        if (Io.read(a[0], sink, 0, sink.byteSize()) > 0) {
                            n++;
                        } else {
                            Poll.await(a[0], Poll.IN, 1000);
                        }
                    }
                }
            }
        });
        Io.close(a[0]);
    }

    @Test
    void forwardingBetweenPacketLinksAllocatesNothing() throws Exception {
        Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), (_, _) -> {});
        int[] a = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        int[] b = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        PacketLink linkA = new PacketLink(loop, a[1], "a", 1500, null);
        PacketLink linkB = new PacketLink(loop, b[1], "b", 1500, null);
        Peer.on(loop, () -> {
            ethernet.attach(linkA);
            return ethernet.attach(linkB);
        });
        new Peer(b[0]).write(Frames.ethernet(A, B, 60));
        new Peer(a[0]).read();
        byte[] frame = Frames.ethernet(B, A, 1514);
        assertAllocatesNothing(() -> {
            for (int i = 0; i < FRAMES / 20; i++) {
                MemorySegment source = Frames.segment(frame);
                for (int n = 0; n < 20; n++) {
                    Io.write(a[0], source, 0, frame.length);
                }
                pump(b[0], NONE, 0, b[0], 20 * 1514L);
            }
        });
        Io.close(a[0]);
        Io.close(b[0]);
    }
}
