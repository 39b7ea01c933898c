package dev.sluice.link.vmnet;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.MacAddress;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class VmnetTableTest {
    private static final Ipv4Address GATEWAY = Ipv4Address.parse("192.168.65.1");
    private static final Ipv4Address HOST = Ipv4Address.parse("192.168.65.2");
    private static final UUID A = new UUID(0, 1);
    private static final UUID B = new UUID(0, 2);
    private static final UUID C = new UUID(0, 3);

    private final Set<Ipv4Address> leased = new HashSet<>();
    private final AddressClaims claims = new AddressClaims() {
        @Override
        public boolean claim(Ipv4Address address, MacAddress mac) {
            return leased.add(address);
        }

        @Override
        public void release(Ipv4Address address, MacAddress mac) {
            leased.remove(address);
        }
    };
    private final VmnetTable table = table("192.168.65.3", "192.168.65.5");

    private VmnetTable table(String lowest, String highest) {
        return new VmnetTable(
                Ipv4Address.parse(lowest), Ipv4Address.parse(highest), Set.of(GATEWAY, HOST), claims, UUID::randomUUID);
    }

    private static VmnetIdentity granted(Assignment assignment) {
        assertThat(assignment).isInstanceOf(Assignment.Granted.class);
        return ((Assignment.Granted) assignment).identity();
    }

    private static void refused(Assignment assignment, String message) {
        assertThat(assignment).isEqualTo(new Assignment.Refused(message));
    }

    private static @Nullable Ipv4Address ip(String text) {
        return Ipv4Address.parse(text);
    }

    @Test
    void guestsAreNumberedAndGetTheLowestFreeAddress() {
        assertThat(granted(table.assign(A, null)))
                .isEqualTo(
                        new VmnetIdentity(A, MacAddress.parse("02:50:00:00:00:01"), Ipv4Address.parse("192.168.65.3")));
        assertThat(granted(table.assign(B, null)))
                .isEqualTo(
                        new VmnetIdentity(B, MacAddress.parse("02:50:00:00:00:02"), Ipv4Address.parse("192.168.65.4")));
    }

    @Test
    void aHardwareAddressMayBeChosenBeforehand() {
        MacAddress mac = MacAddress.parse("5a:94:ef:e4:0c:ee");
        table.choose(B, mac);
        assertThat(granted(table.assign(A, null)).mac()).isEqualTo(MacAddress.parse("02:50:00:00:00:01"));
        assertThat(granted(table.assign(B, null)).mac()).isEqualTo(mac);
        assertThat(granted(table.assign(B, null)).mac()).as("again").isEqualTo(mac);
    }

    @Test
    void aKnownGuestIsWhoItWas() {
        VmnetIdentity first = granted(table.assign(A, null));
        assertThat(table.assign(A, null)).isEqualTo(new Assignment.Granted(first, true));
        table.ended(first);
        assertThat(table.assign(A, null)).isEqualTo(new Assignment.Granted(first, true));
        assertThat(table.assign(A, ip("192.168.65.3"))).isEqualTo(new Assignment.Granted(first, true));
        refused(
                table.assign(A, ip("192.168.65.4")),
                "UUID already assigned to a different IP than the IP requested by the client");
    }

    @Test
    void aPreferredAddressIsGivenIfItIsFreeAndInRange() {
        assertThat(granted(table.assign(A, ip("192.168.65.4"))).address()).hasToString("192.168.65.4");
        refused(table.assign(B, ip("192.168.65.4")), "Preferred IP address 192.168.65.4 already used.");
        refused(table.assign(B, ip("192.168.65.6")), "Preferred IP address out of range.");
        refused(table.assign(B, ip("192.168.65.2")), "Preferred IP address out of range.");
        assertThat(granted(table.assign(B, null)).address()).hasToString("192.168.65.3");
        assertThat(granted(table.assign(C, null)).address()).hasToString("192.168.65.5");
        refused(table.assign(new UUID(0, 4), null), "No IP addresses available.");
    }

    @Test
    void aRefusedRequestUsesUpNothing() {
        for (int i = 0; i < 5; i++) {
            table.assign(B, ip("10.0.0.1"));
        }
        assertThat(granted(table.assign(B, null)).mac()).isEqualTo(MacAddress.parse("02:50:00:00:00:01"));
        assertThat(table.size()).isEqualTo(1);
    }

    @Test
    void rangesMayCrossTheSignedBorder() {
        VmnetTable wide = table("127.255.255.255", "128.0.0.1");
        assertThat(granted(wide.assign(A, ip("128.0.0.1"))).address()).hasToString("128.0.0.1");
        assertThat(granted(wide.assign(B, null)).address()).hasToString("127.255.255.255");
        assertThat(granted(wide.assign(C, null)).address()).hasToString("128.0.0.0");
        VmnetTable last = table("255.255.255.255", "255.255.255.255");
        granted(last.assign(A, null));
        refused(last.assign(B, null), "No IP addresses available.");
    }

    @Test
    void theGatewaysAndTheHostsAddressAreNobodysEvenWithinTheRange() {
        VmnetTable all = table("192.168.65.0", "192.168.65.4");
        refused(all.assign(A, GATEWAY), "Preferred IP address 192.168.65.1 already used.");
        refused(all.assign(A, HOST), "Preferred IP address 192.168.65.2 already used.");
        assertThat(granted(all.assign(A, null)).address()).hasToString("192.168.65.0");
        assertThat(granted(all.assign(B, null)).address()).hasToString("192.168.65.3");
    }

    @Test
    void whatDhcpHasLeasedIsNotGivenAway() {
        leased.add(Ipv4Address.parse("192.168.65.3"));
        refused(table.assign(A, ip("192.168.65.3")), "Preferred IP address 192.168.65.3 already used.");
        assertThat(granted(table.assign(A, null)).address()).hasToString("192.168.65.4");
    }

    @Test
    void guestsWithoutANameAreForgottenWithTheirLink() {
        for (int i = 0; i < 100; i++) {
            VmnetIdentity nameless = granted(table.assign(null, null));
            assertThat(nameless.address()).hasToString("192.168.65.3");
            assertThat(leased).hasSize(1);
            table.ended(nameless);
        }
        assertThat(table.size()).isZero();
        assertThat(leased).isEmpty();
    }

    @Test
    void moreGuestsThanAddressesMayComeOneAfterTheOther() {
        for (int i = 0; i < 100; i++) {
            VmnetIdentity guest = granted(table.assign(new UUID(1, i), null));
            assertThat(guest.mac().bits() & 0xffff_ffffL).isEqualTo(i + 1);
            table.ended(guest);
        }
        assertThat(table.size()).isEqualTo(3);
        assertThat(leased).hasSize(3);
        assertThat(table.assign(new UUID(1, 99), null)).isInstanceOfSatisfying(Assignment.Granted.class, last -> {
            assertThat(last.known()).isTrue();
        });
    }

    @Test
    void whoHasBeenWithoutALinkLongestIsForgottenFirstAndWhoHasOneNever() {
        VmnetIdentity a = granted(table.assign(A, null));
        VmnetIdentity b = granted(table.assign(B, null));
        VmnetIdentity c = granted(table.assign(C, null));
        table.assign(A, null); // a second link
        table.ended(a);
        table.ended(c);
        table.ended(b);
        VmnetIdentity d = granted(table.assign(new UUID(0, 4), null));
        assertThat(d.address()).isEqualTo(c.address());
        assertThat(table.assign(B, null)).isEqualTo(new Assignment.Granted(b, true));
        refused(table.assign(C, null), "No IP addresses available.");
        table.ended(a);
        assertThat(granted(table.assign(C, null)).address()).isEqualTo(a.address());
    }

    @Test
    void aPreferredAddressIsTakenFromAGuestThatHasNoLink() {
        VmnetIdentity a = granted(table.assign(A, null));
        refused(table.assign(B, a.address()), "Preferred IP address 192.168.65.3 already used.");
        table.ended(a);
        assertThat(granted(table.assign(B, a.address())).address()).isEqualTo(a.address());
        assertThat(granted(table.assign(A, null)).address()).isNotEqualTo(a.address());
    }

    @Test
    void theTableIsBounded() {
        VmnetTable large = table("10.0.0.0", "10.255.255.255");
        for (int i = 0; i < VmnetTable.CAPACITY; i++) {
            granted(large.assign(new UUID(1, i), null));
        }
        refused(large.assign(A, null), "No IP addresses available.");
        refused(large.assign(A, ip("10.9.9.9")), "No IP addresses available.");
        VmnetIdentity seventh = granted(large.assign(new UUID(1, 7), null));
        large.ended(seventh);
        large.ended(seventh);
        granted(large.assign(A, null));
        assertThat(large.size()).isEqualTo(VmnetTable.CAPACITY);
    }
}
