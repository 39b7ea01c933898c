package dev.sluice.fuzz;

import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Fragments of a few datagrams of both families, in any order, with time between. */
public final class Fragments {
    private static final int MOST = 64;
    private static final int SOURCE = 0x0a000001;
    private static final int DESTINATION = 0x0a000002;

    private Fragments() {}

    /** A sequence of: what to do, its numbers, its payload. */
    public static void fuzzerTestOneInput(byte[] data) {
        Input input = new Input(data);
        try (Arena arena = Arena.ofConfined()) {
            Reassembler reassembler = new Reassembler(arena, 8, Reassembler.MIN_BYTES * 2, Reassembler.Expired.IGNORED);
            long now = 1_000_000_000L;
            for (int i = 0; i < MOST && input.more(); i++) {
                int what = input.u8();
                if (what % 8 == 7) {
                    now += (long) input.u16() * 1_000_000;
                    reassembler.expire(now);
                } else if (what % 2 == 0) {
                    add4(reassembler, input, now);
                } else {
                    add6(reassembler, input, now);
                }
                Memory.require(reassembler.bytes() <= Reassembler.MIN_BYTES * 2, "the bytes have a bound");
                Memory.require(reassembler.datagrams() <= 8, "the datagrams have a bound");
            }
            reassembler.expire(now + 2 * Reassembler.TIMEOUT);
            Memory.require(reassembler.datagrams() == 0 && reassembler.bytes() == 0, "time ends all of them");
        }
    }

    private static void add4(Reassembler reassembler, Input input, long now) {
        int identification = input.u8() % 4;
        int offset = input.u16();
        byte[] payload = input.take(input.u8() * 8 + (offset >>> 14 & 3));
        int header = Ipv4Header.MIN_LENGTH;
        byte[] bytes = new byte[header + payload.length];
        MemorySegment s = MemorySegment.ofArray(bytes);
        System.arraycopy(payload, 0, bytes, header, payload.length);
        Ipv4Header.write(s, 0, 0, bytes.length, identification, offset & 0x3fff, 64, 17, SOURCE, DESTINATION);
        if (Ipv4Header.check(s, 0, bytes.length) == Flaw.NONE && Ipv4Header.isFragment(s, 0)) {
            done(reassembler, reassembler.add(s, 0, now));
        }
    }

    private static void add6(Reassembler reassembler, Input input, long now) {
        int identification = input.u8() % 4;
        int offset = input.u16();
        byte[] payload = input.take(input.u8() * 8 + (offset >>> 1 & 3));
        int header = Ipv6Header.LENGTH + 8;
        byte[] bytes = new byte[header + payload.length];
        MemorySegment s = MemorySegment.ofArray(bytes);
        Ipv6Header.write(s, 0, 0, 0, bytes.length - Ipv6Header.LENGTH, Ipv6Header.FRAGMENT, 64, 1, 2, 1, 3);
        bytes[40] = 17;
        bytes[42] = (byte) (offset >>> 8);
        bytes[43] = (byte) offset;
        bytes[47] = (byte) identification;
        System.arraycopy(payload, 0, bytes, header, payload.length);
        Ipv6Chain chain = new Ipv6Chain();
        if (Ipv6Header.check(s, 0, bytes.length) == Flaw.NONE
                && chain.walk(s, 0, bytes.length) == Flaw.NONE
                && chain.fragmentAt >= 0) {
            done(reassembler, reassembler.add(s, 0, chain, now));
        }
    }

    private static void done(Reassembler reassembler, Reassembler.Outcome outcome) {
        if (outcome == Reassembler.Outcome.COMPLETE) {
            MemorySegment packet = reassembler.packet();
            long at = reassembler.packetAt();
            int length = reassembler.packetLength();
            Memory.require(length <= 65_535 && at + length <= packet.byteSize(), "the packet lies in its memory");
            boolean v4 = packet.get(java.lang.foreign.ValueLayout.JAVA_BYTE, at) >>> 4 == 4;
            Flaw flaw = v4 ? Ipv4Header.check(packet, at, length) : Ipv6Header.check(packet, at, length);
            Memory.require(flaw == Flaw.NONE, "what was put together is a packet: " + flaw);
        }
    }
}
