package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.PacketOutput;
import dev.sluice.gateway.udp.UdpOutput;
import dev.sluice.link.Frame;
import dev.sluice.link.Segmenter;
import dev.sluice.stack.ip.Reassembler;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Datagrams that go to a guest several at a time: what a guest's kernel makes of the frames is what was to be sent. */
class SeveralDatagramsTest {
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 65_520, true);
    private static final int HEADER = PacketOutput.HEADROOM;
    private final Counters counters = new Counters();
    private final PacketSender sender = new PacketSender(PLAN, counters);
    private final MemorySegment memory = Arena.ofAuto().allocate(70_000, 8);
    private final CuttingLink link = new CuttingLink();
    private Guest guest = new Guest(Ipv4Address.parse("192.168.65.3").bits(), 0x0250_0000_0003L, link);

    @Test
    void equalOnesLeaveAsOneFrame() {
        send(3200, 100);
        assertThat(link.frames).isEqualTo(1);
        assertThat(link.datagrams).hasSize(32).allMatch(d -> d.length == 100);
        expectSent(3200);
    }

    @Test
    void theLastMayBeShorter() {
        send(3201, 100);
        assertThat(link.frames).isEqualTo(1);
        assertThat(link.datagrams).hasSize(33).last().matches(d -> d.length == 1);
        expectSent(3201);
    }

    @Test
    void theLargestFrameHoldsWhatAPacketHolds() {
        send(65_507, 1400);
        assertThat(link.datagrams).hasSize(47);
        expectSent(65_507);
    }

    @Test
    void eachFillsThePacketToTheLastByte() {
        send(5 * 1472, 1472);
        assertThat(link.frames).isEqualTo(1);
        expectSent(5 * 1472);
    }

    @Test
    void thoseLongerThanALinkTakesAreFragmentedOneByOne() {
        send(3 * 1473 + 10, 1473);
        assertThat(link.frames).isEqualTo(3 * 2 + 1);
        assertThat(link.datagrams).hasSize(4);
        expectSent(3 * 1473 + 10);
    }

    @Test
    void noTwoHaveTheSameIdentification() {
        guest.identification = 0xfff0;
        for (int i = 0; i < 5; i++) {
            send(1000, 100);
            send(50, 50);
        }
        assertThat(link.identifications).hasSize(55).doesNotHaveDuplicates();
    }

    /** Else a guest could count what others are sent (RFC 7739 §5), or scan with another's name. */
    @Test
    void aGuestSeesOneIdentificationAfterTheOtherWhateverOthersAreSent() {
        Guest other = new Guest(Ipv4Address.parse("192.168.65.4").bits(), 0x0250_0000_0004L, link);
        Guest one = guest;
        send(10, 10);
        guest = other;
        send(1000, 100);
        send(20, 20);
        guest = one;
        send(1000, 100);
        send(30, 30);
        List<Integer> seen = new ArrayList<>(link.identifications);
        seen.subList(1, 12).clear();
        int first = seen.getFirst();
        assertThat(seen).hasSize(12).allMatch(id -> id == (first + seen.indexOf(id) & 0xffff));
    }

    @Test
    void whereOneGuestBeginsTellsNothingOfWhereAnotherDoes() {
        Set<Integer> distances = new HashSet<>();
        for (int i = 1; i < 100; i++) {
            Guest next = new Guest(guest.address + i, guest.mac + i, link);
            distances.add(next.identification - guest.identification & 0xffff);
        }
        assertThat(distances).hasSizeGreaterThan(90);
    }

    @Test
    void moreThanAPacketHoldsIsSentOneByOne() {
        send(65_520, 1365); // as IPv6 may bring it for a guest that sees an IPv4 address
        assertThat(link.frames).isEqualTo(48);
        expectSent(65_520);
    }

    @Test
    void overIpv6TheyAreAsMany() {
        guest = new Guest(0xfd00_5109_05ce_0000L, 3, 0x0250_0000_0003L, link);
        send(10 * 1452 + 1, 1452);
        assertThat(link.frames).isEqualTo(1);
        assertThat(link.datagrams).hasSize(11);
        expectSent(10 * 1452 + 1);
    }

    @Test
    void anEmptyOneIsOne() {
        send(0, 0);
        assertThat(link.datagrams).hasSize(1);
        assertThat(link.datagrams.getFirst()).isEmpty();
    }

    private long sourceHigh() {
        return guest.isIpv4() ? IpHeader.MAPPED_HIGH : 0xfd00_5109_05ce_0000L;
    }

    private long sourceLow() {
        return guest.isIpv4() ? IpHeader.mapped(PLAN.host().bits()) : 2;
    }

    private byte[] payload = new byte[0];

    private void send(int length, int size) {
        payload = new byte[length];
        new Random(length).nextBytes(payload);
        MemorySegment.copy(
                payload, 0, memory, ValueLayout.JAVA_BYTE, UdpOutput.HEADROOM, length); // behind the UDP header
        UdpHeader.write(memory, HEADER, 53, 5000, UdpHeader.LENGTH + size);
        assertThat(sender.send(
                        guest,
                        sourceHigh(),
                        sourceLow(),
                        Ipv4Header.PROTOCOL_UDP,
                        64,
                        0x2e,
                        memory,
                        HEADER,
                        UdpHeader.LENGTH + length,
                        UdpHeader.CHECKSUM))
                .isTrue();
    }

    private void expectSent(int length) {
        byte[] all = new byte[length];
        int at = 0;
        for (byte[] datagram : link.datagrams) {
            System.arraycopy(datagram, 0, all, at, datagram.length);
            at += datagram.length;
        }
        assertThat(all).isEqualTo(payload);
    }

    /** Cuts frames as every link does, checks each packet and keeps the payloads. */
    private final class CuttingLink extends RecordingLink {
        final List<byte[]> datagrams = new ArrayList<>();
        final List<Integer> identifications = new ArrayList<>();
        int frames;
        private final Segmenter segmenter = new Segmenter();
        private final MemorySegment piece = Arena.ofAuto().allocate(70_000, 8);
        private final Reassembler reassembler =
                new Reassembler(Arena.ofAuto(), 16, 1 << 20, Reassembler.Expired.IGNORED);

        CuttingLink() {
            super("cutting");
        }

        @Override
        public boolean send(Frame frame) {
            frames++;
            assertThat(segmenter.begin(frame, mtu())).isTrue();
            while (segmenter.remaining() > 0) {
                segmenter.next(piece, 0);
                long ip = EthernetHeader.LENGTH;
                assertThat(IpHeader.trafficClass(piece, ip)).isEqualTo(0x2e);
                if (!guest.isIpv4()) {
                    keep(piece, ip);
                    continue;
                }
                assertThat(Ipv4Header.check(piece, ip, 1500)).isEqualTo(Flaw.NONE);
                if (!Ipv4Header.isFragment(piece, ip)) {
                    identifications.add(Ipv4Header.identification(piece, ip));
                    keep(piece, ip);
                } else if (reassembler.add(piece, ip, 0) == Reassembler.Outcome.COMPLETE) {
                    keep(reassembler.packet(), reassembler.packetAt());
                }
            }
            return true;
        }

        private void keep(MemorySegment s, long ip) {
            int header = IpHeader.length(guest.isIpv4());
            long at = ip + header;
            int length = IpHeader.totalLength(s, ip) - header;
            assertThat(UdpHeader.check(s, at, length)).isEqualTo(Flaw.NONE);
            assertThat(UdpHeader.length(s, at)).isEqualTo(length);
            long sum = IpHeader.pseudoHeader(
                    sourceHigh(), sourceLow(), guest.high, guest.low, Ipv4Header.PROTOCOL_UDP, length);
            assertThat(Checksum.finish(Checksum.add(sum, s, at, length))).isZero();
            assertThat(UdpHeader.sourcePort(s, at)).isEqualTo(53);
            byte[] transport = s.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
            datagrams.add(Arrays.copyOfRange(transport, UdpHeader.LENGTH, transport.length));
        }
    }
}
