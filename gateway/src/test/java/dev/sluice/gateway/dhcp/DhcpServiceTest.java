package dev.sluice.gateway.dhcp;

import static dev.sluice.gateway.dhcp.DhcpClientMessages.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.link.Link;
import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DhcpServiceTest {
    private final Arena arena = Arena.ofConfined();
    private final AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final Counters counters = new Counters();
    private final List<String> events = new ArrayList<>();
    private final RecordingLink link = new RecordingLink("test");
    private final DhcpService service = new DhcpService(
            arena, plan, new DhcpServer(plan, DhcpSettings.of(plan), Limits.defaults()), counters, new LeaseListener() {
                @Override
                public void onLease(MacAddress mac, Ipv4Address address, Link from) {
                    events.add("lease " + mac + " " + address + " " + from.name());
                }

                @Override
                public void onRelease(MacAddress mac, Ipv4Address address) {
                    events.add("release " + mac + " " + address);
                }
            });

    @AfterEach
    void free() {
        arena.close();
    }

    private void send(DhcpMessage message) {
        MemorySegment s = arena.allocate(1500);
        int length = message.encode(s, 2, 1400);
        service.onDatagram(link, message.hardwareAddress().bits(), s, 2, length, 0);
    }

    /** The one frame that was sent, every checksum verified. */
    private DhcpMessage reply() {
        assertThat(link.frames).hasSize(1);
        byte[] frame = link.frames.removeFirst();
        MemorySegment s = MemorySegment.ofArray(frame);
        assertThat(EthernetHeader.type(s, 0)).isEqualTo(EthernetHeader.TYPE_IPV4);
        assertThat(EthernetHeader.source(s, 0)).isEqualTo(plan.mac().bits());
        assertThat(Ipv4Header.check(s, 14, frame.length - 14)).isEqualTo(Flaw.NONE);
        assertThat(Ipv4Header.totalLength(s, 14)).isEqualTo(frame.length - 14);
        assertThat(Ipv4Header.source(s, 14)).isEqualTo(plan.gateway().bits());
        assertThat(UdpHeader.check(s, 34, frame.length - 34)).isEqualTo(Flaw.NONE);
        assertThat(Bytes.u16(s, 34 + UdpHeader.CHECKSUM)).isNotZero();
        assertThat(UdpHeader.checksumOk(s, 34, Ipv4Header.source(s, 14), Ipv4Header.destination(s, 14)))
                .isTrue();
        assertThat(UdpHeader.sourcePort(s, 34)).isEqualTo(67);
        return ((DhcpMessage.Decoded.Message) DhcpMessage.decode(s, 42, frame.length - 42)).message();
    }

    @Test
    void aDialogueOnTheWireTellsTheListener() {
        send(discover(mac(1), null));
        assertThat(events).isEmpty();
        Ipv4Address address = reply().yourAddress();
        send(selecting(mac(1), GATEWAY, address));
        assertThat(events).containsExactly("lease 02:50:00:00:00:01 192.168.65.3 test");
        assertThat(reply().type()).isEqualTo(DhcpMessage.ACK);
        send(release(mac(1), address));
        assertThat(events).last().isEqualTo("release 02:50:00:00:00:01 192.168.65.3");
        assertThat(link.frames).isEmpty();
        assertThat(counters.dhcpReplies).isEqualTo(2);
    }

    /** VPNKit's Go client, byte for byte: a bare DISCOVER of 244 bytes, IPv4 and UDP checksums zero. */
    @Test
    void theMinimalDiscoverOfVpnkitsGoClientIsAnswered() {
        byte[] frame = HexFormat.of()
                .parseHex("ffffffffffff" + "025000000001" + "0800"
                        + "450001107f6100004011" + "0000" + "00000000" + "ffffffff"
                        + "0044004300fc0000"
                        + "01010600" + "01000000" + "00008000" + "00".repeat(16) + "025000000001" + "00".repeat(10)
                        + "00".repeat(192) + "63825363" + "350101ff");
        assertThat(frame).hasSize(14 + 20 + 8 + 244);
        MemorySegment s = MemorySegment.ofArray(frame);
        assertThat(Ipv4Header.check(s, 14, frame.length - 14)).isEqualTo(Flaw.BAD_CHECKSUM);
        assertThat(DhcpService.isDiscoverWithoutChecksum(s, 14, frame.length - 14))
                .isTrue();
        assertThat(UdpHeader.check(s, 34, frame.length - 34)).isEqualTo(Flaw.NONE);
        service.onDatagram(link, 0x0250_0000_0001L, s, 42, frame.length - 42, 0);
        byte[] sent = link.frames.getFirst();
        assertThat(sent).hasSizeGreaterThanOrEqualTo(14 + 20 + 8 + 243);
        assertThat(HexFormat.of().formatHex(sent, 0, 6)).isEqualTo("ffffffffffff");
        assertThat(HexFormat.of().formatHex(sent, 46, 50)).as("xid").isEqualTo("01000000");
        DhcpMessage offer = reply();
        assertThat(offer.type()).isEqualTo(DhcpMessage.OFFER);
        assertThat(offer.yourAddress()).hasToString("192.168.65.3");
        assertThat(offer.options().codes()).contains(1, 3, 6, 26, 28, 51, 54, 58, 59);
    }

    @Test
    void onlyThatOnePacketPassesWithoutAChecksum() {
        byte[] packet = HexFormat.of()
                .parseHex("450001107f61000040110000" + "00000000ffffffff" + "0044004300fc0000" + "00".repeat(244));
        MemorySegment good = MemorySegment.ofArray(packet);
        assertThat(DhcpService.isDiscoverWithoutChecksum(good, 0, packet.length))
                .isTrue();
        for (int length = 0; length < packet.length; length++) {
            assertThat(DhcpService.isDiscoverWithoutChecksum(
                            MemorySegment.ofArray(Arrays.copyOf(packet, length)), 0, length))
                    .isFalse();
        }
        for (int at : new int[] {0, 6, 7, 9, 10, 11, 12, 15, 16, 19, 20, 21, 22, 23}) {
            byte[] other = packet.clone();
            other[at] ^= at == 6 ? 0x20 : 0x01;
            assertThat(DhcpService.isDiscoverWithoutChecksum(MemorySegment.ofArray(other), 0, other.length))
                    .as("byte %d", at)
                    .isFalse();
        }
    }

    @Test
    void repliesStayWithinWhatClientAndNetworkTake() {
        List<String> domains = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            domains.add("department-" + i + ".example-" + i + ".test");
        }
        AddressPlan long1500 = new AddressPlan(
                plan.subnet(),
                plan.gateway(),
                plan.host(),
                plan.firstGuest(),
                plan.lastGuest(),
                plan.mac(),
                1500,
                true,
                "x.test",
                domains);
        DhcpService big = new DhcpService(
                arena,
                long1500,
                new DhcpServer(long1500, DhcpSettings.of(long1500), Limits.defaults()),
                counters,
                (mac, address, from) -> {});
        for (int size : new int[] {0, 300, 576, 1500, 65535}) {
            DhcpOptions.Builder options = type(DhcpMessage.DISCOVER);
            if (size > 0) {
                options.number16(DhcpOptions.MAXIMUM_MESSAGE_SIZE, size);
            }
            MemorySegment s = arena.allocate(600);
            int length = message(mac(1), false, ANY, ANY, options.build()).encode(s, 0, 548);
            big.onDatagram(link, mac(1).bits(), s, 0, length, 0);
            assertThat(link.frames.getFirst().length - 14).isLessThanOrEqualTo(size >= 1500 ? 1500 : 576);
            assertThat(reply().options().has(DhcpOptions.DOMAIN_SEARCH)).isEqualTo(size >= 1500);
        }
    }

    @Test
    void everyKindOfSilenceIsCounted() {
        MemorySegment s = arena.allocate(10);
        service.onDatagram(link, 1, s, 0, 10, 0);
        assertThat(counters.dropped(Drop.BAD_DHCP)).isEqualTo(1);
        send(message(mac(1), false, ANY, ANY, type(DhcpMessage.OFFER).build()));
        assertThat(counters.dropped(Drop.BAD_DHCP)).isEqualTo(2);
        MemorySegment d = arena.allocate(600);
        int length = discover(mac(1), null).encode(d, 0, 548);
        service.onDatagram(link, mac(2).bits(), d, 0, length, 0);
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(1);
        for (int i = 1; i <= 253; i++) {
            send(discover(mac(i), null));
            link.frames.clear();
            send(renewing(mac(i), plan.firstGuest().plus(i - 1)));
            link.frames.clear();
        }
        send(discover(mac(999), null));
        assertThat(counters.dropped(Drop.GUEST_LIMIT)).isPositive();
        assertThat(link.frames).isEmpty();
    }

    @Test
    void othersClaimAddressesThroughReservations() {
        AddressClaims claims = service.claims(() -> 0);
        assertThat(claims.claim(ip("192.168.65.3"), mac(7))).isTrue();
        assertThat(claims.claim(ip("192.168.65.3"), mac(8))).isFalse();
        send(discover(mac(8), null));
        assertThat(reply().yourAddress()).hasToString("192.168.65.4");
        send(discover(mac(7), null));
        assertThat(reply().yourAddress()).hasToString("192.168.65.3");
        assertThat(events).containsExactly("lease 02:50:00:00:00:07 192.168.65.3 test");
        claims.release(ip("192.168.65.3"), mac(7));
        assertThat(service.server().table().snapshot(0).getFirst().reserved()).isFalse();
    }

    @Test
    void damagedMessagesAreAnsweredOrDroppedNeverThrown() {
        long seed = 67;
        SplittableRandom random = new SplittableRandom(seed);
        MemorySegment s = arena.allocate(2000);
        List<byte[]> samples = new ArrayList<>();
        for (DhcpMessage message : List.of(
                discover(mac(1), ip("192.168.65.9")),
                selecting(mac(1), GATEWAY, ip("192.168.65.9")),
                renewing(mac(1), ip("192.168.65.9")),
                decline(mac(1), ip("192.168.65.9")),
                release(mac(1), ip("192.168.65.9")),
                inform(mac(1), ip("192.168.65.9")))) {
            int length = message.encode(s, 0, 1400);
            samples.add(s.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
        }
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = samples.get(random.nextInt(samples.size())).clone();
            for (int edits = random.nextInt(5); edits > 0; edits--) {
                int at = random.nextBoolean() ? random.nextInt(bytes.length) : 236 + random.nextInt(bytes.length - 236);
                bytes[at] = (byte) random.nextInt();
            }
            int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length + 1) : bytes.length;
            MemorySegment exact = arena.allocate(length + 1L).asSlice(0, length);
            MemorySegment.copy(bytes, 0, exact, ValueLayout.JAVA_BYTE, 0, length);
            try {
                service.onDatagram(
                        link, Bytes.u48(MemorySegment.ofArray(bytes), 28), exact, 0, length, round * 1_000_000L);
            } catch (RuntimeException e) {
                throw new AssertionError(
                        "seed " + seed + " round " + round + " "
                                + HexFormat.of().formatHex(bytes, 0, length),
                        e);
            }
            if (!link.frames.isEmpty()) {
                reply();
            }
        }
        assertThat(service.server().table().snapshot(0)).hasSizeLessThanOrEqualTo(252);
        assertThat(counters.dhcpReplies).isPositive();
    }
}
