package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Packets;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.RawGuest;
import dev.sluice.it.lab.Threads;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice as vpnkit}: its sockets and files, as its launchers use them. */
class VpnkitFaceTest {
    private static final String UUID = "01234567-89ab-cdef-0123-456789abcdef";

    @RegisterExtension
    static final Lab lab = Lab.needing();

    private Program vpnkit;

    private static Program vpnkit(String... flags) {
        String[] all = new String[flags.length + 2];
        all[0] = "as";
        all[1] = "vpnkit";
        System.arraycopy(flags, 0, all, 2, flags.length);
        return lab.sluice(all);
    }

    @AfterEach
    void itEndsInOrder() {
        if (vpnkit != null) {
            vpnkit.signal("TERM");
            assertThat(vpnkit.exitCode()).as(vpnkit.toString()).isZero();
            assertThat(vpnkit.err()).doesNotContain("internal error", "Exception");
        }
    }

    @Test
    void aWrongCommandLineIsToldAsVpnkitTellsIt() {
        try (Program wrong = vpnkit("--ethernets", "x");
                Program nothing = vpnkit("--debug");
                Program version = vpnkit("--version")) {
            assertThat(wrong.exitCode()).isEqualTo(124);
            assertThat(wrong.err()).startsWith("vpnkit: unknown option '--ethernets'.\nUsage: vpnkit [OPTION]...\n");
            assertThat(nothing.exitCode()).isZero();
            assertThat(nothing.err()).contains("Please provide an --ethernet argument");
            assertThat(version.output()).isEqualTo("0.6.0\n");
        }
    }

