package dev.sluice.gateway.dhcp;

import static dev.sluice.gateway.dhcp.DhcpClientMessages.*;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.dhcp.DhcpAnswer.Reason;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.SearchList;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class DhcpServerTest {
    private static final long SECOND = 1_000_000_000L;
    private static final Object LINK = "link";

    private final AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private DhcpServer server = new DhcpServer(plan, DhcpSettings.of(plan), Limits.defaults());
    /** Near the point where the clock wraps. */
    private long now = Long.MAX_VALUE - 5 * SECOND;

    private DhcpAnswer handle(DhcpMessage message) {
        return server.handle(message, message.hardwareAddress(), LINK, now);
    }

    private DhcpAnswer.Send sent(DhcpMessage message) {
        DhcpAnswer answer = handle(message);
        assertThat(answer).isInstanceOf(DhcpAnswer.Send.class);
        DhcpAnswer.Send send = (DhcpAnswer.Send) answer;
        assertThat(send.message().operation()).isEqualTo(DhcpMessage.BOOTREPLY);
        assertThat(send.message().transaction()).isEqualTo(message.transaction());
        assertThat(send.message().hardwareAddress()).isEqualTo(message.hardwareAddress());
        assertThat(send.message().options().serverIdentifier()).isEqualTo(GATEWAY);
        return send;
    }

    private Ipv4Address offered(MacAddress mac) {
        DhcpMessage offer = sent(discover(mac, null)).message();
        assertThat(offer.type()).isEqualTo(DhcpMessage.OFFER);
        return offer.yourAddress();
    }

    private Ipv4Address leased(MacAddress mac) {
        Ipv4Address address = offered(mac);
        DhcpAnswer.Send ack = sent(selecting(mac, GATEWAY, address));
        assertThat(ack.message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.message().yourAddress()).isEqualTo(address);
        assertThat(ack.binds()).isTrue();
        return address;
    }

    private void assertRefused(DhcpMessage message) {
        DhcpAnswer.Send nak = sent(message);
        assertThat(nak.message().type()).isEqualTo(DhcpMessage.NAK);
        assertThat(nak.message().yourAddress()).isEqualTo(ANY);
        assertThat(nak.message().clientAddress()).isEqualTo(ANY);
        assertThat(nak.message().options().has(DhcpOptions.LEASE_TIME)).isFalse();
        assertThat(nak.message().options().has(DhcpOptions.SUBNET_MASK)).isFalse();
        assertThat(nak.message().options().text(DhcpOptions.MESSAGE)).isNotEmpty();
        assertThat(nak.destination()).isEqualTo(Ipv4Address.BROADCAST);
        assertThat(nak.mac()).isEqualTo(MacAddress.BROADCAST);
        assertThat(nak.binds()).isFalse();
    }

    private void assertSilent(DhcpMessage message, Reason reason) {
        assertThat(handle(message)).isEqualTo(new DhcpAnswer.Silence(reason));
    }

    private Lease lease(Ipv4Address address) {
        return server.table().snapshot(now).stream()
                .filter(lease -> lease.address().equals(address))
                .findFirst()
                .orElseThrow();
    }

    private void pass(long seconds) {
        now += seconds * SECOND;
    }

    // ---- the four states of RFC 2131 §4.3.2

    @Test
    void discoverOfferRequestAck() {
        DhcpAnswer.Send offer = sent(discover(mac(1), null));
        assertThat(offer.message().yourAddress()).hasToString("192.168.65.3");
        assertThat(offer.message().serverAddress()).isEqualTo(GATEWAY);
        assertThat(offer.message().clientAddress()).isEqualTo(ANY);
        assertThat(offer.binds()).isFalse();
        assertThat(lease(ip("192.168.65.3")).state()).isEqualTo(Lease.State.OFFERED);
        DhcpAnswer.Send ack = sent(selecting(mac(1), GATEWAY, ip("192.168.65.3")));
        assertThat(ack.message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(lease(ip("192.168.65.3")).state()).isEqualTo(Lease.State.BOUND);
        assertThat(lease(ip("192.168.65.3")).secondsLeft()).isEqualTo(86_400);
    }

    // ---- addresses that guests use without having asked (RFC 2131 §3.1)

    /** Whose the addresses are that were configured by hand. */
    private final Map<Ipv4Address, MacAddress> configured = new HashMap<>();

    private void heedNeighbours(AddressPlan network) {
        server = new DhcpServer(
                network, DhcpSettings.alone(network), Limits.defaults(), SearchList.of(network), (address, mac) -> {
                    MacAddress user = configured.get(new Ipv4Address(address));
                    return user != null && user.bits() != mac;
                });
    }

    @Test
    void whatAGuestUsesByItselfIsNotGivenToAnother() {
        heedNeighbours(plan);
        configured.put(ip("192.168.65.3"), mac(9));
        configured.put(ip("192.168.65.5"), mac(8));
        assertThat(offered(mac(1))).hasToString("192.168.65.4");
        assertRefused(rebooting(mac(2), ip("192.168.65.5")));
        assertThat(sent(discover(mac(2), ip("192.168.65.5"))).message().yourAddress())
                .isNotEqualTo(ip("192.168.65.5"));
        assertThat(sent(discover(mac(9), ip("192.168.65.3"))).message().yourAddress())
                .as("to its user")
                .isEqualTo(ip("192.168.65.3"));
    }

    @Test
    void aFormerLeaseThatSomebodyUsesNowIsGone() {
        heedNeighbours(plan);
        Ipv4Address address = leased(mac(1));
        configured.put(address, mac(9));
        assertThat(sent(renewing(mac(1), address)).message().type())
                .as("while it lasts, it is the client's")
                .isEqualTo(DhcpMessage.ACK);
        pass(100_000);
        assertRefused(rebooting(mac(1), address));
        assertThat(offered(mac(1))).isNotEqualTo(address);
    }

    @Test
    void anAddressThatWasInUseIsGivenWhenItsUserHasGone() {
        AddressPlan narrow = AddressPlan.of(Ipv4Cidr.parse("192.168.65.0/29"), 1500, true);
        heedNeighbours(narrow);
        configured.put(ip("192.168.65.3"), mac(9));
        assertThat(List.of(leased(mac(1)), leased(mac(2)), leased(mac(3)))).doesNotContain(ip("192.168.65.3"));
        configured.clear();
        assertThat(leased(mac(4))).isEqualTo(ip("192.168.65.3"));
    }

    /** Else a guest that claims every address would leave nothing to the others. */
    @Test
    void whereNothingElseIsLeftAnAddressInUseIsGivenAllTheSame() {
        AddressPlan narrow = AddressPlan.of(Ipv4Cidr.parse("192.168.65.0/29"), 1500, true);
        heedNeighbours(narrow);
        for (int last = 3; last <= 6; last++) {
            configured.put(ip("192.168.65." + last), mac(66));
        }
        assertThat(Set.of(leased(mac(1)), leased(mac(2)), leased(mac(3)), leased(mac(4))))
                .hasSize(4);
        assertSilent(discover(mac(5), null), Reason.EXHAUSTED);
    }

    @Test
    void selectingAnotherServerFreesTheOffer() {
        Ipv4Address address = offered(mac(1));
        assertSilent(selecting(mac(1), ip("192.168.65.9"), address), Reason.OTHER_SERVER);
        assertThat(lease(address).state()).isEqualTo(Lease.State.FREE);
    }

    @Test
    void selectingAnotherServerDoesNotEndALease() {
        Ipv4Address address = leased(mac(1));
        assertSilent(selecting(mac(1), ip("192.168.65.9"), address), Reason.OTHER_SERVER);
        assertThat(lease(address).state()).isEqualTo(Lease.State.BOUND);
    }

    @Test
    void selectingWhatWasNotOfferedIsRefused() {
        leased(mac(2));
        offered(mac(1));
        assertRefused(selecting(mac(1), GATEWAY, ip("192.168.65.77")));
        assertRefused(selecting(mac(3), GATEWAY, ip("192.168.65.3")));
        assertRefused(selecting(mac(3), GATEWAY, ip("192.168.65.1")));
        assertRefused(selecting(mac(3), GATEWAY, ip("192.168.65.2")));
        assertRefused(selecting(mac(3), GATEWAY, ip("192.168.65.255")));
        assertRefused(selecting(mac(3), GATEWAY, ip("192.168.65.0")));
        assertRefused(selecting(mac(3), GATEWAY, ip("10.0.0.1")));
        assertSilent(selecting(mac(3), GATEWAY, null), Reason.BAD_FIELDS);
    }

    @Test
    void selectingAfterTheOfferExpiredStillWorksIfNobodyTookIt() {
        Ipv4Address address = offered(mac(1));
        pass(31);
        assertThat(sent(selecting(mac(1), GATEWAY, address)).message().type()).isEqualTo(DhcpMessage.ACK);
    }

    @Test
    void rebootingWithTheRightAddressIsConfirmed() {
        Ipv4Address address = leased(mac(1));
        DhcpAnswer.Send ack = sent(rebooting(mac(1), address));
        assertThat(ack.message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.message().yourAddress()).isEqualTo(address);
        assertThat(ack.destination()).isEqualTo(address);
        assertThat(ack.mac()).isEqualTo(mac(1));
    }

    @Test
    void rebootingWithAnotherAddressOrOnAnotherNetworkIsRefused() {
        leased(mac(1));
        assertRefused(rebooting(mac(1), ip("192.168.65.99")));
        assertRefused(rebooting(mac(1), ip("10.1.2.3")));
        assertRefused(rebooting(mac(5), ip("10.1.2.3")));
        assertSilent(rebooting(mac(1), null), Reason.BAD_FIELDS);
    }

    @Test
    void rebootingWithoutARecordIsMetWithSilence() {
        assertSilent(rebooting(mac(1), ip("192.168.65.50")), Reason.NO_RECORD);
        assertThat(server.table().snapshot(now)).isEmpty();
    }

    @Test
    void anAuthoritativeServerConfirmsWhatIsFreeAndRefusesTheRest() {
        server = new DhcpServer(plan, new DhcpSettings(600, List.of(), List.of(), true), Limits.defaults());
        assertThat(sent(rebooting(mac(1), ip("192.168.65.50"))).message().type())
                .isEqualTo(DhcpMessage.ACK);
        assertRefused(rebooting(mac(2), ip("192.168.65.50")));
        assertRefused(rebooting(mac(2), ip("192.168.65.1")));
    }

    @Test
    void theRouterMayBeAnotherThanTheGateway() {
        server = new DhcpServer(
                plan, new DhcpSettings(600, ip("192.168.65.2"), List.of(), List.of(), true), Limits.defaults());
        DhcpMessage ack = sent(rebooting(mac(1), ip("192.168.65.50"))).message();
        assertThat(ack.options().address(DhcpOptions.ROUTER)).isEqualTo(ip("192.168.65.2"));
        assertThat(ack.options().address(DhcpOptions.SERVER_IDENTIFIER)).isEqualTo(GATEWAY);
    }

    @Test
    void renewingExtendsTheLease() {
        Ipv4Address address = leased(mac(1));
        pass(40_000);
        assertThat(lease(address).secondsLeft()).isEqualTo(46_400);
        DhcpAnswer.Send ack = sent(renewing(mac(1), address));
        assertThat(ack.message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.message().clientAddress()).isEqualTo(address);
        assertThat(ack.message().yourAddress()).isEqualTo(address);
        assertThat(ack.destination()).isEqualTo(address);
        assertThat(lease(address).secondsLeft()).isEqualTo(86_400);
    }

    @Test
    void renewingAfterTheEndWorksUnlessSomebodyElseHasTheAddress() {
        Ipv4Address address = leased(mac(1));
        pass(90_000);
        assertThat(lease(address).state()).isEqualTo(Lease.State.FREE);
        assertThat(sent(renewing(mac(1), address)).message().type()).isEqualTo(DhcpMessage.ACK);
        pass(90_000);
        assertThat(sent(discover(mac(2), address)).message().yourAddress()).isEqualTo(address);
        assertRefused(renewing(mac(1), address));
    }

    @Test
    void renewingAForeignAddressIsRefused() {
        leased(mac(1));
        Ipv4Address second = leased(mac(2));
        assertRefused(renewing(mac(1), second));
        assertRefused(renewing(mac(3), second));
        assertRefused(renewing(mac(3), ip("10.0.0.9")));
        assertRefused(renewing(mac(3), GATEWAY));
    }

    @Test
    void renewingAfterTheServerForgotIsConfirmedIfTheAddressIsFree() {
        assertThat(sent(renewing(mac(1), ip("192.168.65.60"))).message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(lease(ip("192.168.65.60")).mac()).isEqualTo(mac(1));
    }

    @Test
    void declinedAddressesAreSetAsideForTenMinutes() {
        Ipv4Address address = leased(mac(1));
        assertThat(handle(decline(mac(1), address))).isEqualTo(new DhcpAnswer.Returned(mac(1), address, true));
        assertThat(lease(address).state()).isEqualTo(Lease.State.DECLINED);
        assertThat(lease(address).mac()).isNull();
        assertThat(offered(mac(1))).isNotEqualTo(address);
        assertRefused(selecting(mac(9), GATEWAY, address));
        assertThat(sent(discover(mac(2), address)).message().yourAddress()).isNotEqualTo(address);
        pass(600);
        assertThat(sent(discover(mac(3), address)).message().yourAddress()).isEqualTo(address);
    }

    @Test
    void onlyTheOwnerCanDeclineOrRelease() {
        Ipv4Address address = leased(mac(1));
        assertSilent(decline(mac(2), address), Reason.NO_RECORD);
        assertSilent(release(mac(2), address), Reason.NO_RECORD);
        assertThat(server.handle(decline(mac(1), address), mac(2), LINK, now))
                .isEqualTo(new DhcpAnswer.Silence(Reason.SPOOFED));
        assertThat(server.handle(release(mac(1), address), mac(2), LINK, now))
                .isEqualTo(new DhcpAnswer.Silence(Reason.SPOOFED));
        DhcpMessage relayed = message(
                mac(1),
                false,
                address,
                ip("192.168.65.200"),
                type(DhcpMessage.RELEASE)
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .build());
        assertThat(server.handle(relayed, mac(2), LINK, now)).isEqualTo(new DhcpAnswer.Silence(Reason.BAD_FIELDS));
        assertThat(lease(address).state()).isEqualTo(Lease.State.BOUND);
    }

    @Test
    void aReleasedAddressWaitsForItsOwner() {
        Ipv4Address address = leased(mac(1));
        assertThat(handle(release(mac(1), address))).isEqualTo(new DhcpAnswer.Returned(mac(1), address, false));
        assertThat(lease(address).state()).isEqualTo(Lease.State.FREE);
        assertSilent(release(mac(1), address), Reason.NO_RECORD);
        assertThat(offered(mac(2))).isNotEqualTo(address);
        assertThat(offered(mac(1))).isEqualTo(address);
    }

    @Test
    void informGetsTheConfigurationButNoLease() {
        DhcpAnswer.Send ack = sent(inform(mac(1), ip("192.168.65.100")));
        assertThat(ack.message().type()).isEqualTo(DhcpMessage.ACK);
        assertThat(ack.message().yourAddress()).isEqualTo(ANY);
        assertThat(ack.message().clientAddress()).hasToString("192.168.65.100");
        assertThat(ack.destination()).hasToString("192.168.65.100");
        assertThat(ack.binds()).isFalse();
        assertThat(ack.message().options().has(DhcpOptions.LEASE_TIME)).isFalse();
        assertThat(ack.message().options().has(DhcpOptions.RENEWAL_TIME)).isFalse();
        assertThat(ack.message().options().address(DhcpOptions.ROUTER)).isEqualTo(GATEWAY);
        assertThat(server.table().snapshot(now)).isEmpty();
        assertSilent(inform(mac(1), ANY), Reason.BAD_FIELDS);
        assertSilent(inform(mac(1), ip("8.8.8.8")), Reason.BAD_FIELDS);
    }

    // ---- reuse, choice, bounds

    @Test
    void aClientGetsItsAddressAgainEvenAfterItsLeaseEnded() {
        Ipv4Address address = leased(mac(1));
        leased(mac(2));
        pass(1_000_000);
        for (int i = 10; i < 60; i++) {
            leased(mac(i));
        }
        assertThat(offered(mac(1))).isEqualTo(address);
    }

    @Test
    void aFreeAddressThatTheClientWishesIsOffered() {
        assertThat(sent(discover(mac(1), ip("192.168.65.200"))).message().yourAddress())
                .hasToString("192.168.65.200");
        for (String wish : List.of("192.168.65.1", "192.168.65.2", "192.168.65.255", "10.0.0.5", "192.168.65.200")) {
            assertThat(sent(discover(mac(wish.hashCode() & 0xffff), ip(wish)))
                            .message()
                            .yourAddress())
                    .as(wish)
                    .isNotEqualTo(ip(wish));
        }
    }

    @Test
    void everyAddressOfThePoolIsGivenOnceThenNoMoreAndNoLeaseIsLost() {
        Set<Ipv4Address> given = new HashSet<>();
        for (int i = 1; i <= 252; i++) {
            given.add(leased(mac(i)));
        }
        assertThat(given).hasSize(252).doesNotContain(GATEWAY, plan.host(), ip("192.168.65.255"));
        for (int i = 300; i < 320; i++) {
            assertSilent(discover(mac(i), null), Reason.EXHAUSTED);
        }
        for (int i = 1; i <= 252; i++) {
            Ipv4Address address = offered(mac(i));
            assertThat(given).contains(address);
            assertThat(sent(renewing(mac(i), address)).message().type()).isEqualTo(DhcpMessage.ACK);
        }
        assertThat(handle(release(mac(7), offered(mac(7))))).isInstanceOf(DhcpAnswer.Returned.class);
        assertThat(leased(mac(400))).isNotNull();
    }

    @Test
    void whenThePoolIsFullTheStalestOfferGoesFirstThenTheOldestFormerLease() {
        Ipv4Address first = leased(mac(1));
        handle(release(mac(1), first));
        pass(1);
        Ipv4Address second = leased(mac(2));
        handle(release(mac(2), second));
        for (int i = 3; i <= 251; i++) {
            leased(mac(i));
        }
        Ipv4Address merelyOffered = offered(mac(252));
        pass(31);
        assertThat(leased(mac(1000))).isEqualTo(merelyOffered);
        assertThat(leased(mac(1001))).isEqualTo(first);
        assertThat(leased(mac(1002))).isEqualTo(second);
        assertSilent(discover(mac(1003), null), Reason.EXHAUSTED);
    }

    @Test
    void aFloodOfTenThousandClientsNeitherGrowsThePoolNorTakesALease() {
        Ipv4Address mine = leased(mac(1));
        for (int i = 100; i < 10_100; i++) {
            DhcpMessage message = discover(mac(i), i % 3 == 0 ? mine : null);
            server.handle(message, message.hardwareAddress(), "flooding link", now);
            if (i % 50 == 0) {
                assertThat(server.table().snapshot(now)).hasSizeLessThanOrEqualTo(252);
            }
            if (i % 1000 == 0) {
                assertThat(offered(mac(i + 100_000)))
                        .as("a client on another link")
                        .isNotNull();
            }
            if (i % 100 == 0) {
                pass(1);
            }
        }
        assertThat(lease(mine).state()).isEqualTo(Lease.State.BOUND);
        assertThat(sent(renewing(mac(1), mine)).message().type()).isEqualTo(DhcpMessage.ACK);
        pass(31);
        assertThat(server.table().snapshot(now)).noneMatch(lease -> lease.state() == Lease.State.OFFERED);
        for (int i = 0; i < 251; i++) {
            leased(mac(200_000 + i));
        }
    }

    @Test
    void aFloodOfDeclinesSetsAsideAnEighthOfThePoolAtMost() {
        for (int i = 1; i < 2000; i++) {
            Ipv4Address address = offered(mac(i));
            handle(decline(mac(i), address));
        }
        assertThat(server.table().snapshot(now))
                .filteredOn(lease -> lease.state() == Lease.State.DECLINED)
                .hasSizeLessThanOrEqualTo(32);
        assertThat(leased(mac(5000))).isNotNull();
    }

    @Test
    void aHugePoolIsBoundedByTheLimitOfGuests() {
        AddressPlan huge = AddressPlan.of(Ipv4Cidr.parse("10.0.0.0/8"), 1500, true);
        server = new DhcpServer(huge, DhcpSettings.of(huge), Limits.defaults());
        for (int i = 1; i <= 5000; i++) {
            DhcpMessage message = discover(mac(i), null);
            server.handle(message, message.hardwareAddress(), new Object(), now);
        }
        assertThat(server.table().snapshot(now)).hasSize(4096);
        assertThat(server.table().capacity()).isEqualTo(4096);
    }

    // ---- reservations

    @Test
    void aReservedAddressGoesToItsOwnerOnly() {
        assertThat(server.reserve(mac(1), ip("192.168.65.3"), now)).isTrue();
        assertThat(server.reserve(mac(1), ip("192.168.65.3"), now)).isTrue();
        assertThat(server.reserve(mac(2), ip("192.168.65.3"), now)).isFalse();
        assertThat(offered(mac(2))).hasToString("192.168.65.4");
        assertThat(sent(discover(mac(3), ip("192.168.65.3"))).message().yourAddress())
                .isNotEqualTo(ip("192.168.65.3"));
        DhcpAnswer.Send offer = sent(discover(mac(1), null));
        assertThat(offer.message().yourAddress()).hasToString("192.168.65.3");
        assertThat(offer.binds()).as("a client that never requests").isTrue();
        pass(100_000);
        assertRefused(renewing(mac(4), ip("192.168.65.3")));
        assertThat(lease(ip("192.168.65.3")).reserved()).isTrue();
    }

    @Test
    void reservationsRefuseForeignAndTakenAddresses() {
        leased(mac(1));
        for (String address :
                List.of("192.168.65.0", "192.168.65.1", "192.168.65.2", "192.168.65.255", "10.0.0.1", "192.168.65.3")) {
            assertThat(server.reserve(mac(9), ip(address), now)).as(address).isFalse();
        }
    }

    @Test
    void aReservationMovesItsOwnerAndEnds() {
        Ipv4Address before = leased(mac(1));
        assertThat(server.reserve(mac(1), ip("192.168.65.250"), now)).isTrue();
        assertRefused(renewing(mac(1), before));
        assertThat(leased(mac(1))).hasToString("192.168.65.250");
        assertThat(sent(discover(mac(2), before)).message().yourAddress()).isEqualTo(before);
        server.unreserve(mac(2), ip("192.168.65.250"));
        assertThat(lease(ip("192.168.65.250")).reserved()).isTrue();
        server.unreserve(mac(1), ip("192.168.65.250"));
        assertThat(lease(ip("192.168.65.250")).reserved()).isFalse();
        assertThat(lease(ip("192.168.65.250")).state()).isEqualTo(Lease.State.BOUND);
        assertRefused(renewing(mac(3), ip("192.168.65.250")));
    }

    @Test
    void reservationsThatComeAndGoLeaveNothingBehind() {
        AddressPlan huge = AddressPlan.of(Ipv4Cidr.parse("10.0.0.0/8"), 1500, true);
        server = new DhcpServer(huge, DhcpSettings.of(huge), Limits.defaults());
        for (int i = 0; i < 20_000; i++) {
            assertThat(server.reserve(mac(1), ip("10.77.0.5").plus(i), now)).isTrue();
            server.unreserve(mac(1), ip("10.77.0.5").plus(i));
        }
        assertThat(server.table().snapshot(now)).hasSizeLessThanOrEqualTo(4096);
        for (int i = 0; i < 5000; i++) {
            assertThat(server.reserve(mac(i), ip("10.99.0.5").plus(i), now)).isEqualTo(i < 4096);
        }
    }

    @Test
    void aReservationOutsideOfThePoolEndsForGood() {
        AddressPlan narrow = new AddressPlan(
                plan.subnet(),
                plan.gateway(),
                plan.host(),
                plan.firstGuest(),
                ip("192.168.65.10"),
                plan.mac(),
                1500,
                true,
                "",
                List.of());
        server = new DhcpServer(narrow, DhcpSettings.of(narrow), Limits.defaults());
        assertThat(server.reserve(mac(1), ip("192.168.65.100"), now)).isTrue();
        assertThat(leased(mac(1))).hasToString("192.168.65.100");
        server.unreserve(mac(1), ip("192.168.65.100"));
        assertRefused(renewing(mac(1), ip("192.168.65.100")));
        assertThat(leased(mac(1))).hasToString("192.168.65.3");
    }

    @Test
    void aDeclinedReservationStaysItsOwners() {
        server.reserve(mac(1), ip("192.168.65.3"), now);
        leased(mac(1));
        handle(decline(mac(1), ip("192.168.65.3")));
        assertThat(offered(mac(1))).hasToString("192.168.65.3");
    }

    // ---- options and addressing

    @Test
    void aClientThatAsksForNothingGetsTheUsual() {
        AddressPlan named = new AddressPlan(
                plan.subnet(),
                plan.gateway(),
                plan.host(),
                plan.firstGuest(),
                plan.lastGuest(),
                plan.mac(),
                9000,
                true,
                "corp.example",
                List.of("corp.example", "lab.example"));
        server = new DhcpServer(named, DhcpSettings.of(named), Limits.defaults());
        DhcpOptions options = sent(discover(mac(1), null)).message().options();
        assertThat(options.codes()).containsExactly(53, 54, 51, 58, 59, 1, 3, 6, 26, 28, 15, 119);
        assertThat(options.address(DhcpOptions.SUBNET_MASK)).hasToString("255.255.255.0");
        assertThat(options.address(DhcpOptions.ROUTER)).isEqualTo(GATEWAY);
        assertThat(options.addresses(DhcpOptions.DNS_SERVERS)).containsExactly(GATEWAY);
        assertThat(options.number16(DhcpOptions.INTERFACE_MTU)).isEqualTo(9000);
        assertThat(options.address(DhcpOptions.BROADCAST_ADDRESS)).hasToString("192.168.65.255");
        assertThat(options.text(DhcpOptions.DOMAIN_NAME)).isEqualTo("corp.example");
        assertThat(options.domainSearch()).containsExactly("corp.example", "lab.example");
        assertThat(options.number32(DhcpOptions.LEASE_TIME)).isEqualTo(86_400);
        assertThat(options.number32(DhcpOptions.RENEWAL_TIME)).isEqualTo(43_200);
        assertThat(options.number32(DhcpOptions.REBINDING_TIME)).isEqualTo(75_600);
    }

    @Test
    void aListIsAnsweredInItsOrderAndUnknownCodesAreSkipped() {
        DhcpMessage discover = message(
                mac(1),
                false,
                ANY,
                ANY,
                type(DhcpMessage.DISCOVER)
                        .parameterRequestList(42, 252, 6, 3, 1, 12, 53, 55, 0, 255, 26)
                        .build());
        DhcpOptions options = sent(discover).message().options();
        assertThat(options.codes()).containsExactly(53, 54, 51, 58, 59, 1, 42, 6, 3, 26);
        assertThat(options.addresses(DhcpOptions.NTP_SERVERS)).containsExactly(GATEWAY);
    }

    @Test
    void emptyDomainsServersAndSearchListsAreLeftOut() {
        server = new DhcpServer(plan, new DhcpSettings(600, List.of(), List.of(), false), Limits.defaults());
        DhcpMessage discover = message(
                mac(1),
                false,
                ANY,
                ANY,
                type(DhcpMessage.DISCOVER)
                        .parameterRequestList(15, 119, 6, 42, 12)
                        .build());
        assertThat(sent(discover).message().options().codes()).containsExactly(53, 54, 51, 58, 59, 1);
    }

    @Test
    void theNameAClientGaveItselfComesBackAndIsListed() {
        Ipv4Address address = offered(mac(1));
        DhcpMessage request = message(
                mac(1),
                false,
                ANY,
                ANY,
                type(DhcpMessage.REQUEST)
                        .address(DhcpOptions.REQUESTED_ADDRESS, address)
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .text(DhcpOptions.HOST_NAME, "web-1")
                        .parameterRequestList(12)
                        .build());
        assertThat(sent(request).message().options().text(DhcpOptions.HOST_NAME))
                .isEqualTo("web-1");
        assertThat(lease(address).hostname()).isEqualTo("web-1");
        sent(renewing(mac(1), address));
        assertThat(lease(address).hostname()).isEqualTo("web-1");
    }

    @Test
    void namesThatAreNoHostNamesAreForgotten() {
        for (String name : List.of("-x", "x-", "a b", "$(id)", "x".repeat(64), "é", "..", "a\nb")) {
            DhcpMessage request = message(
                    mac(1),
                    false,
                    ip("192.168.65.9"),
                    ANY,
                    type(DhcpMessage.REQUEST).text(DhcpOptions.HOST_NAME, name).build());
            sent(request);
            assertThat(lease(ip("192.168.65.9")).hostname()).as(name).isNull();
        }
    }

    @Test
    void theClientIdentifierComesBackUnchanged() {
        byte[] id = {(byte) 0xff, 1, 2, 3};
        DhcpMessage discover = message(
                mac(1),
                false,
                ANY,
                ANY,
                type(DhcpMessage.DISCOVER)
                        .raw(DhcpOptions.CLIENT_IDENTIFIER, id)
                        .build());
        assertThat(sent(discover).message().options().raw(DhcpOptions.CLIENT_IDENTIFIER))
                .isEqualTo(id);
    }

    @Test
    void shorterLeasesAreHonouredLongerAreNot() {
        long[][] asked = {{600, 600}, {1, 60}, {0, 60}, {0xffff_ffffL, 86_400}, {86_401, 86_400}};
        for (long[] pair : asked) {
            DhcpMessage discover = message(
                    mac(1),
                    false,
                    ANY,
                    ANY,
                    type(DhcpMessage.DISCOVER)
                            .number32(DhcpOptions.LEASE_TIME, pair[0])
                            .build());
            assertThat(sent(discover).message().options().number32(DhcpOptions.LEASE_TIME))
                    .isEqualTo(pair[1]);
        }
    }

    @Test
    void repliesGoWhereRfc2131Says() {
        DhcpAnswer.Send unicast = sent(discover(mac(1), null));
        assertThat(unicast.destination()).isEqualTo(unicast.message().yourAddress());
        assertThat(unicast.mac()).isEqualTo(mac(1));
        assertThat(unicast.port()).isEqualTo(68);

        DhcpAnswer.Send broadcast =
                sent(message(mac(1), true, ANY, ANY, type(DhcpMessage.DISCOVER).build()));
        assertThat(broadcast.destination()).isEqualTo(Ipv4Address.BROADCAST);
        assertThat(broadcast.mac()).isEqualTo(MacAddress.BROADCAST);
        assertThat(broadcast.message().broadcast()).isTrue();
    }

    @Test
    void aRelaysWordNeverBindsAGuestToALink() {
        DhcpMessage relayed = message(
                mac(1),
                false,
                ANY,
                ip("192.168.65.200"),
                type(DhcpMessage.REQUEST)
                        .address(DhcpOptions.REQUESTED_ADDRESS, ip("192.168.65.3"))
                        .address(DhcpOptions.SERVER_IDENTIFIER, GATEWAY)
                        .build());
        assertThat(server.handle(relayed, mac(77), LINK, now)).isEqualTo(new DhcpAnswer.Silence(Reason.BAD_FIELDS));
        server.reserve(mac(2), ip("192.168.65.9"), now);
        DhcpMessage offer = message(
                mac(2),
                false,
                ANY,
                ip("192.168.65.200"),
                type(DhcpMessage.DISCOVER).build());
        assertThat(server.handle(offer, mac(77), LINK, now)).isEqualTo(new DhcpAnswer.Silence(Reason.BAD_FIELDS));
    }

    /** Who says that it speaks for another could shorten its lease to a minute, and have the address after that. */
    @Test
    void nobodyChangesAnothersLeaseOrTakesThePoolByCallingItselfARelay() {
        Ipv4Address address = leased(mac(1));
        Lease before = lease(address);
        for (int i = 1; i < 300; i++) {
            DhcpMessage relayed = message(
                    mac(i),
                    false,
                    i == 1 ? address : ANY,
                    ip("192.168.65.200"),
                    type(DhcpMessage.REQUEST)
                            .address(DhcpOptions.REQUESTED_ADDRESS, ip("192.168.65." + (i % 250 + 3)))
                            .number32(DhcpOptions.LEASE_TIME, 1)
                            .build());
            assertThat(server.handle(relayed, mac(77), LINK, now)).isEqualTo(new DhcpAnswer.Silence(Reason.BAD_FIELDS));
        }
        assertThat(server.table().snapshot(now)).containsExactly(before);
    }

    // ---- hostile input

    @Test
    void whatIsNoRequestIsIgnored() {
        for (int type : new int[] {2, 5, 6, 9, 13, 255}) {
            assertSilent(message(mac(1), false, ANY, ANY, type(type).build()), Reason.NOT_FOR_SERVERS);
        }
        assertSilent(message(mac(1), false, ANY, ANY, DhcpOptions.NONE), Reason.NOT_FOR_SERVERS);
        DhcpMessage reply = new DhcpMessage(
                DhcpMessage.BOOTREPLY, 0, 1, 0, false, ANY, ANY, ANY, ANY, mac(1), "", "", type(1).build());
        assertSilent(reply, Reason.NOT_FOR_SERVERS);
        assertSilent(discover(new MacAddress(0), null), Reason.BAD_FIELDS);
        assertSilent(discover(MacAddress.BROADCAST, null), Reason.BAD_FIELDS);
        assertSilent(discover(MacAddress.parse("01:00:5e:00:00:01"), null), Reason.BAD_FIELDS);
        assertSilent(message(mac(1), false, ANY, ip("8.8.8.8"), type(1).build()), Reason.BAD_FIELDS);
        assertSilent(message(mac(1), false, ANY, GATEWAY, type(1).build()), Reason.BAD_FIELDS);
        assertThat(server.handle(discover(mac(1), null), mac(2), LINK, now))
                .isEqualTo(new DhcpAnswer.Silence(Reason.SPOOFED));
        assertThat(server.table().snapshot(now)).isEmpty();
    }

    @Test
    void aSearchDomainThatIsNoneIsSaidAtTheStart() {
        AddressPlan bad = new AddressPlan(
                plan.subnet(),
                plan.gateway(),
                plan.host(),
                plan.firstGuest(),
                plan.lastGuest(),
                plan.mac(),
                1500,
                true,
                "",
                List.of("a..b"));
        assertThatThrownBy(() -> new DhcpServer(bad, DhcpSettings.of(bad), Limits.defaults()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a..b");
    }

    /** Any sequence of messages: no address has two owners, no owner two addresses, and no lease under way changes hands. */
    @Test
    void randomDialoguesKeepTheTableConsistent() {
        for (int seed = 0; seed < 40; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            AddressPlan small = AddressPlan.of(Ipv4Cidr.parse("192.168.65.0/28"), 1500, true);
            server = new DhcpServer(
                    small, new DhcpSettings(120, List.of(), List.of(), random.nextBoolean()), Limits.defaults());
            for (int i = 0; i < 1000; i++) {
                MacAddress mac = mac(1 + random.nextInt(25));
                Ipv4Address address = GATEWAY.plus(random.nextInt(20) - 2);
                List<Lease> before = server.table().snapshot(now);
                DhcpMessage message = switch (random.nextInt(8)) {
                    case 0 -> discover(mac, random.nextBoolean() ? address : null);
                    case 1, 2 -> selecting(mac, random.nextInt(8) == 0 ? address : GATEWAY, address);
                    case 3 -> rebooting(mac, address);
                    case 4 -> renewing(mac, address);
                    case 5 -> decline(mac, address);
                    case 6 -> release(mac, address);
                    default -> inform(mac, address);
                };
                if (random.nextInt(40) == 0) {
                    server.reserve(mac, address, now);
                } else if (random.nextInt(40) == 0) {
                    server.unreserve(mac, address);
                }
                DhcpAnswer answer = server.handle(message, mac, random.nextInt(3), now);
                List<Lease> after = server.table().snapshot(now);
                assertThat(after.stream().map(Lease::address))
                        .as("seed %d", seed)
                        .doesNotHaveDuplicates();
                assertThat(after.stream().map(Lease::mac).filter(m -> m != null))
                        .as("seed %d", seed)
                        .doesNotHaveDuplicates();
                for (Lease old : before) {
                    if (old.state() == Lease.State.BOUND && !mac.equals(old.mac())) {
                        assertThat(after)
                                .as("seed %d step %d %s", seed, i, message)
                                .anyMatch(lease -> lease.address().equals(old.address())
                                        && lease.state() == Lease.State.BOUND
                                        && old.mac() != null
                                        && old.mac().equals(lease.mac()));
                    }
                }
                if (answer instanceof DhcpAnswer.Send send
                        && !send.message().yourAddress().equals(ANY)) {
                    assertThat(after)
                            .anyMatch(lease ->
                                    lease.address().equals(send.message().yourAddress()) && mac.equals(lease.mac()));
                }
                if (random.nextInt(10) == 0) {
                    pass(random.nextInt(60));
                }
            }
        }
    }
}
