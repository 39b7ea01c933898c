package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.RawGuest;
import dev.sluice.it.lab.TestServers;
import dev.sluice.it.lab.Threads;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code sluice serve} with guests made of single frames, on every kind of link, well and badly behaved; and as a daemon. */
class ServeTest {
    private static final long MAC = 0x5254_0000_0001L;

    @RegisterExtension
    static final Lab lab = Lab.needing("socat", "python3");

    private static int tests;
    private Path folder = Path.of("");

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    /** A folder for each test's sockets, in which nothing may be left. */
    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(lab.folder().resolve("serve" + tests++));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(p -> p.getFileName().toString()).sorted().toList();
        }
    }

    private void stop(Program serve) throws IOException {
        serve.signal("TERM");
        assertThat(serve.exitCode()).as(serve.toString()).isZero();
        assertThat(serve.err()).doesNotContain("WARNING", "internal error", "Exception");
        assertThat(files()).doesNotContain("q", "v", "b", "f");
    }

    private static void assertWorks(RawGuest guest) throws IOException {
        guest.configure();
        assertThat(guest.arp(RawGuest.HOST)).isEqualTo(guest.gatewayMac);
        assertThat(guest.resolve("gateway.sluice.internal")).isEqualTo("192.168.65.1");
        assertThat(guest.resolve("host.sluice.internal")).isEqualTo("192.168.65.2");
        guest.ping(RawGuest.GATEWAY, 56);
        guest.ping(RawGuest.GATEWAY, 1472);
        byte[] text = {1, 2, 3};
        assertThat(guest.exchange(dev.sluice.it.lab.Packets.address(Lab.SERVER), 7, 5000, text))
                .isEqualTo(text);
    }

    private static void assertReachesEachOther(RawGuest a, RawGuest b) throws IOException {
        Thread answering = Thread.ofPlatform().start(() -> {
            try {
                b.answerPing(a.address);
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        });
        long mac = a.arp(b.address);
        assertThat(mac).isEqualTo(b.mac);
        a.ping(b.address, mac, 1000);
        try {
            answering.join();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void guestsOnEveryKindOfLinkAreServedAndReachEachOther() throws IOException {
        Path q = folder.resolve("q");
        Path v = folder.resolve("v");
        Path b = folder.resolve("b");
        Path f = folder.resolve("f");
        Program serve = lab.serve("-l", "qemu:" + q, "-l", "vmnet:" + v, "-l", "bess:" + b, "-l", "vfkit:" + f);
        List<RawGuest> guests = new ArrayList<>();
        try {
            guests.add(new RawGuest(FramePort.qemu(q), MAC));
            guests.add(new RawGuest(FramePort.qemu(q), MAC + 1));
            guests.add(new RawGuest(FramePort.bess(b), MAC + 2));
            guests.add(new RawGuest(FramePort.bess(b), MAC + 3));
            guests.add(new RawGuest(FramePort.vfkit(f, folder.resolve("guest")), MAC + 4));
            VmnetClient vmnet = VmnetClient.connect(v).hello().ask(VmnetClient.ETHERNET, VmnetClient.NO_UUID, 0);
            guests.add(new RawGuest(vmnet.port(), vmnet.vif(1500)));
            Set<Integer> addresses = new HashSet<>();
            for (RawGuest guest : guests) {
                assertWorks(guest);
                addresses.add(guest.address);
            }
            assertThat(addresses).hasSameSizeAs(guests);
            for (RawGuest from : guests) {
                for (RawGuest to : guests) {
                    if (from != to) {
                        assertReachesEachOther(from, to);
                    }
                }
            }
            assertThat(lab.sluice("status", Long.toString(serve.pid())).output())
                    .contains("qemu:" + q + "#1", "qemu:" + q + "#2", "vmnet:" + v + "#1", "bess:" + b + "#2")
                    .contains("vfkit:" + f + "#1", "52:54:00:00:00:01", "02:50:00:00:00:01", "leases");
        } finally {
            guests.forEach(RawGuest::close);
        }
        stop(serve);
    }

    @Test
    void theSameGuestGetsTheSameAddressAgain() throws IOException {
        Path q = folder.resolve("q");
        Program serve = lab.serve("-l", "qemu:" + q);
        int first;
        try (RawGuest guest = new RawGuest(FramePort.qemu(q), MAC);
                RawGuest other = new RawGuest(FramePort.qemu(q), MAC + 1)) {
            first = guest.lease();
            assertThat(guest.lease()).isEqualTo(first);
            assertThat(other.lease()).isNotEqualTo(first);
        }
        try (RawGuest guest = new RawGuest(FramePort.qemu(q), MAC)) {
            assertThat(guest.lease()).isEqualTo(first);
        }
        stop(serve);
    }

    @Test
    void standardInputAndOutputAreALinkWithWhichTheProcessEnds() throws IOException {
        Path socket = folder.resolve("stdio");
        Program socat =
                lab.onHost("socat", "UNIX-LISTEN:" + socket, "EXEC:" + Lab.launcher() + " serve --listen stdio\\:");
        Await.listening(socat, socket);
        try (RawGuest guest = new RawGuest(FramePort.vmnet(socket), MAC)) {
            assertWorks(guest);
            assertThat(socat.err()).contains("serving 192.168.65.0/24 at stdio:");
        }
        assertThat(socat.exitCode()).as(socat.toString()).isZero();
    }

    @Test
    void aListeningSocketIsTakenOverFromTheParent() throws IOException {
        Path socket = folder.resolve("inherited");
        Program serve = lab.awaitServing(lab.onHost(
                "python3", "-c", """
                import os, socket, sys
                s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
                os.dup2(s.fileno(), 7, inheritable=True)
                os.execv(sys.argv[2], [sys.argv[2], "serve", "--listen", "fd:7?framing=qemu"])
                """, socket.toString(), Lab.launcher().toString()));
        try (RawGuest guest = new RawGuest(FramePort.qemu(socket), MAC)) {
            assertWorks(guest);
        }
        stop(serve);
    }

    @ParameterizedTest
    @ValueSource(strings = {"SOCK_STREAM", "SOCK_SEQPACKET"})
    void aConnectionOfTheParentsIsALinkWithWhichTheProcessEnds(String type) throws IOException {
        Path socket = folder.resolve("connected");
        Program serve = lab.onHost(
                "python3", "-c", """
                import os, socket, sys
                s = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[3])); s.bind(sys.argv[1]); s.listen()
                c, _ = s.accept()
                os.dup2(c.fileno(), 7, inheritable=True)
                os.execv(sys.argv[2], [sys.argv[2], "serve", "--listen", "fd:7"])
                """, socket.toString(), Lab.launcher().toString(), type);
        Await.listening(serve, socket);
        try (RawGuest guest =
                new RawGuest(type.equals("SOCK_STREAM") ? FramePort.qemu(socket) : FramePort.bess(socket), MAC)) {
            assertWorks(guest);
        }
        assertThat(serve.exitCode()).as(serve.toString()).isZero();
    }

    /** What a guest sends, and what sluice says about it. */
    @ParameterizedTest
    @CsvSource({
        "00000000, '0 bytes'",
        "0000000d, '13 bytes'",
        "00010000, '65536 bytes'",
        "ffffffff00, '4294967295 bytes'",
        "0000006401020304, 'in the middle of a frame'",
        "0000, 'in the middle of a frame'"
    })
    void aGuestThatBreaksTheFramingIsDroppedWithAMessageAndTheOthersGoOn(String hex, String message)
            throws IOException {
        Path q = folder.resolve("q");
        Program serve = lab.serve("-l", "qemu:" + q);
        try (RawGuest good = new RawGuest(FramePort.qemu(q), MAC)) {
            good.configure();
            FramePort bad = FramePort.qemu(q);
            new RawGuest(bad, MAC + 1).configure();
            bad.write(java.util.HexFormat.of().parseHex(hex));
            if (message.equals("in the middle of a frame")) {
                bad.close();
            } else {
                assertThat(bad.ended()).isTrue();
                bad.close();
            }
            Await.until("sluice says why", serve::toString, () -> serve.err().contains("qemu:" + q + "#2 left: "));
            assertThat(serve.err().lines().filter(l -> l.contains("left:")).toList())
                    .singleElement()
                    .asString()
                    .contains(message);
            good.ping(RawGuest.GATEWAY, 56);
            try (RawGuest next = new RawGuest(FramePort.qemu(q), MAC + 1)) {
                assertWorks(next);
            }
            good.ping(RawGuest.GATEWAY, 56);
        }
        stop(serve);
    }

    // ---- the listening path
    // ---------------------------------------------------------------------------------------------------

    private void assertRefused(Program serve, int code, String... words) {
        assertThat(serve.exitCode()).as(serve.toString()).isEqualTo(code);
        assertThat(serve.err().lines()).as(serve.toString()).hasSize(1);
        assertThat(serve.err()).contains(words);
        assertThat(serve.out()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"qemu", "vmnet", "bess", "vfkit"})
    void aFileInTheWayIsLeftAlone(String kind) throws IOException {
        Path file = Files.writeString(folder.resolve("q"), "precious");
        assertRefused(lab.sluice("serve", "-l", kind + ":" + file), 69, file.toString(), "not a socket", "remove it");
        assertThat(file).hasContent("precious");
        assertThat(files()).containsExactly("q");
    }

    @Test
    void aLiveSocketIsLeftAloneAndAnotherPlaceOfTheSameCommandIsGivenBack() throws IOException {
        Path q = folder.resolve("q");
        Path other = folder.resolve("other");
        Program serve = lab.serve("-l", "qemu:" + q);
        assertRefused(lab.sluice("serve", "-l", "vmnet:" + other, "-l", "qemu:" + q), 69, q.toString(), "in use");
        assertThat(files()).containsExactly("q");
        try (RawGuest guest = new RawGuest(FramePort.qemu(q), MAC)) {
            assertWorks(guest);
        }
        stop(serve);
    }

    @Test
    void aSocketThatNobodyListensOnIsReplaced() throws IOException {
        Path q = folder.resolve("q");
        try (ServerSocketChannel dead = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            dead.bind(UnixDomainSocketAddress.of(q));
        }
        assertThat(q).exists();
        Program serve = lab.serve("-l", "qemu:" + q);
        try (RawGuest guest = new RawGuest(FramePort.qemu(q), MAC)) {
            assertWorks(guest);
        }
        stop(serve);
    }

    @Test
    void pathsThatCanNotBeAreExplained() throws IOException {
        String longest = folder + "/" + "x".repeat(107 - 1 - folder.toString().length());
        assertRefused(lab.sluice("serve", "-l", "qemu:" + longest + "y"), 2, "107", "108", "shorter");
        assertRefused(lab.sluice("serve", "-l", "qemu:" + folder + "/no/x"), 69, "does not exist");
        assertRefused(lab.sluice("serve", "-l", "qemu:" + folder), 69, "not a socket");
        assertRefused(lab.sluiceAsOrdinaryUser("serve", "-l", "qemu:" + folder + "/q"), 69, "not writable");
        assertThat(files()).isEmpty();
        Program serve = lab.serve("-l", "qemu:" + longest);
        assertThat(files()).hasSize(1);
        stop(serve);
        assertThat(files()).isEmpty();
    }

    // ---- the end
    // ----------------------------------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"TERM", "INT", "HUP"})
    void aSignalEndsItAndRemovesItsSockets(String signal) throws IOException {
        String[] kinds = {"q", "v", "b", "f"};
        Program serve = lab.serve(
                "-l",
                "qemu:" + folder + "/q",
                "-l",
                "vmnet:" + folder + "/v",
                "-l",
                "bess:" + folder + "/b",
                "-l",
                "vfkit:" + folder + "/f");
        assertThat(files()).containsExactlyInAnyOrder(kinds);
        try (RawGuest guest = new RawGuest(FramePort.qemu(folder.resolve("q")), MAC)) {
            guest.configure();
            serve.signal(signal);
            assertThat(serve.exitCode()).as(serve.toString()).isZero();
            assertThat(guest.port.ended()).isTrue();
        }
        assertThat(files()).isEmpty();
    }

    /** Here it hangs in opening a pipe that nobody reads, which it does once it hears signals and its loop runs. */
    @Test
    void aSecondSignalEndsOneThatHangs() {
        Path pipe = folder.resolve("pipe");
        lab.onHost("mkfifo", pipe.toString()).output();
        try (Program serve = lab.sluice("serve", "-l", "qemu:" + folder + "/q", "--pcap", pipe.toString())) {
            Await.until(
                    "the loop runs",
                    serve::toString,
                    () -> Threads.status(lab, serve, "Name").contains("Name: sluice-loop"));
            Await.until("it has ended", serve::toString, () -> {
                serve.signal("TERM");
                return !serve.alive();
            });
            assertThat(serve.exitCode()).as(serve.toString()).isEqualTo(143);
        }
    }

    @Test
    void afterAKillTheNextOneTakesOverTheSockets() throws IOException {
        String[] places = {
            "-l",
            "qemu:" + folder + "/q",
            "-l",
            "vmnet:" + folder + "/v",
            "-l",
            "bess:" + folder + "/b",
            "-l",
            "vfkit:" + folder + "/f"
        };
        Program serve = lab.serve(places);
        serve.signal("KILL");
        assertThat(serve.exitCode()).isEqualTo(137);
        assertThat(files()).hasSize(4);
        Program next = lab.serve(places);
        try (RawGuest qemu = new RawGuest(FramePort.qemu(folder.resolve("q")), MAC);
                RawGuest vfkit = new RawGuest(FramePort.vfkit(folder.resolve("f"), folder.resolve("guest")), MAC + 1)) {
            assertWorks(qemu);
            assertWorks(vfkit);
        }
        stop(next);
    }
}
