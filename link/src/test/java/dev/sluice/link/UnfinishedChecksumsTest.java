package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;

class UnfinishedChecksumsTest {
    private static final byte[] NONE = {};

    private static Frame recognised(byte[] bytes) {
        Frame frame = Frames.frame(bytes);
        UnfinishedChecksums.recognise(frame, 1500);
        return frame;
    }

    @Test
    void aFieldWithJustThePseudoHeadersSumIsUnfinished() {
        byte[] packet = Frames.ipv4(6, 1, new byte[4], Frames.tcp(1, 16, NONE, new byte[10]));
        ByteBuffer.wrap(packet).putShort(40, (short) Frames.pseudo(packet, 6, 30));
        Frame frame = recognised(Frames.ethernet(0x0800, packet));
        assertThat(frame.checksumTrusted).isTrue();
        assertThat(frame.checksumStart).isEqualTo(38);
        assertThat(frame.checksumOffset).isEqualTo(16);
        assertThat(frame.gso).isEqualTo(Frame.GSO_NONE);

        byte[] v6 = Frames.ipv6(17, Frames.udp(new byte[11]));
        ByteBuffer.wrap(v6).putShort(46, (short) Frames.pseudo(v6, 17, 19));
        Frame datagram = recognised(Frames.ethernet(0x86dd, v6));
        assertThat(datagram.checksumStart).isEqualTo(54);
        assertThat(datagram.checksumOffset).isEqualTo(6);
    }

    @Test
    void anOverlongOneIsASuperSegment() {
        byte[] packet = Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, new byte[12], new byte[9000]));
        ByteBuffer.wrap(packet).putShort(36, (short) Frames.pseudo(packet, 6, 9032));
        Frame frame = recognised(Frames.ethernet(0x0800, packet));
        assertThat(frame.gso).isEqualTo(Frame.GSO_TCP4);
        assertThat(frame.gsoSize).isEqualTo(1448);
    }

    @Test
    void everythingElseIsLeftAlone() {
        byte[] complete = Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[10]));
        assertThat(recognised(Frames.ethernet(0x0800, complete)).checksumTrusted)
                .isFalse();
        byte[] fragment = Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[10]));
        ByteBuffer.wrap(fragment).putShort(36, (short) Frames.pseudo(fragment, 6, 30));
        fragment[6] = 0x20;
        assertThat(recognised(Frames.ethernet(0x0800, fragment)).checksumTrusted)
                .isFalse();
        assertThat(recognised(Frames.ethernet(0x0806, new byte[46])).checksumTrusted)
                .isFalse();
    }

    @Test
    void noFrameMakesItFail() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[] original = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[10])));
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = java.util.Arrays.copyOf(original, 14 + random.nextInt(60));
            for (int i = random.nextInt(4); i > 0; i--) {
                bytes[12 + random.nextInt(bytes.length - 12)] = (byte) random.nextInt();
            }
            Frame frame = recognised(bytes);
            assertThat(frame.checksumStart == 0 || frame.checksumStart + frame.checksumOffset + 2 <= bytes.length)
                    .as("seed " + seed)
                    .isTrue();
        }
    }
}
