package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Sockets;
import dev.sluice.posix.Tun;
import dev.sluice.wire.MacAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Ten thousand damaged frames on every kind of link, through the switch to another guest and to the gateway: none of them gets an
 * exception out of the loop, and the next good frame still arrives at both.
 */
@Timeout(180)
class MutatedFramesTest {
    private static final int ROUNDS = 10_000;
    private static final byte[] NONE = {};
    private static final byte[] GOOD = Frames.ethernet(0xffff_ffff_ffffL, Frames.GUEST, 99);
    private static final byte[][] ORIGINALS = {
        Frames.ethernet(0x0800, Frames.ipv4(6, 1, new byte[4], Frames.tcp(1, 0x18, new byte[12], new byte[700]))),
        Frames.ethernet(0x0800, Frames.ipv4(17, 1, NONE, Frames.udp(new byte[300]))),
        Frames.ethernet(0x86dd, Frames.ipv6(6, Frames.tcp(1, 0x18, NONE, new byte[200]))),
        Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 0x18, NONE, new byte[9000]))),
        Frames.ethernet(0x0806, new byte[28]),
    };

    private final long seed = System.nanoTime();
    private final Random random = new Random(seed);
    private final EventLoop loop;
    private final BlockingQueue<byte[]> atGateway = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> closed = new LinkedBlockingQueue<>();
    private final LocalPort gateway = new LocalPort() {
        @Override
        public void onFrame(Link from, Frame frame) {
            if (frame.length() == GOOD.length && Arrays.equals(Frames.bytes(frame), GOOD)) {
                atGateway.add(GOOD);
            }
        }

        @Override
        public void onClosed(Link link, String reason) {
            closed.add(reason);
        }
    };
    private final Switch ethernet = new Switch(new MacAddress(Frames.GATEWAY), gateway);
    /** Another guest, on a link without offloads: whatever is forwarded to it goes through the segmenter. */
    private final BlockingQueue<byte[]> atOther = new LinkedBlockingQueue<>();

    private final Thread otherReader;
    private final Peer other;
    private final StreamLink otherLink;

    MutatedFramesTest() throws Exception {
        loop = EventLoop.start("test");
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        other = new Peer(pair[0]);
        otherLink = new StreamLink(loop, pair[1], pair[1], "other", 1500, Framing.LE16);
        Peer.on(loop, () -> ethernet.attach(otherLink));
        otherReader = Thread.ofPlatform().daemon().start(() -> {
            try {
                while (true) {
                    byte[] frame = other.readFrame(Framing.LE16);
                    // A damaged frame may be cut to one of this length.
                    if (Arrays.equals(frame, GOOD)) {
                        atOther.add(frame);
                    }
                }
            } catch (Exception e) {
                // The end of the test.
            }
        });
    }

    @AfterEach
    void end() throws Exception {
        assertThat(loop.failures())
                .as("exceptions that reached the loop; seed " + seed)
                .isZero();
        Peer.on(loop, () -> {
            ethernet.links().forEach(ethernet::detach);
            return null;
        });
        otherReader.join(60_000);
        loop.close();
        other.close();
    }

    private byte[] mutated() {
        byte[] frame = ORIGINALS[random.nextInt(ORIGINALS.length)].clone();
        for (int i = 1 + random.nextInt(5); i > 0; i--) {
            frame[random.nextInt(random.nextBoolean() ? 54 : frame.length) % frame.length] = (byte) random.nextInt();
        }
        if (random.nextInt(3) == 0) {
            frame = Arrays.copyOf(frame, 14 + random.nextInt(frame.length));
        }
        if (frame.length == GOOD.length) {
            frame = Arrays.copyOf(frame, GOOD.length + 1);
        }
        return frame;
    }

    /** Waits until all damaged ones are through and the other guest has room: one who is slow to read loses frames, as on any wire. */
    private void awaitCalm(Link bad) throws Exception {
        while (!Peer.on(
                loop, () -> bad.counters().framesIn + bad.counters().droppedSize >= ROUNDS && !otherLink.congested())) {
            Thread.sleep(1);
        }
    }

    private void assertGoodFrameArrives() throws Exception {
        assertThat(Recorder.next(atGateway)).as("seed " + seed).isEqualTo(GOOD);
        assertThat(Recorder.next(atOther)).as("seed " + seed).isEqualTo(GOOD);
        assertThat(closed).as("seed " + seed).isEmpty();
    }

    @Test
    void onAStreamLink() throws Exception {
        for (Framing framing : Framing.values()) {
            int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
            StreamLink link = new StreamLink(loop, pair[1], pair[1], "bad", 1500, framing);
            Peer.on(loop, () -> ethernet.attach(link));
            Peer peer = new Peer(pair[0]);
            for (int i = 0; i < ROUNDS; i++) {
                peer.write(Peer.framed(framing, mutated()));
            }
            awaitCalm(link);
            peer.write(Peer.framed(framing, GOOD));
            assertGoodFrameArrives();
            assertThat(link.counters().framesIn).isEqualTo(ROUNDS + 1);
            Peer.on(loop, () -> {
                ethernet.detach(link);
                return null;
            });
            peer.close();
        }
    }

    @Test
    void onAPacketLink() throws Exception {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        PacketLink link = new PacketLink(loop, pair[1], "bad", 1500, null);
        Peer.on(loop, () -> ethernet.attach(link));
        Peer peer = new Peer(pair[0]);
        for (int i = 0; i < ROUNDS; i++) {
            byte[] frame = mutated();
            peer.write(random.nextInt(20) == 0 ? Arrays.copyOf(frame, random.nextInt(14)) : frame);
        }
        awaitCalm(link);
        peer.write(GOOD);
        assertGoodFrameArrives();
        assertThat(link.counters().framesIn + link.counters().droppedSize).isEqualTo(ROUNDS + 1);
        peer.close();
    }

    @Test
    void onATapLink() throws Exception {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.SEQPACKET);
        TapLink link = new TapLink(loop, pair[1], "bad", 1500, Tun.TUN_F_CSUM | Tun.TUN_F_TSO4 | Tun.TUN_F_TSO6);
        Peer.on(loop, () -> ethernet.attach(link));
        Peer peer = new Peer(pair[0]);
        for (int i = 0; i < ROUNDS; i++) {
            byte[] header = new byte[12];
            if (random.nextBoolean()) {
                header[0] = (byte) random.nextInt(4);
                header[1] = (byte) random.nextInt(7);
                header[4] = (byte) random.nextInt();
                header[5] = (byte) random.nextInt(6);
                header[6] = (byte) (random.nextBoolean() ? 34 : random.nextInt());
                header[8] = (byte) (random.nextBoolean() ? 16 : random.nextInt());
            }
            byte[] packet = Frames.concat(header, mutated());
            peer.write(random.nextInt(50) == 0 ? Arrays.copyOf(packet, 1 + random.nextInt(29)) : packet);
        }
        awaitCalm(link);
        peer.write(Frames.concat(new byte[12], GOOD));
        assertGoodFrameArrives();
        assertThat(link.counters().framesIn + link.counters().droppedSize).isEqualTo(ROUNDS + 1);
        peer.close();
    }

    @Test
    void streamsOfRubbishEndTheirOwnLinkOnly() throws Exception {
        for (int i = 0; i < 300; i++) {
            int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
            StreamLink link = new StreamLink(loop, pair[1], pair[1], "rubbish", 1500, Framing.BE32);
            Peer.on(loop, () -> ethernet.attach(link));
            Peer peer = new Peer(pair[0]);
            byte[] rubbish = Frames.random(random, 4 + random.nextInt(3000));
            ByteBuffer.wrap(rubbish).putInt(random.nextInt());
            peer.write(rubbish);
            peer.close();
            assertThat(Recorder.next(closed)).as("seed " + seed).isNotEmpty();
        }
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        StreamLink link = new StreamLink(loop, pair[1], pair[1], "good", 1500, Framing.BE32);
        Peer.on(loop, () -> ethernet.attach(link));
        Peer peer = new Peer(pair[0]);
        peer.write(Peer.framed(Framing.BE32, GOOD));
        assertGoodFrameArrives();
        peer.close();
    }
}
