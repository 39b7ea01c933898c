package dev.sluice.bench.parts;

import dev.sluice.link.Frame;
import dev.sluice.link.Segmenter;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** A super-segment of 65,440 bytes cut for a link without offloads: copied, headers written, checksums made. */
public class SegmenterBenchmark extends Part {
    private static final int PAYLOAD = 65_440;
    private static final int HEADERS = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH + TcpHeader.MIN_LENGTH;

    @Param({"1500", "65520"})
    public int mtu;

    private final MemorySegment head = Arena.ofAuto().allocate(128, 8);
    private final MemorySegment body = Arena.ofAuto().allocate(PAYLOAD, 8);
    private final MemorySegment target = Arena.ofAuto().allocate(80_000, 8);
    private final Frame frame = new Frame();
    private final Segmenter segmenter = new Segmenter();

    @Setup
    public void writeFrame() {
        int ip = EthernetHeader.LENGTH;
        EthernetHeader.write(head, 0, 2, 1, EthernetHeader.TYPE_IPV4);
        Ipv4Header.write(head, ip, 0, 40 + PAYLOAD, 1, Ipv4Header.DONT_FRAGMENT, 64, Ipv4Header.PROTOCOL_TCP, 1, 2);
        TcpHeader.write(head, ip + 20, 1, 2, 3, 4, TcpHeader.MIN_LENGTH, TcpHeader.ACK, 5);
        frame.set(head, 0, HEADERS);
        frame.body = body;
        frame.bodyLength = PAYLOAD;
        frame.checksumStart = ip + 20;
        frame.checksumOffset = TcpHeader.CHECKSUM;
        if (mtu < PAYLOAD) {
            frame.gso = Frame.GSO_TCP4;
            frame.gsoSize = mtu - 40;
        }
    }

    @Benchmark
    public int cut() {
        if (!segmenter.begin(frame, mtu)) {
            throw new IllegalStateException();
        }
        int at = 0;
        while (segmenter.remaining() > 0) {
            at += segmenter.next(target, at);
        }
        return at;
    }
}
