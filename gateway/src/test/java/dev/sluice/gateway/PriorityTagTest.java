package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.GUEST;
import static dev.sluice.gateway.GuestWorld.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.RawFrames6;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Frames with a tag that names no VLAN are dealt with as those without (IEEE 802.1Q §6.9). */
@Timeout(120)
class PriorityTagTest {
    /** Priority 7, VLAN 0. */
    private static final int HIGHEST = 0xe000;

    private static final MacAddress MAC = MacAddress.parse("02:50:00:00:00:77");
    private static final Ipv4Address ADDRESS = Ipv4Address.parse("192.168.65.77");
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);

    private final RawFrames four = new RawFrames(AddressPlan.DEFAULT_MAC, MAC, ADDRESS);
    private final RawFrames6 six = new RawFrames6(AddressPlan.DEFAULT_MAC, MAC, Ipv6Address.linkLocal(MAC));
    private GuestWorld world;
    private Station station;

    @BeforeEach
    void open() throws Exception {
        AddressPlan plan =
                AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true).withIpv6(SIX);
        world = new GuestWorld(plan, true, Limits.defaults(), null, GuestWorld.fixedAddress());
        station = new Station(world);
    }

    @AfterEach
    void close() {
        world.close();
    }

    @Test
    void arpIsAnswered() throws Exception {
        byte[] request = new RawFrames(MacAddress.BROADCAST, MAC, ADDRESS).arpRequest(GATEWAY);
        assertThat(types(tagged(request, HIGHEST))).containsExactly(EthernetHeader.TYPE_ARP);
    }

    @Test
    void ipv4IsAnswered() throws Exception {
        assertThat(types(tagged(four.echoRequest(GATEWAY, 32), 0))).containsExactly(EthernetHeader.TYPE_IPV4);
    }

    @Test
    void ipv6IsAnswered() throws Exception {
        assertThat(types(tagged(six.echoRequest(SIX.gateway(), 32), HIGHEST)))
                .isNotEmpty()
                .containsOnly(EthernetHeader.TYPE_IPV6);
    }

    @Test
    void aNeighbourSolicitationIsAnswered() throws Exception {
        assertThat(types(tagged(six.solicitation(SIX.gateway()), HIGHEST)))
                .isNotEmpty()
                .containsOnly(EthernetHeader.TYPE_IPV6);
    }

    @Test
    void theTagHidesNoSpoofedAddress() throws Exception {
        world.guest.icmp().ping(GATEWAY, LONG);
        byte[] spoofed = new RawFrames(AddressPlan.DEFAULT_MAC, MAC, GUEST).echoRequest(GATEWAY, 32);
        assertThat(types(tagged(spoofed, HIGHEST))).isEmpty();
        assertThat(dropped("spoofed-source")).isEqualTo(1);
    }

    @Test
    void otherNetworksAndTagsInTagsAreNotTheGateways() throws Exception {
        byte[] request = four.echoRequest(GATEWAY, 32);
        assertThat(types(tagged(request, HIGHEST | 7))).isEmpty();
        assertThat(types(tagged(tagged(request, 0), 0))).isEmpty();
        assertThat(types(Arrays.copyOf(tagged(request, 0), 17))).isEmpty();
        assertThat(dropped("unknown-protocol")).isEqualTo(3);
        assertThat(types(Arrays.copyOf(tagged(request, 0), 30)))
                .as("cut off within")
                .isEmpty();
        assertThat(dropped("bad-ipv4")).isEqualTo(1);
    }

    private long dropped(String reason) throws IOException {
        return world.gateway.status().drops().getOrDefault(reason, 0L);
    }

    /** The types of what the gateway has answered. */
    private List<Integer> types(byte[] frame) throws Exception {
        station.got.clear();
        station.send(frame);
        while (world.onLoop(station::busy)) {
            Thread.yield();
        }
        return station.from(AddressPlan.DEFAULT_MAC).stream()
                .map(MemorySegment::ofArray)
                .filter(answer -> EthernetHeader.destination(answer, 0) == MAC.bits())
                .map(answer -> EthernetHeader.type(answer, 0))
                .toList();
    }

    private static byte[] tagged(byte[] frame, int tag) {
        byte[] longer = new byte[frame.length + EthernetHeader.TAG_LENGTH];
        System.arraycopy(frame, 0, longer, 0, 12);
        System.arraycopy(frame, 12, longer, 16, frame.length - 12);
        MemorySegment s = MemorySegment.ofArray(longer);
        Bytes.put16(s, 12, EthernetHeader.TYPE_TAG);
        Bytes.put16(s, 14, tag);
        return longer;
    }
}
