package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.HOST;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.RawFrames6;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Packets with which a guest would have the gateway do something to others: they are counted, and nothing comes of them. */
@Timeout(120)
class ForgingGuestTest {
    private static final int TRANSPORT = 34;
    private static final int IGMP = 2;
    private static final MacAddress MAC = MacAddress.parse("02:50:00:00:00:66");
    private static final Ipv4Address ADDRESS = Ipv4Address.parse("192.168.65.66");
    private static final Ipv4Address FAR_AWAY = Ipv4Address.parse("203.0.113.9");
    private static final Ipv4Address EVERYBODY = Ipv4Address.parse("192.168.65.255");
    private static final Ipv4Address ROUTERS_OF_GROUPS = Ipv4Address.parse("224.0.0.22");
    private static final Ipv4Address ALL_SYSTEMS = Ipv4Address.parse("224.0.0.1");
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);

    /** Flows that were asked for; none is allowed. */
    private final AtomicInteger asked = new AtomicInteger();

    private GuestWorld world;
    private Station station;

    @BeforeEach
    void open() throws Exception {
        FlowPolicy policy = _ -> {
            asked.incrementAndGet();
            return new FlowPolicy.Reject();
        };
        AddressPlan plan =
                AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true).withIpv6(SIX);
        world = new GuestWorld(plan, true, Limits.defaults(), policy, GuestWorld.fixedAddress());
        station = new Station(world);
    }

    @AfterEach
    void close() throws Exception {
        assertThat(answersTo(from(ADDRESS).echoRequest(GATEWAY, 56)))
                .as("the gateway works as before")
                .hasSize(1);
        assertThat(world.gateway.loop().failures()).isZero();
        world.close();
    }

    private static RawFrames from(Ipv4Address source) {
        return new RawFrames(AddressPlan.DEFAULT_MAC, MAC, source);
    }

    /** What the gateway sends to the station, but for ARP and neighbour discovery. */
    private List<byte[]> answersTo(byte[] frame) throws Exception {
        station.send(frame);
        while (world.onLoop(station::busy)) {
            Thread.yield();
        }
        List<byte[]> answers = new ArrayList<>();
        for (byte[] got = station.got.poll(); got != null; got = station.got.poll()) {
            boolean discovery = got[12] == 8 && got[13] == 6 || got[12] == (byte) 0x86 && got[54] >= (byte) 133;
            if (!discovery) {
                answers.add(got);
            }
        }
        return answers;
    }

    private long dropped(String reason) throws IOException {
        return world.gateway.status().drops().getOrDefault(reason, 0L);
    }

    /** Of every type, too short, too long, with counts that lie: 65,535 sources in eight bytes. */
    private static List<byte[]> igmpMessages() {
        List<byte[]> messages = new ArrayList<>();
        for (int type : new int[] {0x11, 0x12, 0x16, 0x17, 0x22, 0, 0xff}) {
            for (int length : new int[] {0, 1, 7, 8, 11, 12, 1400}) {
                byte[] message = new byte[length];
                Arrays.fill(message, (byte) 0xff);
                if (length > 0) {
                    message[0] = (byte) type;
                }
                messages.add(message);
            }
        }
        return messages;
    }

    @Test
    void igmpToAGroupIsCountedAndForgotten() throws Exception {
        int sent = 0;
        for (byte[] message : igmpMessages()) {
            for (Ipv4Address group : List.of(ROUTERS_OF_GROUPS, ALL_SYSTEMS)) {
                byte[] plain = from(ADDRESS).packet(IGMP, group, message);
                byte[] routerAlert = RawFrames.withOptions(plain, (byte) 148, (byte) 4, (byte) 0, (byte) 0);
                assertThat(answersTo(plain)).isEmpty();
                assertThat(answersTo(routerAlert)).isEmpty();
                sent += 2;
            }
        }
        assertThat(dropped("multicast")).isEqualTo(sent);
    }

    /** A sender of IGMP to the gateway itself hears that nobody speaks it, but not of each message. */
    @Test
    void igmpToTheGatewayIsCountedAndItsErrorsHaveARate() throws Exception {
        List<byte[]> messages = igmpMessages();
        int errors = 0;
        long before = System.nanoTime();
        for (int round = 0; round < 20; round++) {
            for (byte[] message : messages) {
                for (byte[] answer : answersTo(from(ADDRESS).packet(IGMP, GATEWAY, message))) {
                    MemorySegment s = MemorySegment.ofArray(answer);
                    assertThat(IcmpHeader.type(s, TRANSPORT)).isEqualTo(IcmpHeader.DESTINATION_UNREACHABLE);
                    assertThat(IcmpHeader.code(s, TRANSPORT)).isEqualTo(IcmpHeader.PROTOCOL_UNREACHABLE);
                    errors++;
                }
            }
        }
        long sent = 20L * messages.size();
        assertThat(dropped("unknown-protocol")).isEqualTo(sent);
        assertThat(errors).isPositive();
        long seconds = (System.nanoTime() - before) / 1_000_000_000 + 1;
        assertThat((long) errors).isLessThanOrEqualTo(ErrorSender.BURST + seconds * ErrorSender.PER_SECOND);
    }

    /** MLD's counterpart lies in the same way; hosts report their groups all day, so it is not even counted as wrong. */
    @Test
    void malformedMldIsForgotten() throws Exception {
        Ipv6Address source = Ipv6Address.linkLocal(MAC);
        MacAddress mac = RawFrames6.groupMac(Ipv6Address.parse("ff02::16"));
        for (int type : new int[] {130, 131, 132, 143}) {
            for (int length : new int[] {4, 8, 23, 24, 28, 1000}) {
                byte[] message = new byte[length];
                Arrays.fill(message, (byte) 0xff);
                message[0] = (byte) type;
                byte[] frame = new RawFrames6(mac, MAC, source).icmp(Ipv6Address.parse("ff02::16"), 1, message);
                assertThat(answersTo(frame)).isEmpty();
            }
        }
    }

    /** To follow one would be to go where the sender wants, past every rule; RFC 7126 §4.3 and §4.4 say to drop. */
    @ParameterizedTest
    @ValueSource(ints = {131, 137})
    void sourceRoutesAreNotFollowed(int kind) throws Exception {
        byte[] toFollow = {(byte) kind, 7, 4, 10, 0, 0, 9, 0};
        byte[] done = {(byte) kind, 7, 8, 10, 0, 0, 9, 0};
        byte[] badPointer = {1, (byte) kind, 7, (byte) 255, 10, 0, 0, 9};
        byte[] cut = {1, 1, 1, (byte) kind};
        byte[] second = {(byte) 148, 4, 0, 0, (byte) kind, 3, 4, 0};
        int sent = 0;
        for (byte[] options : List.of(toFollow, done, badPointer, cut, second)) {
            for (Ipv4Address to : List.of(GATEWAY, HOST, FAR_AWAY, GuestWorld.GUEST)) {
                for (byte[] frame : List.of(
                        from(ADDRESS).tcp(to, 1000, 80, 1, TcpHeader.SYN, new byte[0]),
                        from(ADDRESS).udp(to, 1000, 53, new byte[10]),
                        from(ADDRESS).echoRequest(to, 56),
                        RawFrames.fragment(from(ADDRESS).udp(to, 1000, 53, new byte[64]), 0, true))) {
                    assertThat(answersTo(RawFrames.withOptions(frame, options))).isEmpty();
                    sent++;
                }
            }
        }
        assertThat(dropped("bad-ipv4")).isEqualTo(sent);
        assertThat(asked).as("flows").hasValue(0);
        // It is the option: without it the same is heard.
        assertThat(answersTo(from(ADDRESS).udp(FAR_AWAY, 1000, 53, new byte[10])))
                .hasSize(1);
        assertThat(asked).hasValue(1);
    }

    /** Smurf: whoever asks everybody in the name of a victim has everybody answer the victim (RFC 2644). */
    @Test
    void anEchoRequestToEverybodyIsCountedAndGetsNoAnswer() throws Exception {
        int sent = 0;
        for (Ipv4Address to : List.of(EVERYBODY, Ipv4Address.BROADCAST, ALL_SYSTEMS, ROUTERS_OF_GROUPS)) {
            for (MacAddress mac : List.of(AddressPlan.DEFAULT_MAC, MacAddress.BROADCAST)) {
                byte[] frame = new RawFrames(mac, MAC, ADDRESS).echoRequest(to, 56);
                assertThat(answersTo(frame)).isEmpty();
                assertThat(answersTo(RawFrames.fragment(frame, 0, true))).isEmpty();
                sent += 2;
            }
        }
        assertThat(dropped("multicast")).isEqualTo(sent);
        // In the name of everybody, or of a group: the answer would be the flood.
        for (Ipv4Address source : List.of(EVERYBODY, Ipv4Address.BROADCAST, ALL_SYSTEMS)) {
            assertThat(answersTo(from(source).echoRequest(GATEWAY, 56))).isEmpty();
            assertThat(answersTo(from(source).udp(GATEWAY, 1000, 9, new byte[4])))
                    .isEmpty();
        }
        assertThat(dropped("martian") + dropped("spoofed-source")).isEqualTo(6);
        assertThat(asked).as("flows").hasValue(0);
    }

    @Test
    void norDoesOneToAllNodes() throws Exception {
        Ipv6Address source = Ipv6Address.linkLocal(MAC);
        for (String group : List.of("ff02::1", "ff02::2", "ff05::2", "ff0e::1")) {
            Ipv6Address all = Ipv6Address.parse(group);
            assertThat(answersTo(new RawFrames6(RawFrames6.groupMac(all), MAC, source).echoRequest(all, 56)))
                    .isEmpty();
        }
        assertThat(dropped("multicast")).isEqualTo(4);
        assertThat(asked).as("flows").hasValue(0);
    }
}