    @Test
    void aGuestGetsAddressNamesAndDomainByTheFlags() throws IOException {
        Path socket = lab.folder().resolve("e1");
        Path dhcp = Files.writeString(
                lab.folder().resolve("dhcp.json"),
                "{\"searchDomains\": [\"corp.example\"], \"domainName\": \"corp.example\"}");
        vpnkit = vpnkit(
                "--ethernet",
                socket.toString(),
                "--lowest-ip",
                "192.168.65.40",
                "--highest",
                "192.168.65.60",
                "--host-names",
                "host.docker.internal,docker.for.mac.localhost",
                "--dhcp",
                dhcp.toString());
        Await.listening(vpnkit, socket);
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID, 0)) {
            RawGuest guest = new RawGuest(client.port(), client.vif(1500)).configure();
            assertThat(Packets.dotted(guest.address)).isEqualTo("192.168.65.40");
            assertThat(guest.resolve("docker.for.mac.localhost")).isEqualTo("192.168.65.2");
            assertThat(guest.resolve("gateway.internal")).isEqualTo("192.168.65.1");
            assertThat(guest.resolve("vm.internal")).isEqualTo("192.168.65.40");
        }
        Await.until(
                "it is confined",
                vpnkit::toString,
                () -> Threads.status(lab, vpnkit, "Seccomp").equals(List.of("Seccomp: 2")));
    }

    @Test
    void theDomainFollowsItsFile() throws IOException {
        Path socket = lab.folder().resolve("e5");
        Path dhcp = Files.writeString(lab.folder().resolve("dhcp5.json"), "{\"domainName\": \"before.example\"}");
        vpnkit = vpnkit("--ethernet", socket.toString(), "--dhcp-path", dhcp.toString(), "--debug");
        Await.listening(vpnkit, socket);
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID, 0)) {
            RawGuest guest = new RawGuest(client.port(), client.vif(1500));
            assertThat(guest.domain()).isEqualTo("before.example");
            Lab.replace(
                    dhcp,
                    "{\"domainName\": \"after.example\", \"searchDomains\": [\"" + "x".repeat(64) + ".example\"]}");
            Await.until(
                    "the mistake is told",
                    vpnkit::toString,
                    () -> vpnkit.err().contains("what was set before remains"));
            assertThat(guest.domain()).isEqualTo("before.example");
            Lab.replace(dhcp, "{\"domainName\": \"after.example\"}");
            Await.until("the new domain is given", vpnkit::toString, () -> {
                try {
                    return guest.domain().equals("after.example");
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
        }
    }

    /** What was there before somebody looked, then what comes; no more of each frame than was asked for. */
    @Test
    void framesComeAsACaptureWithoutEnd() throws Exception {
        Needs.programs("tshark");
        Path socket = lab.folder().resolve("e6");
        Path pcap = lab.folder().resolve("p6");
        vpnkit = vpnkit("--ethernet", socket.toString(), "--pcap", pcap.toString(), "--pcap-snaplen", "100");
        Await.listening(vpnkit, pcap);
        Await.listening(vpnkit, socket);
        ByteArrayOutputStream got = new ByteArrayOutputStream();
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID, 0)) {
            RawGuest guest = new RawGuest(client.port(), client.vif(1500)).configure();
            guest.ping(RawGuest.GATEWAY, 801);
            try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(pcap))) {
                Thread reader = Thread.ofPlatform().start(() -> {
                    byte[] piece = new byte[4096];
                    try (var in = Channels.newInputStream(channel)) {
                        for (int n; (n = in.read(piece)) >= 0; ) {
                            synchronized (got) {
                                got.write(piece, 0, n);
                            }
                        }
                    } catch (IOException e) {
                        // closed below
                    }
                });
                Await.until(
                        "what was before is there",
                        vpnkit::toString,
                        () -> frames(got).size() >= 2);
                guest.ping(RawGuest.GATEWAY, 802);
                Await.until(
                        "what came is there",
                        vpnkit::toString,
                        () -> frames(got).size() >= 4);
                channel.close();
                reader.join();
            }
            assertThat(frames(got)).containsExactly("843\t100", "843\t100", "844\t100", "844\t100");
            // each reader leaves its place: many may come one after the other
            for (int i = 0; i < 40; i++) {
                try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(pcap))) {
                    assertThat(channel.read(ByteBuffer.allocate(24)))
                            .as("reader " + i)
                            .isEqualTo(24);
                }
            }
        }
    }

    /** Whole and captured length of each frame, as tshark reads what came so far. */
    /** The lengths, whole and as captured, of the two kinds of pings so far. */
    private static List<String> frames(ByteArrayOutputStream capture) {
        try {
            synchronized (capture) {
                Files.write(lab.folder().resolve("p6.pcap"), capture.toByteArray());
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return lab.onHost(
                        "tshark",
                        "-r",
                        lab.folder().resolve("p6.pcap").toString(),
                        "-T",
                        "fields",
                        "-e",
                        "frame.len",
                        "-e",
                        "frame.cap_len")
                .outputAtEnd()
                .lines()
                .filter(line -> line.startsWith("84"))
                .toList();
    }

    @Test
    void stateComesAsFilesAndArchive() throws IOException {
        Needs.programs("tshark");
        Path socket = lab.folder().resolve("e2");
        Path archive = lab.folder().resolve("d2");
        vpnkit = vpnkit("--ethernet", socket.toString(), "--diagnostics", archive.toString());
        Await.listening(vpnkit, archive);
        Await.listening(vpnkit, socket);
        try (VmnetClient client = VmnetClient.connect(socket).hello().ask(VmnetClient.ETHERNET, UUID, 0)) {
            new RawGuest(client.port(), client.vif(1500)).configure().ping(RawGuest.GATEWAY, 803);
        }
        byte[] tar;
        try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(archive))) {
            tar = Channels.newInputStream(channel).readAllBytes();
        }
        Path file = Files.write(lab.folder().resolve("state.tar"), tar);
        assertThat(lab.onHost("tar", "tf", file.toString()).output())
                .contains("connections\n", "endpoints\n", "ports\n", "capture/bad.pcap\n");
        assertThat(lab.onHost("sh", "-c", "tar xOf " + file + " capture/icmp.pcap | tshark -r - -T fields -e frame.len")
                        .output())
                .as("what passed before anybody looked")
                .isEqualTo("845\n845\n");
        assertThat(new ByteArrayInputStream(tar).available() % 512).isZero();
    }

    @Test
    void forwardsOfTheGatewayFollowTheirFile() throws IOException {
        Path socket = lab.folder().resolve("e3");
        Path file = lab.folder().resolve("gateway.json");
        vpnkit = vpnkit(
                "--ethernet",
                socket.toString(),
                "--tcpv4-forwards",
                "7001:127.0.0.1:7101",
                "--gateway-forwards",
                file.toString(),
                "--debug");
        Await.listening(vpnkit, socket);
        Files.writeString(
                file,
                "[{\"protocol\":\"tcp\",\"external_port\":7002,\"internal_ip\":\"127.0.0.1\",\"internal_port\":7102}]",
                StandardCharsets.UTF_8);
        Files.writeString(file, "[{\"protocol\":");
        Await.until(
                "a line about the broken file",
                vpnkit::toString,
                () -> vpnkit.err().contains("what was set before remains"));
    }
}
