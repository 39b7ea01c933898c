package dev.sluice.bench.parts;

import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Setup;

/** What is looked at in each frame before its flow is known: hardware address, IP header with its checksum, TCP header, addresses. */
public class ParseBenchmark extends Part {
    private static final int FRAMES = 64;
    private static final int STRIDE = 2048;
    private static final int IP = EthernetHeader.LENGTH;

    private final MemorySegment memory = Arena.ofAuto().allocate(2L * FRAMES * STRIDE, 8);
    private int next;

    @Setup
    public void writeFrames() {
        for (int i = 0; i < FRAMES; i++) {
            long at = (long) i * STRIDE;
            EthernetHeader.write(memory, at, 2, 1, EthernetHeader.TYPE_IPV4);
            Ipv4Header.write(
                    memory,
                    at + IP,
                    0,
                    1500,
                    i,
                    Ipv4Header.DONT_FRAGMENT,
                    64,
                    Ipv4Header.PROTOCOL_TCP,
                    0x0a000002 + i,
                    0x0a000001);
            TcpHeader.write(memory, at + IP + 20, 40_000 + i, 80, i, i, 20, TcpHeader.ACK, 65_535);
            long six = at + (long) FRAMES * STRIDE;
            EthernetHeader.write(memory, six, 2, 1, EthernetHeader.TYPE_IPV6);
            Ipv6Header.write(
                    memory, six + IP, 0, 0, 1460, Ipv4Header.PROTOCOL_TCP, 64, 0xfd00L << 48, 2 + i, 0xfd00L << 48, 1);
            TcpHeader.write(memory, six + IP + 40, 40_000 + i, 80, i, i, 20, TcpHeader.ACK, 65_535);
        }
    }

    @Benchmark
    public long ipv4() {
        long at = (long) (next++ & FRAMES - 1) * STRIDE;
        if (EthernetHeader.type(memory, at) != EthernetHeader.TYPE_IPV4
                || Ipv4Header.check(memory, at + IP, 1500) != Flaw.NONE) {
            throw new IllegalStateException();
        }
        return transport(at, Ipv4Header.headerLength(memory, at + IP));
    }

    @Benchmark
    public long ipv6() {
        long at = (long) (FRAMES + (next++ & FRAMES - 1)) * STRIDE;
        if (EthernetHeader.type(memory, at) != EthernetHeader.TYPE_IPV6
                || Ipv6Header.check(memory, at + IP, 1500) != Flaw.NONE) {
            throw new IllegalStateException();
        }
        return transport(at, Ipv6Header.LENGTH);
    }

    private long transport(long at, int header) {
        long tcp = at + IP + header;
        if (TcpHeader.check(memory, tcp, 1500 - header) != Flaw.NONE) {
            throw new IllegalStateException();
        }
        return EthernetHeader.source(memory, at)
                ^ IpHeader.sourceLow(memory, at + IP)
                ^ IpHeader.destinationLow(memory, at + IP)
                ^ TcpHeader.sourcePort(memory, tcp)
                ^ TcpHeader.destinationPort(memory, tcp);
    }
}
