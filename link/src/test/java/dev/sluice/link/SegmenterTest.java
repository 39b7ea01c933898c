package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SegmenterTest {
    private static final int FIN_PSH_ACK = 0x19;
    private static final int CWR = 0x80;
    private static final byte[] NONE = {};

    private final Segmenter segmenter = new Segmenter();
    private final MemorySegment target = Arena.ofAuto().allocate(80_000);

    private List<byte[]> cut(Frame frame, int mtu) {
        List<byte[]> frames = new ArrayList<>();
        if (!segmenter.begin(frame, mtu)) {
            return frames;
        }
        int expected = segmenter.totalLength(3);
        int count = segmenter.remaining();
        int total = 0;
        while (segmenter.remaining() > 0) {
            int announced = segmenter.nextLength();
            int length = segmenter.next(target, 7);
            assertThat(length).isEqualTo(announced);
            total += length + 3;
            frames.add(Frames.bytes(target, 7, length));
        }
        assertThat(frames).hasSize(count);
        assertThat(total).isEqualTo(expected);
        return frames;
    }

    @Test
    void aCompleteFrameThatFitsIsCopied() {
        byte[] bytes = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[100])));
        assertThat(cut(Frames.scattered(bytes, 54, 33), 1500)).containsExactly(bytes);
    }

    @Test
    void aTcpSuperSegmentBecomesTheseBytes() {
        // 192.168.65.1:80 → 192.168.65.3:40000, five bytes in segments of two.
        byte[] packet = Frames.ipv4(
                6,
                0xffff,
                NONE,
                Frames.tcp(
                        0xffff_ffff,
                        CWR | FIN_PSH_ACK,
                        NONE,
                        "abcde".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        Frame frame = Frames.frame(Frames.ethernet(0x0800, packet));
        frame.gso = Frame.GSO_TCP4;
        frame.gsoSize = 2;
        frame.checksumStart = 34;
        frame.checksumOffset = 16;
        List<String> hex = cut(frame, 1500).stream()
                .map(bytes -> HexFormat.of().formatHex(bytes))
                .toList();
        String ethernet = "025000000001" + "f61636bcf9c6" + "0800";
        assertThat(hex)
                .containsExactly(
                        // CWR on the first only, FIN and PSH on the last only; id and sequence go round
                        ethernet + "4500002affff400040063779c0a84101c0a84103"
                                + "00509c40ffffffff01020304509001f5a80f0000" + "6162",
                        ethernet + "4500002a0000400040063779c0a84101c0a84103"
                                + "00509c400000000101020304501001f5a68c0000" + "6364",
                        ethernet + "450000290001400040063779c0a84101c0a84103"
                                + "00509c400000000301020304501901f5a4e60000" + "65");
    }

    @Test
    void theUnfinishedChecksumOfAPlainFrameIsFinished() {
        for (int length : new int[] {0, 1, 2, 7, 100, 101, 1459}) {
            byte[] tcp = Frames.tcp(5, 16, NONE, Frames.random(new Random(length), length));
            byte[] packet = Frames.ipv4(6, 1, NONE, tcp);
            ByteBuffer.wrap(packet).putShort(36, (short) Frames.pseudo(packet, 6, tcp.length));
            byte[] bytes = Frames.ethernet(0x0800, packet);
            Frame frame = Frames.scattered(bytes, 54, length / 2);
            frame.checksumStart = 34;
            frame.checksumOffset = 16;
            List<byte[]> out = cut(frame, 1500);
            assertThat(out).hasSize(1);
            assertThat(Frames.transportChecksumOk(Frames.part(out.getFirst(), 14)))
                    .isTrue();
            assertThat(Frames.bytes(frame))
                    .as("the frame itself stays as it was")
                    .isEqualTo(bytes);
        }
    }

    @Test
    void aUdpChecksumOfZeroIsSentAsAllOnes() {
        // Payload chosen so that the sum of everything is 0xFFFF.
        byte[] packet = Frames.ipv4(17, 1, NONE, Frames.udp(new byte[2]));
        int rest = Frames.fold(Frames.sum(Frames.pseudo(packet, 17, 10), packet, 20, 10));
        ByteBuffer.wrap(packet).putShort(28, (short) (0xffff - rest));
        ByteBuffer.wrap(packet).putShort(26, (short) Frames.pseudo(packet, 17, 10));
        Frame frame = Frames.frame(Frames.ethernet(0x0800, packet));
        frame.checksumStart = 34;
        frame.checksumOffset = 6;
        byte[] out = cut(frame, 1500).getFirst();
        assertThat(ByteBuffer.wrap(out).getShort(40)).isEqualTo((short) 0xffff);
        assertThat(Frames.transportChecksumOk(Frames.part(out, 14))).isTrue();
    }

    @Test
    void segmentsPutTogetherAreTheSuperSegment() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 3000; round++) {
            boolean v6 = random.nextBoolean();
            int mtu = 576 + random.nextInt(8000);
            byte[] ipOptions = v6 ? NONE : new byte[4 * random.nextInt(11)];
            byte[] tcpOptions = new byte[4 * random.nextInt(11)];
            int headers = 14 + (v6 ? 40 : 20 + ipOptions.length) + 20 + tcpOptions.length;
            byte[] payload = Frames.random(random, random.nextInt(65_535 - headers));
            int sequence = random.nextInt();
            int identification = random.nextInt(65_536);
            byte[] tcp = Frames.tcp(sequence, CWR | FIN_PSH_ACK, tcpOptions, payload);
            byte[] packet = v6 ? Frames.ipv6(6, tcp) : Frames.ipv4(6, identification, ipOptions, tcp);
            byte[] bytes = Frames.ethernet(v6 ? 0x86dd : 0x0800, packet);
            int head = headers + random.nextInt(payload.length + 1);
            Frame frame = Frames.scattered(bytes, head, random.nextInt(bytes.length - head + 1));
            boolean derived = bytes.length > mtu + 14 && random.nextInt(4) == 0;
            int largest = mtu + 14 - headers;
            if (!derived) {
                frame.gso = v6 ? Frame.GSO_TCP6 : Frame.GSO_TCP4;
                frame.gsoSize = 1 + Math.max(100, random.nextInt(2 * largest));
                frame.checksumStart = headers - 20 - tcpOptions.length;
                frame.checksumOffset = 16;
            }
            int size = derived ? largest : Math.min(largest, frame.gsoSize);
            List<byte[]> frames = cut(frame, mtu);
            String what = "seed " + seed + " round " + round;
            assertThat(frames).as(what).hasSize(Math.max(1, (payload.length + size - 1) / size));
            ByteBuffer all = ByteBuffer.allocate(payload.length);
            for (int i = 0; i < frames.size(); i++) {
                byte[] out = frames.get(i);
                byte[] ip = Frames.part(out, 14);
                ByteBuffer view = ByteBuffer.wrap(ip);
                int transport = headers - 14 - 20 - tcpOptions.length;
                assertThat(out.length).as(what).isLessThanOrEqualTo(mtu + 14);
                assertThat(Frames.transportChecksumOk(ip)).as(what).isTrue();
                assertThat(view.getInt(transport + 4)).as(what).isEqualTo(sequence + all.position());
                int flags = 16 | (i == 0 ? CWR : 0) | (i == frames.size() - 1 ? FIN_PSH_ACK : 0);
                assertThat(ip[transport + 13] & 0xff).as(what).isEqualTo(flags);
                if (v6) {
                    assertThat(view.getShort(4) & 0xffff).as(what).isEqualTo(ip.length - 40);
                } else {
                    assertThat(Frames.ipv4ChecksumOk(ip)).as(what).isTrue();
                    assertThat(view.getShort(2) & 0xffff).as(what).isEqualTo(ip.length);
                    assertThat(view.getShort(4)).as(what).isEqualTo((short) (identification + i));
                }
                all.put(out, headers, out.length - headers);
            }
            assertThat(all.array()).as(what).isEqualTo(payload);
            assertThat(Arrays.equals(Frames.bytes(frame), bytes)).as(what).isTrue();
        }
    }

    @Test
    void datagramsOfAUdpSuperDatagramKeepTheirBorders() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 1000; round++) {
            boolean v6 = random.nextBoolean();
            int headers = 14 + (v6 ? 40 : 20) + 8;
            byte[] payload = Frames.random(random, 1 + random.nextInt(60_000));
            byte[] udp = Frames.udp(payload);
            byte[] packet = v6 ? Frames.ipv6(17, udp) : Frames.ipv4(17, 9, NONE, udp);
            byte[] bytes = Frames.ethernet(v6 ? 0x86dd : 0x0800, packet);
            Frame frame = Frames.scattered(bytes, headers, random.nextInt(payload.length + 1));
            frame.gso = Frame.GSO_UDP;
            frame.gsoSize = 1 + random.nextInt(1400);
            frame.checksumStart = headers - 8;
            frame.checksumOffset = 6;
            ByteBuffer all = ByteBuffer.allocate(payload.length);
            for (byte[] out : cut(frame, 1500)) {
                byte[] ip = Frames.part(out, 14);
                assertThat(Frames.transportChecksumOk(ip)).as("seed " + seed).isTrue();
                assertThat(ByteBuffer.wrap(ip).getShort(headers - 14 - 8 + 4) & 0xffff)
                        .as("seed " + seed)
                        .isEqualTo(out.length - headers + 8);
                all.put(out, headers, out.length - headers);
            }
            assertThat(all.array()).as("seed " + seed).isEqualTo(payload);
        }
    }

    @Test
    void whatCanNotBeCutIsRefused() {
        byte[] udp = Frames.ethernet(0x0800, Frames.ipv4(17, 1, NONE, Frames.udp(new byte[2000])));
        assertThat(segmenter.begin(Frames.frame(udp), 1500))
                .as("a long datagram")
                .isFalse();

        Frame superDatagram = Frames.frame(udp);
        superDatagram.gso = Frame.GSO_UDP;
        superDatagram.gsoSize = 1800;
        assertThat(segmenter.begin(superDatagram, 1500))
                .as("datagrams that are too long")
                .isFalse();

        byte[] unknown = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 2000);
        assertThat(segmenter.begin(Frames.frame(unknown), 1500)).as("not IP").isFalse();

        byte[] fragment = Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[2000])));
        fragment[14 + 6] = 0x20;
        assertThat(segmenter.begin(Frames.frame(fragment), 1500))
                .as("a fragment")
                .isFalse();

        assertThat(segmenter.begin(Frames.frame(new byte[13]), 1500))
                .as("no header")
                .isFalse();

        Frame beyond = Frames.frame(new byte[60]);
        beyond.checksumStart = 34;
        beyond.checksumOffset = 25;
        assertThat(segmenter.begin(beyond, 1500)).as("a checksum outside").isFalse();
    }

    @Test
    void noInputMakesItFailOrExceedTheMtu() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[][] originals = {
            Frames.ethernet(0x0800, Frames.ipv4(6, 1, NONE, Frames.tcp(1, 16, NONE, new byte[3000]))),
            Frames.ethernet(0x86dd, Frames.ipv6(6, Frames.tcp(1, 16, NONE, new byte[3000]))),
            Frames.ethernet(0x0800, Frames.ipv4(17, 1, NONE, Frames.udp(new byte[3000]))),
        };
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = originals[random.nextInt(originals.length)].clone();
            for (int i = random.nextInt(6); i > 0; i--) {
                bytes[random.nextInt(70)] = (byte) random.nextInt();
            }
            int length = random.nextInt(3) == 0 ? random.nextInt(100) : bytes.length;
            Frame frame = Frames.frame(Arrays.copyOf(bytes, length));
            frame.gso = random.nextInt(7);
            frame.gsoSize = random.nextInt(2000) - 10;
            frame.checksumStart = random.nextInt(3) == 0 ? random.nextInt(4000) : 0;
            frame.checksumOffset = random.nextInt(40) - 3;
            if (segmenter.begin(frame, 1500) && segmenter.totalLength(0) < 400_000) {
                while (segmenter.remaining() > 0) {
                    assertThat(segmenter.next(target, 0))
                            .as("seed " + seed + " round " + round)
                            .isLessThanOrEqualTo(1500 + 18);
                }
            }
        }
    }
}
