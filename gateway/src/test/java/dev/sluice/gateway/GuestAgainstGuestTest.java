package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.GUEST;
import static dev.sluice.gateway.GuestWorld.GUEST_MAC;
import static dev.sluice.gateway.GuestWorld.HOST;
import static dev.sluice.gateway.GuestWorld.LONG;
import static dev.sluice.gateway.GuestWorld.echoServer;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.net.NetConfig;
import dev.sluice.net.TcpConnection;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.RawFrames6;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.NdpMessage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a guest can not do to another guest: play the router, take its address, take its answers. */
@Timeout(120)
class GuestAgainstGuestTest {
    private static final MacAddress LIAR = MacAddress.parse("02:50:00:00:00:66");
    private static final Ipv4Address LIARS = Ipv4Address.parse("192.168.65.66");
    private static final Ipv6Address LIARS6 = Ipv6Address.linkLocal(LIAR);
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);
    private static final Ipv6Address GUEST6 = new Ipv6Address(
            SIX.prefix().address().high(), Ipv6Address.linkLocal(GUEST_MAC).low());
    private static final MacAddress EVERYBODY = MacAddress.BROADCAST;

    private GuestWorld world;
    private Station liar;
    private Station third;

    @BeforeEach
    void open() throws Exception {
        AddressPlan plan =
                AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true).withIpv6(SIX);
        NetConfig config = GuestWorld.fixedAddress().with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(60)));
        world = new GuestWorld(plan, true, Limits.defaults(), null, config);
        liar = new Station(world);
        third = new Station(world);
        // Now the gateway knows whose the addresses are.
        world.guest.icmp().ping(GATEWAY, LONG);
        world.guest.icmp().ping(SIX.gateway(), LONG);
    }

    @AfterEach
    void close() {
        world.close();
    }

    /** Waits until what is on its way has arrived, and what it gave rise to. */
    private void settle() throws Exception {
        while (world.onLoop(
                () -> world.near.arrivingBytes() > 0 || world.far.arrivingBytes() > 0 || liar.busy() || third.busy())) {
            Thread.yield();
        }
    }

    private void lie(byte[] frame) throws Exception {
        liar.send(frame);
        settle();
    }

    private static RawFrames four(MacAddress to, MacAddress mac, Ipv4Address source) {
        return new RawFrames(to, mac, source);
    }

    private static RawFrames6 six(MacAddress mac, Ipv6Address source) {
        return new RawFrames6(GUEST_MAC, mac, source);
    }

    private long dropped(String reason) throws IOException {
        return world.gateway.status().drops().getOrDefault(reason, 0L);
    }

    @Test
    void anHonestGuestIsHeardByTheOthers() throws Exception {
        lie(four(EVERYBODY, LIAR, LIARS).arpRequest(GUEST));
        lie(six(LIAR, LIARS6).solicitation(GUEST6));
        assertThat(third.from(LIAR)).hasSize(2);
        assertThat(dropped("spoofed-neighbour")).isZero();
    }

    @Test
    void aGuestMayNotPlayTheRouter() throws Exception {
        Ipv6Cidr prefix = Ipv6Cidr.parse("2001:db8:bad::/64");
        byte[] plain = six(LIAR, LIARS6).routerAdvertisement(1800, prefix, 86_400, 86_400, 1280);
        lie(plain);
        byte[] redirect = new byte[40];
        redirect[0] = (byte) Icmpv6Header.REDIRECT;
        lie(six(LIAR, LIARS6).ndp(GUEST6, redirect));
        lie(hidden(plain, Ipv6Header.DESTINATION_OPTIONS));
        lie(hidden(plain, Ipv6Header.FRAGMENT));
        assertThat(dropped("spoofed-neighbour")).isEqualTo(4);
        assertThat(third.from(LIAR)).isEmpty();
        assertThat(world.guest.ipv6Gateway()).isEqualTo(SIX.linkLocal());
        assertThat(world.guest.ipv6Addresses()).hasSize(2);
    }

    /** The same packet with an extension header of eight bytes in front of its message (RFC 7113). */
    private static byte[] hidden(byte[] frame, int header) {
        byte[] longer = new byte[frame.length + 8];
        System.arraycopy(frame, 0, longer, 0, 54);
        System.arraycopy(frame, 54, longer, 62, frame.length - 54);
        MemorySegment s = MemorySegment.ofArray(longer);
        Bytes.put16(s, 14 + 4, longer.length - 54);
        Bytes.put8(s, 14 + 6, header);
        longer[54] = (byte) Ipv6Header.ICMPV6;
        if (header == Ipv6Header.DESTINATION_OPTIONS) {
            longer[56] = 1; // PadN of four
            longer[57] = 4;
        }
        return longer;
    }

    /** Receivers look through a tag of VLAN 0, which carries a priority only (IEEE 802.1Q §6.9), and some through SNAP (RFC 1042). */
    @Test
    void noWrappingHidesALie() throws Exception {
        byte[] arp = four(EVERYBODY, LIAR, GATEWAY).arpReply(GUEST);
        byte[] router = six(LIAR, LIARS6).routerAdvertisement(1800, Ipv6Cidr.parse("2001:db8:bad::/64"), 9, 9, 1280);
        lie(tagged(arp, 0x8100, 0));
        lie(tagged(router, 0x8100, 0xe000));
        lie(tagged(tagged(arp, 0x8100, 0), 0x88a8, 0));
        lie(tagged(tagged(tagged(arp, 0x8100, 0), 0x8100, 0), 0x8100, 0));
        lie(inSnap(arp));
        lie(tagged(inSnap(router), 0x8100, 0));
        lie(Arrays.copyOf(tagged(arp, 0x8100, 0), 16));
        assertThat(dropped("spoofed-neighbour")).isEqualTo(7);
        assertThat(third.from(LIAR)).isEmpty();
        lie(tagged(four(EVERYBODY, LIAR, LIARS).arpRequest(GUEST), 0x8100, 0xe000));
        lie(tagged(arp, 0x8100, 7));
        assertThat(third.from(LIAR))
                .as("an honest one, and a network of their own")
                .hasSize(2);
    }

    private static byte[] tagged(byte[] frame, int type, int tag) {
        byte[] longer = new byte[frame.length + 4];
        System.arraycopy(frame, 0, longer, 0, 12);
        System.arraycopy(frame, 12, longer, 16, frame.length - 12);
        MemorySegment s = MemorySegment.ofArray(longer);
        Bytes.put16(s, 12, type);
        Bytes.put16(s, 14, tag);
        return longer;
    }

    private static byte[] inSnap(byte[] frame) {
        byte[] longer = new byte[frame.length + 8];
        System.arraycopy(frame, 0, longer, 0, 12);
        System.arraycopy(frame, 12, longer, 20, frame.length - 12);
        MemorySegment s = MemorySegment.ofArray(longer);
        Bytes.put16(s, 12, frame.length - 14 + 8);
        Bytes.put32(s, 14, 0xaaaa_0300);
        return longer;
    }

    @Test
    void aGuestMayNotClaimTheGatewaysAddress() throws Exception {
        lie(four(GUEST_MAC, LIAR, GATEWAY).arpReply(GUEST));
        lie(four(EVERYBODY, LIAR, GATEWAY).arpRequest(GATEWAY));
        lie(four(EVERYBODY, LIAR, HOST).arpRequest(GUEST));
        lie(six(LIAR, SIX.gateway()).advertisement(GUEST6, SIX.gateway(), NdpMessage.OVERRIDE));
        lie(six(LIAR, LIARS6).advertisement(Ipv6Address.ALL_NODES, SIX.linkLocal(), NdpMessage.OVERRIDE));
        lie(four(GUEST_MAC, LIAR, GATEWAY).udp(GUEST, 53, 53, new byte[4]));
        assertThat(dropped("spoofed-neighbour")).isEqualTo(6);
        assertThat(third.from(LIAR)).isEmpty();
        assertThat(world.guest.icmp().ping(GATEWAY, LONG)).isLessThan(LONG);
        assertThat(world.guest.icmp().ping(SIX.gateway(), LONG)).isLessThan(LONG);
    }

    @Test
    void aGuestMayNotClaimAnothersAddress() throws Exception {
        lie(four(EVERYBODY, LIAR, GUEST).arpRequest(GUEST));
        lie(four(EVERYBODY, LIAR, GUEST).arpReply(LIARS));
        lie(six(LIAR, LIARS6).advertisement(Ipv6Address.ALL_NODES, GUEST6, NdpMessage.OVERRIDE));
        lie(six(LIAR, GUEST6).solicitation(LIARS6));
        // One that names another's hardware address as its own would have the others' frames sent there.
        byte[] crooked = six(GUEST_MAC, LIARS6).solicitation(GUEST6);
        MemorySegment.ofArray(crooked)
                .asSlice(6, 6)
                .copyFrom(MemorySegment.ofArray(
                        Arrays.copyOfRange(six(LIAR, LIARS6).solicitation(GUEST6), 6, 12)));
        lie(crooked);
        assertThat(dropped("spoofed-neighbour")).isEqualTo(5);
        assertThat(third.from(LIAR)).isEmpty();
    }

    /** The switch would follow the hardware address to the link that used it last; the guest is asked first, and it answers. */
    @Test
    void aGuestThatForgesAnothersMacAndAddressTakesNoneOfItsAnswers() throws Exception {
        try (ServerSocket server = echoServer();
                TcpConnection connection = world.connect(server)) {
            connection.readTimeout(LONG);
            for (int round = 0; round < 50; round++) {
                lie(four(AddressPlan.DEFAULT_MAC, GUEST_MAC, GUEST).udp(HOST, 999, 999, new byte[8]));
                lie(four(EVERYBODY, GUEST_MAC, GUEST).arpRequest(GUEST));
                byte[] question = ("round " + round % 10).getBytes(US_ASCII);
                connection.write(question);
                assertThat(connection.inputStream().readNBytes(question.length)).isEqualTo(question);
            }
            settle();
        }
        assertThat(liar.got)
                .noneSatisfy(f -> assertThat(EthernetHeader.destination(MemorySegment.ofArray(f), 0))
                        .isEqualTo(GUEST_MAC.bits()));
        assertThat(dropped("spoofed-source")).isGreaterThanOrEqualTo(100);
    }

    /** A guest that has been silent is not known, so its address may be given away; who gets it finds out and says so (RFC 2131 §3.1.5). */
    @Test
    void anAddressThatWasFoundInUseIsItsUsersAgain() throws Exception {
        MacAddress client = MacAddress.parse("02:50:00:00:00:70");
        Ipv4Address address = Ipv4Address.parse("192.168.65.70");
        third.send(dhcp(client, DhcpMessage.REQUEST, address));
        settle();
        lie(four(AddressPlan.DEFAULT_MAC, LIAR, address).udp(HOST, 999, 999, new byte[8]));
        assertThat(dropped("spoofed-source")).isEqualTo(1);
        third.send(dhcp(client, DhcpMessage.DECLINE, address));
        settle();
        lie(four(AddressPlan.DEFAULT_MAC, LIAR, address).udp(HOST, 999, 999, new byte[8]));
        assertThat(dropped("spoofed-source")).isEqualTo(1);
    }

    private static byte[] dhcp(MacAddress client, int type, Ipv4Address address) {
        return four(EVERYBODY, client, Ipv4Address.ANY)
                .dhcp(DhcpOptions.builder()
                        .messageType(type)
                        .address(DhcpOptions.REQUESTED_ADDRESS, address)
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .build());
    }
}
