package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Packets;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.RawGuest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice serve --listen vmnet:} as HyperKit, linuxkit, rootlesskit and virtio-vpnkit use it. */
class ServeVmnetTest {
    private static final String UUID = "01234567-89ab-cdef-0123-456789abcd";

    @RegisterExtension
    static final Lab lab = Lab.needing();

    private static int tests;
    private Path socket = Path.of("");
    private Program serve;

    @BeforeEach
    void start() {
        socket = lab.folder().resolve("v" + tests++);
        serve = lab.serve("-l", "vmnet:" + socket);
    }

    @AfterEach
    void itEndsInOrder() {
        serve.signal("TERM");
        assertThat(serve.exitCode()).as(serve.toString()).isZero();
        assertThat(serve.err()).doesNotContain("WARNING", "internal error", "Exception");
        assertThat(socket).doesNotExist();
    }

    private void assertSaid(String words) {
        Await.until("sluice says " + words, serve::toString, () -> serve.err().contains(words));
    }

    @Test
    void aGuestKeepsItsAddressesByItsUuid() throws IOException {
        int address;
        long mac;
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "00", 0)) {
            mac = client.vif(1500);
            assertThat(mac >>> 32).isEqualTo(0x0250L);
            RawGuest guest = new RawGuest(client.port(), mac);
            address = guest.configure().address;
            guest.ping(RawGuest.GATEWAY, 100);
        }
        try (VmnetClient other = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "01", 0)) {
            long otherMac = other.vif(1500);
            assertThat(otherMac).isNotEqualTo(mac);
            assertThat(new RawGuest(other.port(), otherMac).lease()).isNotEqualTo(address);
        }
        try (VmnetClient again = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "00", 0)) {
            assertThat(again.vif(1500)).isEqualTo(mac);
            assertThat(new RawGuest(again.port(), mac).lease()).isEqualTo(address);
        }
    }

    @Test
    void twoLinksWithOneUuidBothLive() throws IOException {
        try (VmnetClient first = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "02", 0);
                VmnetClient second = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "02", 0)) {
            long mac = first.vif(1500);
            assertThat(second.vif(1500)).isEqualTo(mac);
            RawGuest one = new RawGuest(first.port(), mac).configure();
            RawGuest two = new RawGuest(second.port(), mac).configure();
            assertThat(two.address).isEqualTo(one.address);
            for (int i = 0; i < 5; i++) {
                one.ping(RawGuest.GATEWAY, 100);
                two.ping(RawGuest.GATEWAY, 100);
            }
            second.close();
            assertSaid("#2 left: ");
            one.ping(RawGuest.GATEWAY, 100);
            one.resolve("host.sluice.internal");
        }
    }

    @Test
    void aPreferredAddressIsGivenByDhcpAndToNobodyElse() throws IOException {
        int wanted = Packets.address("192.168.65.250");
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.PREFERRED, UUID + "03", wanted);
                VmnetClient same = VmnetClient.connect(socket).hello().ask(VmnetClient.PREFERRED, UUID + "04", wanted);
                VmnetClient changed = VmnetClient.connect(socket)
                        .hello()
                        .ask(VmnetClient.PREFERRED, UUID + "03", Packets.address("192.168.65.251"));
                VmnetClient outside = VmnetClient.connect(socket)
                        .hello()
                        .ask(VmnetClient.PREFERRED, UUID + "05", Packets.address("192.168.66.3"));
                VmnetClient gateway =
                        VmnetClient.connect(socket).hello().ask(VmnetClient.PREFERRED, UUID + "06", RawGuest.GATEWAY)) {
            RawGuest guest = new RawGuest(client.port(), client.vif(1500)).configure();
            assertThat(guest.address).isEqualTo(wanted);
            assertThat(same.refusal()).isEqualTo("Preferred IP address 192.168.65.250 already used.");
            assertThat(changed.refusal())
                    .isEqualTo("UUID already assigned to a different IP than the IP requested by the client");
            assertThat(outside.refusal()).isEqualTo("Preferred IP address out of range.");
            assertThat(gateway.refusal()).isEqualTo("Preferred IP address out of range.");
            guest.ping(RawGuest.GATEWAY, 100);
        }
        assertSaid("turned a guest away: Preferred IP address out of range.");
    }

    @Test
    void anotherVersionHearsOursAndIsCutOff() throws IOException {
        try (VmnetClient client = VmnetClient.connect(socket).hello(21)) {
            assertThat(client.port().ended()).isTrue();
        }
        assertSaid("speaks vmnet version 21; this is version 22");
    }

    @Test
    void whatIsNoUuidOrNoCommandIsCutOffWithoutAnAnswer() throws IOException {
        try (VmnetClient uuid = VmnetClient.connect(socket)
                        .hello()
                        .ask(VmnetClient.ETHERNET, "no-uuid-at-all----------------------", 0);
                VmnetClient command = VmnetClient.connect(socket).hello().ask(VmnetClient.BIND, UUID + "07", 0)) {
            assertThat(uuid.port().ended()).isTrue();
            assertThat(command.port().ended()).isTrue();
        }
        assertSaid("Invalid UUID: no-uuid-at-all");
        assertSaid("Unknown command: 6");
    }

    /** rootlesskit tests the socket by saying hello only, some times; then its clients ask for an address in one message. */
    @Test
    void helloAndGoodbyeHarmsNobodyAndTheSmallestDiscoverIsAnswered() throws IOException {
        for (int i = 0; i < 20; i++) {
            VmnetClient.connect(socket).hello().close();
        }
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID + "08", 0)) {
            long mac = client.vif(1500);
            byte[] discover = Packets.dhcp(0x0100_0000, 0x8000, mac, (byte) 53, (byte) 1, (byte) 1, (byte) 255);
            assertThat(discover).hasSize(244);
            byte[] datagram = ByteBuffer.allocate(8 + 244)
                    .putInt(68 << 16 | 67)
                    .putShort((short) 252)
                    .putShort((short) 0)
                    .put(discover)
                    .array();
            byte[] packet = Packets.ipv4(0, -1, Packets.UDP, 64, datagram);
            ByteBuffer.wrap(packet).putShort(4, (short) 0x7f61).putShort(10, (short) 0);
            client.port().send(Packets.ethernet(Packets.BROADCAST, mac, Packets.IPV4, packet));
            RawGuest guest = new RawGuest(client.port(), mac);
            byte[] offer = guest.await("an offer", frame -> RawGuest.dhcpAnswer(frame, 0x0100_0000, 2));
            guest.address = ByteBuffer.wrap(offer).getInt(8 + 16);
            assertThat(Packets.dotted(guest.address)).startsWith("192.168.65.");
            // it never sends a REQUEST, and lives with what was offered
            guest.gatewayMac = guest.arp(RawGuest.GATEWAY);
            guest.ping(RawGuest.GATEWAY, 100);
            assertThat(guest.resolve("gateway.docker.internal")).isEqualTo("192.168.65.1");
        }
    }

    @Test
    void anyHalfOfAHandshakeMayBeLeft() throws IOException {
        byte[] all = ("VMN3T" + "\u0016\0\0\0" + "0".repeat(40) + "\u0001" + UUID + "09" + "\0\0\0\0")
                .getBytes(StandardCharsets.ISO_8859_1);
        for (int length = 0; length < all.length; length += 7) {
            try (VmnetClient client = VmnetClient.connect(socket)) {
                client.port().write(java.util.Arrays.copyOf(all, length));
            }
        }
        try (VmnetClient client = VmnetClient.connect(socket)) {
            client.port().write(all);
            client.port().read(49);
            new RawGuest(client.port(), client.vif(1500)).configure().ping(RawGuest.GATEWAY, 10);
        }
    }
}
