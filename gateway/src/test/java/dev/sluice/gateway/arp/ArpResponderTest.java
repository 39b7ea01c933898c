package dev.sluice.gateway.arp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.wire.ArpHeader;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ArpResponderTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long GUEST = 0x0250_0000_0001L;
    private static final int GATEWAY = Ipv4Address.parse("192.168.65.1").bits();
    private static final int HOST = Ipv4Address.parse("192.168.65.2").bits();
    private static final int ADDRESS = Ipv4Address.parse("192.168.65.3").bits();

    private final Arena arena = Arena.ofConfined();
    private final AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private final Counters counters = new Counters();
    private final RecordingLink link = new RecordingLink("test");
    private final List<String> learned = new ArrayList<>();
    private final ArpResponder responder = new ArpResponder(
            arena,
            plan,
            counters,
            (from, mac, address) -> learned.add(new MacAddress(mac) + " " + new Ipv4Address(address)));
    private final MemorySegment s = arena.allocate(60);

    @AfterEach
    void free() {
        arena.close();
    }

    private void arp(int operation, long senderMac, int sender, int target, long now) {
        ArpHeader.write(s, 5, operation, senderMac, sender, 0, target);
        responder.onArp(link, senderMac, s, 5, 46, now);
    }

    private void assertSent(long destination, int operation, int sender, long targetMac, int target) {
        assertThat(link.frames).isNotEmpty();
        MemorySegment f = MemorySegment.ofArray(link.frames.removeFirst());
        assertThat(f.byteSize()).isEqualTo(42);
        assertThat(EthernetHeader.destination(f, 0)).isEqualTo(destination);
        assertThat(EthernetHeader.source(f, 0)).isEqualTo(plan.mac().bits());
        assertThat(EthernetHeader.type(f, 0)).isEqualTo(EthernetHeader.TYPE_ARP);
        assertThat(ArpHeader.check(f, 14, 28)).isEqualTo(Flaw.NONE);
        assertThat(ArpHeader.operation(f, 14)).isEqualTo(operation);
        assertThat(ArpHeader.senderMac(f, 14)).isEqualTo(plan.mac().bits());
        assertThat(ArpHeader.senderAddress(f, 14)).isEqualTo(sender);
        assertThat(ArpHeader.targetMac(f, 14)).isEqualTo(targetMac);
        assertThat(ArpHeader.targetAddress(f, 14)).isEqualTo(target);
    }

    @Test
    void answersForGatewayAndHostOnly() {
        for (int last = 0; last < 256; last++) {
            int target = ADDRESS & ~0xff | last;
            arp(ArpHeader.REQUEST, GUEST, ADDRESS, target, 0);
            if (target == GATEWAY || target == HOST) {
                assertSent(GUEST, ArpHeader.REPLY, target, GUEST, ADDRESS);
            }
            assertThat(link.frames).isEmpty();
        }
        assertThat(counters.arpReplies).isEqualTo(2);
    }

    @Test
    void aProbeForTheGatewayIsAnsweredAndTeachesNothing() {
        arp(ArpHeader.REQUEST, GUEST, 0, GATEWAY, 0);
        assertSent(GUEST, ArpHeader.REPLY, GATEWAY, GUEST, 0);
        assertThat(learned).isEmpty();
    }

    @Test
    void announcesBothAddressesToANewLink() {
        responder.announce(link);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, GATEWAY, 0, GATEWAY);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, HOST, 0, HOST);
        assertThat(link.frames).isEmpty();
    }

    @Test
    void aConflictIsCountedAndDefendedOnceInTenSeconds() {
        long now = Long.MAX_VALUE - SECOND; // the clock wraps during the test
        arp(ArpHeader.REQUEST, GUEST, GATEWAY, GATEWAY, now);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, GATEWAY, 0, GATEWAY);
        for (int i = 1; i < 100; i++) {
            arp(
                    i % 2 == 0 ? ArpHeader.REPLY : ArpHeader.REQUEST,
                    GUEST + i % 3,
                    GATEWAY,
                    ADDRESS,
                    now + i * SECOND / 10);
        }
        assertThat(link.frames).isEmpty();
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(100);
        arp(ArpHeader.REPLY, GUEST, HOST, ADDRESS, now + 10 * SECOND);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, HOST, 0, HOST);
        assertThat(learned).isEmpty();
    }

    @Test
    void requestsTeachUnsolicitedRepliesDoNot() {
        arp(ArpHeader.REPLY, GUEST, ADDRESS, GATEWAY, 0);
        assertThat(learned).isEmpty();
        arp(ArpHeader.REQUEST, GUEST, ADDRESS, ADDRESS + 1, 0);
        assertThat(learned).containsExactly("02:50:00:00:00:01 192.168.65.3");
        arp(ArpHeader.REQUEST, GUEST, Ipv4Address.parse("10.0.0.1").bits(), GATEWAY, 0);
        arp(ArpHeader.REQUEST, GUEST, Ipv4Address.parse("192.168.65.255").bits(), GATEWAY, 0);
        assertThat(learned).hasSize(1);
    }

    @Test
    void aReplyThatWasAskedForTeachesOnceAndInTime() {
        responder.resolve(link, ADDRESS, 0);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, GATEWAY, 0, ADDRESS);
        arp(ArpHeader.REPLY, GUEST, ADDRESS + 1, GATEWAY, SECOND);
        assertThat(learned).isEmpty();
        arp(ArpHeader.REPLY, GUEST, ADDRESS, GATEWAY, SECOND);
        arp(ArpHeader.REPLY, GUEST + 1, ADDRESS, GATEWAY, SECOND);
        assertThat(learned).containsExactly("02:50:00:00:00:01 192.168.65.3");
        responder.resolve(link, ADDRESS, 10 * SECOND);
        arp(ArpHeader.REPLY, GUEST, ADDRESS, GATEWAY, 13 * SECOND);
        assertThat(learned).hasSize(1);
        for (int i = 0; i < 10_000; i++) {
            responder.resolve(link, ADDRESS + i, 20 * SECOND);
        }
    }

    @Test
    void aSenderThatIsNotTheFramesIsDropped() {
        ArpHeader.write(s, 0, ArpHeader.REQUEST, GUEST, ADDRESS, 0, GATEWAY);
        responder.onArp(link, GUEST + 1, s, 0, 28, 0);
        arp(ArpHeader.REQUEST, plan.mac().bits(), ADDRESS, GATEWAY, 0);
        arp(ArpHeader.REQUEST, MacAddress.BROADCAST.bits(), ADDRESS, GATEWAY, 0);
        assertThat(counters.dropped(Drop.SPOOFED_SOURCE)).isEqualTo(3);
        assertThat(link.frames).isEmpty();
        assertThat(learned).isEmpty();
    }

    @Test
    void withoutAHostAddressNothingAnswersForIt() {
        AddressPlan closed = new AddressPlan(
                plan.subnet(),
                plan.gateway(),
                Ipv4Address.ANY,
                plan.firstGuest(),
                plan.lastGuest(),
                plan.mac(),
                1500,
                false,
                "",
                List.of());
        ArpResponder r = new ArpResponder(closed, counters);
        r.announce(link);
        assertSent(MacAddress.BROADCAST.bits(), ArpHeader.REQUEST, GATEWAY, 0, GATEWAY);
        ArpHeader.write(s, 0, ArpHeader.REQUEST, GUEST, ADDRESS, 0, HOST);
        r.onArp(link, GUEST, s, 0, 28, 0);
        ArpHeader.write(s, 0, ArpHeader.REQUEST, GUEST, 0, 0, 0);
        r.onArp(link, GUEST, s, 0, 28, 0);
        assertThat(link.frames).isEmpty();
    }

    @Test
    void damagedMessagesAreDroppedNeverThrown() {
        long seed = 826;
        SplittableRandom random = new SplittableRandom(seed);
        for (int round = 0; round < 20_000; round++) {
            ArpHeader.write(s, 0, 1 + random.nextInt(2), GUEST, random.nextBoolean() ? ADDRESS : GATEWAY, 0, GATEWAY);
            for (int edits = random.nextInt(4); edits > 0; edits--) {
                Bytes.put8(s, random.nextInt(28), random.nextInt());
            }
            int length = random.nextInt(3) == 0 ? random.nextInt(29) : 28;
            try {
                responder.onArp(link, GUEST, s.asSlice(0, length), 0, length, round * SECOND);
            } catch (RuntimeException e) {
                throw new AssertionError(
                        "seed " + seed + " round " + round + " "
                                + HexFormat.of().formatHex(s.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)),
                        e);
            }
            link.frames.clear();
            learned.clear();
        }
        assertThat(counters.dropped(Drop.BAD_ARP)).isPositive();
        assertThat(counters.arpReplies).isPositive();
    }
}
