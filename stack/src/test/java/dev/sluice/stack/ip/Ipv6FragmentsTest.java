package dev.sluice.stack.ip;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.ip.Reassembler.Outcome;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv6Chain;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** IPv6 fragments, ours and others'. */
class Ipv6FragmentsTest {
    private static final int UDP = 17;
    private final Arena arena = Arena.ofAuto();
    private final List<Integer> expired = new ArrayList<>();
    private final Reassembler reassembler =
            new Reassembler(arena, 256, 4 << 20, (packet, at, length) -> expired.add(length));
    private final Ipv6Fragmenter fragmenter = new Ipv6Fragmenter(arena);
    private final Ipv6Chain chain = new Ipv6Chain();
    private final MemorySegment s = arena.allocate(70_000, 8);

    private byte[] whole(int payload, int trafficClass) {
        Ipv6Header.write(s, 0, trafficClass, 0, payload, UDP, 64, 0xfd00L << 48, 3, 0xfd00L << 48, 1);
        for (int i = 0; i < payload; i++) {
            Bytes.put8(s, 40 + i, i * 31 + i / 251);
        }
        return s.asSlice(0, 40 + payload).toArray(ValueLayout.JAVA_BYTE);
    }

    private List<byte[]> pieces(byte[] packet, int identification, int mtu) {
        List<byte[]> pieces = new ArrayList<>();
        MemorySegment in = arena.allocate(packet.length, 8);
        in.copyFrom(MemorySegment.ofArray(packet));
        int n = fragmenter.fragment(
                in,
                0,
                identification,
                mtu,
                (t, at, length) -> pieces.add(t.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE)));
        assertThat(n).isEqualTo(pieces.size());
        return pieces;
    }

    private Outcome add(byte[] piece, long now) {
        MemorySegment.copy(piece, 0, s, ValueLayout.JAVA_BYTE, 0, piece.length);
        assertThat(Ipv6Header.check(s, 0, piece.length)).isEqualTo(Flaw.NONE);
        assertThat(chain.walk(s, 0, piece.length)).isEqualTo(Flaw.NONE);
        assertThat(chain.fragmentAt).isPositive();
        return reassembler.add(s, 0, chain, now);
    }

    private byte[] result() {
        return reassembler
                .packet()
                .asSlice(reassembler.packetAt(), reassembler.packetLength())
                .toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @ValueSource(ints = {1300, 3000, 65_527, 65_535})
    void whatIsCutIsPutTogetherInAnyOrder(int payload) {
        byte[] packet = whole(payload, 0);
        List<byte[]> pieces = pieces(packet, 77, 1280);
        Collections.shuffle(pieces, new Random(payload));
        for (int i = 0; i < pieces.size(); i++) {
            assertThat(pieces.get(i).length).isLessThanOrEqualTo(1280);
            assertThat(add(pieces.get(i), 0)).isEqualTo(i == pieces.size() - 1 ? Outcome.COMPLETE : Outcome.INCOMPLETE);
        }
        assertThat(result()).isEqualTo(packet);
        assertThat(reassembler.bytes()).isZero();
    }

    @Test
    void overlapPoisonsTheDatagramForGood() {
        List<byte[]> pieces = pieces(whole(3000, 0), 5, 1280);
        add(pieces.get(0), 0);
        assertThat(add(pieces.get(0), 0)).isEqualTo(Outcome.OVERLAP);
        assertThat(add(pieces.get(1), 0)).isEqualTo(Outcome.OVERLAP);
        assertThat(add(pieces.get(2), 0)).isEqualTo(Outcome.OVERLAP);
    }

    @Test
    void identificationsAndAddressesKeepDatagramsApart() {
        List<byte[]> one = pieces(whole(2000, 0), 1, 1280);
        List<byte[]> two = pieces(whole(2000, 0), 2, 1280);
        add(one.get(0), 0);
        assertThat(add(two.get(1), 0)).isEqualTo(Outcome.INCOMPLETE);
        byte[] other = one.get(1).clone();
        other[23] = 9; // another source
        assertThat(add(other, 0)).isEqualTo(Outcome.INCOMPLETE);
        assertThat(add(one.get(1), 0)).isEqualTo(Outcome.COMPLETE);
        assertThat(reassembler.datagrams()).isEqualTo(2);
    }

    @Test
    void aFragmentThatIsAllThereIsStandsAlone() {
        byte[] packet = whole(100, 0);
        byte[] atomic = pieces(packet, 9, 1280).getFirst();
        List<byte[]> others = pieces(whole(3000, 0), 9, 1280);
        add(others.get(0), 0);
        assertThat(add(atomic, 0)).isEqualTo(Outcome.COMPLETE);
        assertThat(result()).isEqualTo(packet);
        assertThat(reassembler.datagrams()).as("the other one still waits").isEqualTo(1);
    }

    @Test
    void congestionMarksSurvive() {
        List<byte[]> pieces = pieces(whole(2000, 2), 5, 1280);
        MemorySegment marked = MemorySegment.ofArray(pieces.get(1));
        Bytes.put8(marked, 1, Bytes.u8(marked, 1) | 0x30);
        add(pieces.get(0), 0);
        assertThat(add(pieces.get(1), 0)).isEqualTo(Outcome.COMPLETE);
        assertThat(IpHeader.trafficClass(reassembler.packet(), reassembler.packetAt()))
                .isEqualTo(3);
    }

    @Test
    void aFirstFragmentWithoutTheWholeTransportHeaderIsRefused() {
        byte[] first = pieces(whole(2000, 0), 5, 1280).getFirst();
        byte[] tiny = java.util.Arrays.copyOf(first, 56);
        tiny[4] = 0;
        tiny[5] = 16; // fragment header and eight bytes
        tiny[40] = 6; // TCP
        assertThat(add(tiny, 0)).isEqualTo(Outcome.TINY);
    }

    @Test
    void expiryShowsThePacketWithoutItsFragmentHeader() {
        List<byte[]> pieces = pieces(whole(3000, 0), 5, 1280);
        add(pieces.get(0), 0);
        assertThat(reassembler.expire(Reassembler.TIMEOUT)).isEqualTo(1);
        assertThat(expired).containsExactly(40 + 576);
        assertThat(add(pieces.get(1), Reassembler.TIMEOUT)).isEqualTo(Outcome.INCOMPLETE);
    }

    @Test
    void errorsAnswerNeitherErrorsNorMulticastNorLaterFragments() {
        Icmpv6ErrorWriter writer = new Icmpv6ErrorWriter();
        byte[] packet = whole(100, 0);
        assertThat(mayAnswer(writer, packet)).isTrue();
        byte[] later = pieces(whole(3000, 0), 1, 1280).get(1);
        assertThat(mayAnswer(writer, later)).isFalse();
        byte[] multicast = packet.clone();
        multicast[24] = (byte) 0xff;
        assertThat(mayAnswer(writer, multicast)).isFalse();
        byte[] nobody = packet.clone();
        java.util.Arrays.fill(nobody, 8, 24, (byte) 0);
        assertThat(mayAnswer(writer, nobody)).isFalse();
        byte[] icmp = packet.clone();
        icmp[6] = 58;
        for (int type : new int[] {1, 2, 3, 4, 137}) {
            icmp[40] = (byte) type;
            assertThat(mayAnswer(writer, icmp)).as("type %d", type).isFalse();
        }
        icmp[40] = (byte) 128;
        assertThat(mayAnswer(writer, icmp)).isTrue();
    }

    private boolean mayAnswer(Icmpv6ErrorWriter writer, byte[] packet) {
        MemorySegment.copy(packet, 0, s, ValueLayout.JAVA_BYTE, 0, packet.length);
        return writer.mayAnswer(s, 0, packet.length);
    }

    @Test
    void anErrorQuotesNoMoreThanTheMinimumMtuHolds() {
        whole(3000, 0);
        MemorySegment out = arena.allocate(2000);
        assertThat(Icmpv6ErrorWriter.write(out, 0, 2, 0, 1500, s, 0, 3040)).isEqualTo(1240);
        assertThat(Bytes.i32(out, 4)).isEqualTo(1500);
    }
}
