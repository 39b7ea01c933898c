package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.link.vmnet.VmnetIdentity;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Io;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.SocketFile;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinkServerTest {
    private static final String UUID_A = "d1d9cd61-d0dc-4715-9bb3-4c11da7ad7a5";

    @TempDir
    Path directory;

    private record Guest(Link link, @Nullable VmnetIdentity identity, Recorder heard) {}

    private final EventLoop loop = start();
    private final BlockingQueue<Guest> arrived = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> problems = new LinkedBlockingQueue<>();
    private final List<LinkServer> servers = new ArrayList<>();
    private final VmnetTable vmnet = new VmnetTable(
            Ipv4Address.parse("192.168.65.3"),
            Ipv4Address.parse("192.168.65.254"),
            Set.of(Ipv4Address.parse("192.168.65.1")),
            AddressClaims.NONE,
            UUID::randomUUID);
    private final Guests guests = new Guests() {
        @Override
        public void onGuest(Link link, @Nullable VmnetIdentity identity) {
            Recorder heard = new Recorder();
            link.start(heard);
            arrived.add(new Guest(link, identity, heard));
        }

        @Override
        public void onProblem(String message) {
            problems.add(message);
        }
    };

    private static EventLoop start() {
        try {
            return EventLoop.start("test");
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @AfterEach
    void end() throws Exception {
        servers.forEach(LinkServer::close);
        Peer.on(loop, () -> true);
        assertThat(loop.failures()).as("exceptions that reached the loop").isZero();
        loop.close();
        try (var files = Files.list(directory)) {
            assertThat(files.filter(p -> p.toString().endsWith(".sock")))
                    .as("socket files left behind")
                    .isEmpty();
        }
    }

    private String path() {
        return directory.resolve("vm.sock").toString();
    }

    private LinkServer open(LinkUrl url) throws IOException {
        LinkServer server = LinkServer.open(loop, url, 1500, vmnet, guests);
        servers.add(server);
        return server;
    }

    private void exchange(Peer peer, Guest guest, Framing framing) throws Exception {
        byte[] in = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 77);
        peer.write(Peer.framed(framing, in));
        assertThat(Recorder.next(guest.heard.frames)).isEqualTo(in);
        byte[] out = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 78);
        assertThat(Peer.on(loop, () -> guest.link.send(Frames.frame(out)))).isTrue();
        assertThat(peer.readFrame(framing)).isEqualTo(out);
    }

    private void exchangePackets(Peer peer, Guest guest) throws Exception {
        byte[] in = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 77);
        peer.write(in);
        assertThat(Recorder.next(guest.heard.frames)).isEqualTo(in);
        byte[] out = Frames.ethernet(Frames.GUEST, Frames.GATEWAY, 78);
        assertThat(Peer.on(loop, () -> guest.link.send(Frames.frame(out)))).isTrue();
        assertThat(peer.read()).isEqualTo(out);
    }

    @Test
    void severalQemuGuestsConnectAndABadOneHarmsNobodyElse() throws Exception {
        open(new LinkUrl.Qemu(path()));
        Peer first = Peer.connect(Sockets.STREAM, path());
        Guest a = Recorder.next(arrived);
        Peer second = Peer.connect(Sockets.STREAM, path());
        Guest b = Recorder.next(arrived);
        assertThat(a.link.name()).isEqualTo("qemu:" + path() + "#1");
        assertThat(b.link.name()).isEqualTo("qemu:" + path() + "#2");
        exchange(first, a, Framing.BE32);
        exchange(second, b, Framing.BE32);
        first.write(new byte[4]);
        assertThat(Recorder.next(a.heard.closed)).contains("a frame of 0 bytes");
        exchange(second, b, Framing.BE32);
        assertThat(b.heard.closed).isEmpty();
        first.close();
        second.close();
    }

    @Test
    void severalBessGuestsConnect() throws Exception {
        open(new LinkUrl.Bess(path()));
        for (int i = 0; i < 3; i++) {
            Peer peer = Peer.connect(Sockets.SEQPACKET, path());
            Guest guest = Recorder.next(arrived);
            exchangePackets(peer, guest);
            peer.close();
            assertThat(Recorder.next(guest.heard.closed)).isEqualTo("disconnected");
        }
    }

    private static byte[] hello(int version, int command, String uuid, int address) {
        byte[] bytes = new byte[49 + 41];
        System.arraycopy("VMN3T".getBytes(StandardCharsets.US_ASCII), 0, bytes, 0, 5);
        bytes[5] = (byte) version;
        Arrays.fill(bytes, 9, 49, (byte) '0');
        bytes[49] = (byte) command;
        System.arraycopy(uuid.getBytes(StandardCharsets.US_ASCII), 0, bytes, 50, uuid.length());
        for (int i = 0; i < 4; i++) {
            bytes[86 + i] = (byte) (address >>> 8 * i);
        }
        return bytes;
    }

    private Peer greeted(byte[] hello) throws IOException {
        Peer peer = Peer.connect(Sockets.STREAM, path());
        peer.write(hello);
        assertThat(peer.readExactly(49)).startsWith((byte) 'V', (byte) 'M', (byte) 'N', (byte) '3', (byte) 'T');
        return peer;
    }

    @Test
    void aVmnetGuestIsGreetedEvenByteByByteAndItsFramesFollow() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        Peer peer = Peer.connect(Sockets.STREAM, path());
        byte[] frame = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 60);
        // The first frame right behind the handshake, without waiting for the answer.
        byte[] all = Frames.concat(hello(22, 1, UUID_A, 0), Peer.framed(Framing.LE16, frame));
        for (byte b : all) {
            peer.write(new byte[] {b});
        }
        Guest guest = Recorder.next(arrived);
        assertThat(guest.identity).isNotNull();
        assertThat(String.valueOf(guest.identity)).contains("02:50:00:00:00:01").contains("192.168.65.3");
        assertThat(Recorder.next(guest.heard.frames)).isEqualTo(frame);
        peer.readExactly(49);
        byte[] vif = peer.readExactly(258);
        assertThat(Arrays.copyOf(vif, 11)).containsExactly(1, 0xdc, 5, 0x0e, 6, 2, 0x50, 0, 0, 0, 1);
        exchange(peer, guest, Framing.LE16);
        peer.close();
    }

    @Test
    void twoLinksWithOneUuidAreOneGuestAndBothLive() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        Peer first = greeted(hello(22, 1, UUID_A, 0));
        first.readExactly(258);
        Guest a = Recorder.next(arrived);
        Peer second = greeted(hello(22, 1, UUID_A, 0));
        second.readExactly(258);
        Guest b = Recorder.next(arrived);
        assertThat(b.identity).isEqualTo(a.identity);
        exchange(first, a, Framing.LE16);
        exchange(second, b, Framing.LE16);
        exchange(first, a, Framing.LE16);
        first.close();
        second.close();
    }

    @Test
    void moreVmnetGuestsThanAddressesMayComeOneAfterTheOther() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        for (int i = 0; i < 260; i++) {
            Peer peer = greeted(hello(22, 1, new UUID(1, i).toString(), 0));
            assertThat(peer.readExactly(258)[0]).as("guest " + i).isEqualTo((byte) 1);
            Guest guest = Recorder.next(arrived);
            peer.close();
            assertThat(Recorder.next(guest.heard.closed)).isEqualTo("disconnected");
        }
        assertThat(problems).isEmpty();
    }

    @Test
    void aRefusedVmnetGuestIsToldWhyAndTheNextOneWorks() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        Peer refused = greeted(hello(22, 8, UUID_A, 0x0a000001));
        byte[] answer = refused.readExactly(258);
        String text = "Preferred IP address out of range.";
        assertThat(answer[0]).isEqualTo((byte) 2);
        assertThat(answer[1]).isEqualTo((byte) text.length());
        assertThat(new String(answer, 2, text.length(), StandardCharsets.US_ASCII))
                .isEqualTo(text);
        assertThat(refused.read()).as("closed").isEmpty();
        assertThat(Recorder.next(problems)).contains("turned a guest away: " + text);

        Peer other = greeted(hello(21, 1, UUID_A, 0));
        assertThat(other.read()).as("closed").isEmpty();
        Peer odd = greeted(hello(22, 1, "not-a-uuid", 0));
        assertThat(odd.read()).as("closed").isEmpty();
        Peer cut = Peer.connect(Sockets.STREAM, path());
        cut.write(new byte[20]);
        cut.close();
        for (String expected : new String[] {"version 21", "Invalid UUID: not-a-uuid", "before its handshake"}) {
            assertThat(Recorder.next(problems)).contains(expected);
        }
        Peer good = greeted(hello(22, 1, UUID_A, 0));
        good.readExactly(258);
        exchange(good, Recorder.next(arrived), Framing.LE16);
        for (Peer peer : new Peer[] {refused, other, odd, good}) {
            peer.close();
        }
    }

    @Test
    void handshakesUnderWayAreBounded() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        List<Peer> silent = new ArrayList<>();
        for (int i = 0; i < LinkServer.MAX_GREETINGS; i++) {
            silent.add(Peer.connect(Sockets.STREAM, path()));
        }
        Peer last = Peer.connect(Sockets.STREAM, path());
        assertThat(last.read()).as("closed").isEmpty();
        assertThat(Recorder.next(problems)).contains("64 others are in their handshake");
        silent.forEach(Peer::close);
        last.close();
    }

    @Test
    void aGuestWithoutAUuidGivesItsAddressBack() throws Exception {
        open(new LinkUrl.Vmnet(path()));
        for (int i = 0; i < 3; i++) {
            Peer peer = greeted(hello(22, 1, "", 0));
            peer.readExactly(258);
            Guest guest = Recorder.next(arrived);
            assertThat(String.valueOf(guest.identity)).contains("192.168.65.3");
            peer.close();
            Recorder.next(guest.heard.closed);
        }
    }

    @Test
    void aDatagramGuestIsAnsweredAndReplacedByTheNext() throws Exception {
        open(new LinkUrl.Vfkit(path()));
        for (int i = 0; i < 3; i++) {
            Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
            peer.bind(directory.resolve("guest" + i).toString());
            peer.connect(path());
            byte[] first = Frames.ethernet(Frames.GATEWAY, Frames.GUEST, 60 + i);
            if (i == 1) {
                peer.write("VFKT".getBytes(StandardCharsets.US_ASCII));
            }
            peer.write(first);
            Guest guest = Recorder.next(arrived);
            assertThat(Recorder.next(guest.heard.frames)).isEqualTo(first);
            exchangePackets(peer, guest);
            assertThat(guest.link.counters().droppedSize).isZero();
            peer.close();
            assertThat(Recorder.next(guest.heard.closed)).isEqualTo("disconnected");
        }
    }

    @Test
    void aDatagramGuestWithoutANameIsExplainedAndTheNextOneWorks() throws Exception {
        open(new LinkUrl.Vfkit(path()));
        Peer nameless = Peer.connect(Sockets.DGRAM, path());
        nameless.write(new byte[60]);
        assertThat(Recorder.next(problems)).contains("bind the guest's socket to a path");
        Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
        peer.bind(directory.resolve("guest").toString());
        peer.connect(path());
        peer.write(new byte[60]);
        Guest guest = Recorder.next(arrived);
        Recorder.next(guest.heard.frames);
        exchangePackets(peer, guest);
        peer.close();
        nameless.close();
    }

    @Test
    void anInheritedConnectionIsAGuest() throws Exception {
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        open(LinkUrl.parse("fd:" + pair[1]));
        Peer peer = new Peer(pair[0]);
        exchange(peer, Recorder.next(arrived), Framing.BE32);
        peer.close();

        int[] vmnetPair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        open(LinkUrl.parse("fd:" + vmnetPair[1] + "?framing=vmnet"));
        Peer vmnetPeer = new Peer(vmnetPair[0]);
        vmnetPeer.write(hello(22, 1, UUID_A, 0));
        vmnetPeer.readExactly(49 + 258);
        exchange(vmnetPeer, Recorder.next(arrived), Framing.LE16);
        vmnetPeer.close();

        int[] packets = Sockets.socketpair(Sockets.AF_UNIX, Sockets.DGRAM);
        open(LinkUrl.parse("fd:" + packets[1]));
        Peer packetPeer = new Peer(packets[0]);
        exchangePackets(packetPeer, Recorder.next(arrived));
        packetPeer.close();
    }

    @Test
    void anInheritedListenerSpeaksVmnetUnlessToldOtherwise() throws Exception {
        int fd = Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment address = arena.allocate(SocketAddress.CAPACITY);
            Sockets.bind(
                    fd,
                    address,
                    SocketAddress.writeUnix(address, 0, directory.resolve("in").toString()));
            Sockets.listen(fd, 5);
        }
        LinkServer server = open(LinkUrl.parse("fd:" + fd));
        Peer peer = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0));
        peer.connect(directory.resolve("in").toString());
        peer.write(hello(22, 1, UUID_A, 0));
        peer.readExactly(49 + 258);
        exchange(peer, Recorder.next(arrived), Framing.LE16);
        server.close();
        peer.close();
    }

    private void refused(LinkUrl url, String... parts) {
        assertThatThrownBy(() -> open(url))
                .isInstanceOf(IOException.class)
                .hasMessageContainingAll(parts)
                .hasMessageNotContaining("\n");
    }

    @Test
    void descriptorsThatCanNotBeUsedAreExplained() throws Exception {
        refused(new LinkUrl.Fd(987, LinkUrl.FdFraming.AUTOMATIC), "fd:987", "is not open");
        int[] pipe = Io.pipe(0);
        refused(new LinkUrl.Fd(pipe[0], LinkUrl.FdFraming.AUTOMATIC), "is not a socket");
        Io.close(pipe[0]);
        Io.close(pipe[1]);
    }

    @Test
    void aLiveSocketIsLeftAlone() throws Exception {
        open(new LinkUrl.Qemu(path()));
        for (LinkUrl url :
                new LinkUrl[] {new LinkUrl.Qemu(path()), new LinkUrl.Bess(path()), new LinkUrl.Vfkit(path())}) {
            refused(url, path(), "already in use by another process", "choose another path");
        }
        Recorder.next(arrived);
        Peer peer = Peer.connect(Sockets.STREAM, path());
        exchange(peer, Recorder.next(arrived), Framing.BE32);
        peer.close();
    }

    @Test
    void aSocketThatNobodyListensOnIsReplaced() throws Exception {
        for (int type : new int[] {Sockets.STREAM, Sockets.DGRAM, Sockets.SEQPACKET}) {
            Peer stale = new Peer(Sockets.socket(Sockets.AF_UNIX, type, 0));
            stale.bind(path());
            stale.close();
            open(new LinkUrl.Qemu(path())).close();
            assertThat(Path.of(path())).doesNotExist();
        }
    }

    @Test
    void aSocketThatHasTakenAnAbandonedOnesPlaceIsLeftAlone() throws Exception {
        Peer stale = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.STREAM, 0));
        stale.bind(path());
        stale.close();
        Object found = SocketFile.key(Path.of(path()));
        Files.move(Path.of(path()), directory.resolve("moved")); // so that nothing gets its inode
        open(new LinkUrl.Qemu(path()));
        assertThat(SocketFile.remove(Path.of(path()), found)).isZero();
        Peer peer = Peer.connect(Sockets.STREAM, path());
        exchange(peer, Recorder.next(arrived), Framing.BE32);
        peer.close();
    }

    @Test
    void aDatagramSocketThatSomebodyElseTalksToIsInUse() throws Exception {
        Peer other = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
        other.bind(directory.resolve("other").toString());
        Peer connected = new Peer(Sockets.socket(Sockets.AF_UNIX, Sockets.DGRAM, 0));
        connected.bind(path());
        connected.connect(directory.resolve("other").toString());
        refused(new LinkUrl.Vfkit(path()), "already in use by another process", "end that one or choose another path");
        connected.close();
        other.close();
        Files.delete(Path.of(path()));
    }

    @Test
    void whatIsNoSocketIsNeverDeleted() throws Exception {
        Path file = directory.resolve("file");
        Files.writeString(file, "precious");
        refused(new LinkUrl.Qemu(file.toString()), "exists and is not a socket", "remove it or choose another path");
        assertThat(file).hasContent("precious");
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);
        refused(new LinkUrl.Vmnet(link.toString()), "exists and is not a socket");
        refused(new LinkUrl.Bess(directory.toString()), "exists and is not a socket");
        assertThat(link).isSymbolicLink();
    }

    @Test
    void directoriesThatCanNotBeUsedAreExplained() throws Exception {
        refused(new LinkUrl.Qemu(directory.resolve("none/vm.sock").toString()), "does not exist; create it");
        Path file = Files.createFile(directory.resolve("plain"));
        refused(new LinkUrl.Qemu(file.resolve("vm.sock").toString()), "is not a directory");
        refused(new LinkUrl.Qemu("/proc/vm.sock"), "choose another path");
        refused(new LinkUrl.Qemu(directory.resolve("a".repeat(110)).toString()), "the system allows 107");
    }

    @Test
    void closingRemovesOnlyOnesOwnSocketFile() throws Exception {
        LinkServer server = open(new LinkUrl.Qemu(path()));
        Files.delete(Path.of(path()));
        LinkServer successor = open(new LinkUrl.Qemu(path()));
        server.close();
        assertThat(Path.of(path())).exists();
        successor.close();
        assertThat(Path.of(path())).doesNotExist();
    }

    @Test
    void moreGuestsThanTheLimitAreTurnedAwayAndLeavingOnesMakeRoom() throws Exception {
        open(new LinkUrl.Qemu(path()));
        List<Peer> peers = new ArrayList<>();
        Guest last = null;
        for (int i = 0; i < LinkServer.MAX_GUESTS; i++) {
            peers.add(Peer.connect(Sockets.STREAM, path()));
            last = Recorder.next(arrived);
        }
        Peer tooMany = Peer.connect(Sockets.STREAM, path());
        assertThat(tooMany.read()).as("closed").isEmpty();
        assertThat(Recorder.next(problems)).contains("there are 256 already");
        tooMany.close();
        peers.removeLast().close();
        assertThat(last).isNotNull();
        Recorder.next(last.heard.closed);
        Peer next = Peer.connect(Sockets.STREAM, path());
        exchange(next, Recorder.next(arrived), Framing.BE32);
        next.close();
        peers.forEach(Peer::close);
    }
}
