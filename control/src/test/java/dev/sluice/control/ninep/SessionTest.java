package dev.sluice.control.ninep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.control.vpnkit.PortDoor;
import dev.sluice.control.vpnkit.PortSpec;
import dev.sluice.control.vpnkit.PortTree;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The protocol and VPNKit's tree of ports, over pipes. */
class SessionTest {
    private static final String WEB = "tcp:127.0.0.1:8080:tcp:172.17.0.2:80";

    /** Opens everything but port 81, and knows what is open. */
    private static final class Door implements PortDoor {
        final List<String> open = new ArrayList<>();

        @Override
        public synchronized PortSpec open(PortSpec spec) throws IOException {
            if (spec instanceof PortSpec.Port port && port.port() == 81) {
                throw new PortRefusal("Bind for 127.0.0.1:81 failed: port is already allocated", new IOException());
            }
            PortSpec opened = spec instanceof PortSpec.Port port && port.port() == 0 ? spec.withPort(40_000) : spec;
            open.add(opened.toString());
            return opened;
        }

        @Override
        public synchronized void close(PortSpec opened) {
            open.remove(opened.toString());
        }
    }

    private final Door door = new Door();
    private final PortTree tree = new PortTree(door);
    private final List<AutoCloseable> ends = new ArrayList<>();

    private final class Served {
        final PipedOutputStream toServer = new PipedOutputStream();
        final PipedInputStream fromServer = new PipedInputStream(1 << 16);
        final Thread thread;
        volatile IOException end;

        Served() throws IOException {
            this(tree);
        }

        Served(Node root) throws IOException {
            PipedInputStream in = new PipedInputStream(toServer, 1 << 16);
            PipedOutputStream out = new PipedOutputStream(fromServer);
            thread = Thread.ofVirtual().start(() -> {
                try (out) {
                    new NinepServer(root).serve(in, out);
                } catch (IOException e) {
                    end = e;
                }
            });
            ends.add(toServer);
        }

        NinepClient client(String version, int messageSize) throws IOException {
            return new NinepClient(fromServer, toServer, version, messageSize);
        }

        void leave() throws Exception {
            toServer.close();
            thread.join();
        }
    }

    private NinepClient client() throws IOException {
        return new Served().client("9P2000", 8192);
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable end : ends) {
            end.close();
        }
    }

    @Test
    void versionAndMessageSizeAreAgreedOn() throws IOException {
        assertThat(client().messageSize).isEqualTo(8192);
        NinepClient large = new Served().client("9P2000.u", 1 << 20);
        assertThat(large.messageSize).isEqualTo(NinepServer.MAX_MESSAGE);
        assertThat(large.version).isEqualTo("9P2000.u");
        assertThat(new Served().client("9P2000.L", 8192).version).isEqualTo("9P2000");
        assertThatThrownBy(() -> new Served().client("9P2000", 20)).hasMessageContaining("too short");
        assertThatThrownBy(() -> client().ask(100, Fields.bare().put32(8192).putString("9P2000")))
                .hasMessage("Function not implemented");
    }

    @Test
    void aForwardIsMadeReadAndEndedWithItsFile() throws IOException {
        for (String version : List.of("9P2000", "9P2000.u")) {
            NinepClient client = new Served().client(version, 8192);
            int directory = client.makeDirectory(WEB);
            assertThat(client.list(8000, WEB)).contains("ctl");
            int control = client.open(WEB, "ctl");
            assertThat(client.read(control)).startsWith("ERROR no request received.");
            assertThat(client.write(control, WEB)).isEqualTo(WEB.length());
            assertThat(client.read(control)).isEqualTo("OK " + WEB + "\n");
            assertThat(door.open).containsExactly(WEB);
            assertThatThrownBy(() -> client.write(control, WEB)).hasMessage("permission denied");
            assertThat(client.list(8000)).containsExactly(".", "..", "README", WEB);
            assertThat(client.readFile(WEB)).isEqualTo(WEB + "\n");
            client.clunk(directory);
            assertThat(door.open).hasSize(1);
            client.clunk(control);
            assertThat(door.open).isEmpty();
            assertThat(client.list(8000)).containsExactly(".", "..", "README");
        }
    }

    @Test
    void aPortThatIsChosenIsTold() throws IOException {
        NinepClient client = client();
        client.makeDirectory("any name");
        int control = client.open("any name", "ctl");
        client.write(control, "tcp:127.0.0.1:0:tcp:172.17.0.2:80\n");
        assertThat(client.read(control)).isEqualTo("OK tcp:127.0.0.1:40000:tcp:172.17.0.2:80\n");
        assertThat(client.readFile("any name")).isEqualTo("tcp:127.0.0.1:40000:tcp:172.17.0.2:80\n");
    }

    @Test
    void socketsAndDatagramsAreForwardedToo() throws IOException {
        NinepClient client = client();
        String unix = "unix:" + base64("/tmp/a.sock") + ":unix:" + base64("/var/run/b.sock");
        for (String spec : List.of(unix, "udp:127.0.0.1:53:udp:172.17.0.2:5353")) {
            client.makeDirectory(spec);
            int control = client.open(spec, "ctl");
            client.write(control, spec);
            assertThat(client.read(control)).isEqualTo("OK " + spec + "\n");
        }
        assertThat(door.open).hasSize(2);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes());
    }

    @Test
    void whatIsWrongIsSaidInTheAnswer() throws IOException {
        NinepClient client = client();
        String[][] cases = {
            {"nonsense", "ERROR Failed to parse request [nonsense], expected tcp:<local ip>:<local port>:tcp:"},
            {"tcp:1.2.3.4:80", "ERROR Failed to parse request ["},
            {"sctp:1.2.3.4:80:sctp:1.2.3.4:80", "ERROR unknown protocol: should be tcp or udp\n"},
            {"tcp:1.2.3:80:tcp:1.2.3.4:80", "ERROR port is not a proto:IP:port or unix:path: 'tcp:1.2.3:80'\n"},
            {"tcp:1.2.3.4:65536:tcp:1.2.3.4:80", "ERROR port is not a proto:IP:port or unix:path: 'tcp:1.2.3.4:65536'\n"
            },
            {"tcp:1.2.3.4:80:udp:1.2.3.4:80", "ERROR Failed to parse request ["},
            {"x".repeat(600), "ERROR a request may have 512 bytes, not 600\n"},
            {
                "unix:" + base64("/" + "x".repeat(107)) + ":unix:" + base64("/a"),
                "ERROR the path of a socket may have 107 bytes, not 108\n"
            },
            {
                "unix:" + base64("/a") + ":unix:" + base64("/\u001b[2Ja"),
                "ERROR the path of a socket may have no control characters\n"
            },
            {"unix:!!:unix:!!", "ERROR port is not a proto:IP:port or unix:path: 'unix:!!'\n"},
            {"tcp:127.0.0.1:81:tcp:1.2.3.4:80", "ERROR Bind for 127.0.0.1:81 failed: port is already allocated\n"},
        };
        for (String[] one : cases) {
            client.makeDirectory("x");
            int control = client.open("x", "ctl");
            client.write(control, one[0]);
            assertThat(client.read(control)).as(one[0]).startsWith(one[1]);
            client.clunk(control);
        }
        assertThat(client.list(8000)).containsExactly(".", "..", "README");
        assertThat(door.open).isEmpty();
    }

    @Test
    void onlyWhoMadeAForwardEndsItByClosing() throws IOException {
        NinepClient client = client();
        client.makeDirectory("a");
        int first = client.open("a", "ctl");
        client.write(first, WEB);
        int looked = client.walk("a", "ctl");
        client.clunk(looked);
        int second = client.open("a", "ctl");
        client.write(second, WEB);
        assertThat(client.read(second)).startsWith("ERROR this entry is a forward already");
        client.clunk(second);
        assertThat(door.open).hasSize(1);
        client.remove(client.walk("a"));
        assertThat(door.open).isEmpty();
        client.clunk(first);
    }

    /** VPNKit's Go library ends what it has listed in this way. */
    @Test
    void aControlFileThatIsOpenedAndClosedEndsTheForward() throws IOException {
        NinepClient maker = client();
        maker.makeDirectory(WEB);
        int control = maker.open(WEB, "ctl");
        maker.write(control, WEB);
        NinepClient other = client();
        assertThat(other.readFile(WEB, "ctl")).as("whoever reads it only looks").startsWith("ERROR no request");
        assertThat(door.open).hasSize(1);
        other.clunk(other.open(WEB, "ctl"));
        assertThat(door.open).isEmpty();
        assertThat(other.list(8000)).containsExactly(".", "..", "README");
        maker.clunk(control);
        other.makeDirectory("x");
        other.clunk(other.open("x", "ctl"));
        assertThat(other.list(8000)).as("what is no forward yet stays").contains("x");
    }

    /** A connection that breaks says nothing of forwards that others have made. */
    @Test
    void whoLeavesWithAControlFileOpenEndsNoForwardOfOthers() throws Exception {
        NinepClient maker = client();
        maker.makeDirectory(WEB);
        maker.write(maker.open(WEB, "ctl"), WEB);
        Served served = new Served();
        served.client("9P2000", 8192).open(WEB, "ctl");
        served.leave();
        assertThat(door.open).containsExactly(WEB);
    }

    @Test
    void whoLeavesLeavesNoForwardBehind() throws Exception {
        Served served = new Served();
        NinepClient client = served.client("9P2000", 8192);
        for (int i = 0; i < 100; i++) {
            client.makeDirectory("f" + i);
            client.write(client.open("f" + i, "ctl"), "tcp:127.0.0.1:" + (9000 + i) + ":tcp:1.2.3.4:80");
        }
        assertThat(door.open).hasSize(100);
        assertThat(client().list(300)).hasSize(103);
        served.leave();
        assertThat(door.open).isEmpty();
        assertThat(tree.children()).hasSize(1);
    }

    @Test
    void directoriesThatNobodyUsedGoWithWhoMadeThem() throws Exception {
        Served served = new Served();
        NinepClient client = served.client("9P2000", 8192);
        client.clunk(client.makeDirectory("made and left"));
        NinepClient other = client();
        client.makeDirectory("used by another");
        int control = other.open("used by another", "ctl");
        other.write(control, WEB);
        served.leave();
        assertThat(other.list(8000)).containsExactly(".", "..", "README", "used by another");
        assertThat(door.open).containsExactly(WEB);
    }

    /** What one client can make this side keep in memory is bounded, and comes back when it clunks. */
    @Test
    void openFilesAndListingsHaveALimitTogether() throws IOException {
        byte[] large = new byte[1 << 20];
        Node file = new Node() {
            @Override
            public long id() {
                return 2;
            }

            @Override
            public String name() {
                return "large";
            }

            @Override
            public boolean isDirectory() {
                return false;
            }

            @Override
            public OpenFile open() {
                return () -> large;
            }
        };
        Node root = new Node() {
            @Override
            public long id() {
                return 1;
            }

            @Override
            public String name() {
                return "/";
            }

            @Override
            public boolean isDirectory() {
                return true;
            }

            @Override
            public Node child(String name) {
                return file;
            }

            @Override
            public List<Node> children() {
                return java.util.Collections.nCopies(40_000, file);
            }

            @Override
            public OpenFile open() {
                return () -> new byte[0];
            }
        };
        NinepClient client = new Served(root).client("9P2000", 8192);
        List<Integer> open = new ArrayList<>();
        for (int i = 0; i < Session.MAX_HELD >> 20; i++) {
            open.add(client.open("large"));
        }
        assertThatThrownBy(() -> client.open("large")).hasMessageStartingWith("too much is open");
        int listing = client.open();
        assertThatThrownBy(() -> client.read(listing, 0, 8000)).hasMessageStartingWith("too much is open");
        for (int fid : open) {
            client.clunk(fid);
        }
        assertThat(client.read(listing, 0, 8000)).isNotEmpty();
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 3; i++) {
                        client.read(client.open(), 0, 8000);
                    }
                })
                .hasMessageStartingWith("too much is open");
    }

    @Test
    void filesAreReadInPartsAndDirectoriesByWholeEntries() throws IOException {
        NinepClient client = new Served().client("9P2000", 300);
        assertThat(client.readFile("README")).contains("unix:<base64").contains("Keep \"ctl\" open");
        for (int i = 0; i < 20; i++) {
            client.makeDirectory("entry " + i);
        }
        assertThat(client.list(300)).hasSize(23).doesNotHaveDuplicates();
        int root = client.open();
        client.read(root, 0, 250);
        assertThatThrownBy(() -> client.read(root, 7, 250)).hasMessageContaining("from its start");
    }

    @Test
    void whatDoesNotExistOrMayNotBeIsRefused() throws IOException {
        NinepClient client = client();
        assertThatThrownBy(() -> client.walk("none")).hasMessage("file not found");
        assertThatThrownBy(() -> client.clunk(77)).hasMessage("fid not found");
        assertThatThrownBy(() -> client.create(client.walk(), "file", 0644)).hasMessage("permission denied");
        assertThatThrownBy(() -> client.create(client.walk(), "..", 0x8000_0000))
                .hasMessage("permission denied");
        assertThatThrownBy(() -> client.create(client.walk(), "a/b", 0x8000_0000))
                .hasMessage("permission denied");
        assertThatThrownBy(() -> client.makeDirectory("n".repeat(256))).hasMessage("file name too long");
        assertThatThrownBy(() -> client.remove(client.walk("README"))).hasMessage("permission denied");
        assertThatThrownBy(() -> client.write(client.open("README"), "x")).hasMessage("permission denied");
        assertThatThrownBy(() -> client.ask(126, Fields.bare().put32(0).put16(0)))
                .hasMessage("permission denied");
        assertThatThrownBy(() -> client.ask(102, Fields.bare())).hasMessage("Function not implemented");
        int directory = client.makeDirectory("d");
        int control = client.walk("d", "ctl");
        assertThatThrownBy(() -> client.read(control, 0, 100)).hasMessage("the fid is not open");
        client.ask(112, Fields.bare().put32(control).put8(2));
        assertThat(client.read(control)).isEqualTo("ERROR no request received. Please read the README.\n");
        assertThatThrownBy(() -> client.ask(112, Fields.bare().put32(control).put8(2)))
                .hasMessage("the fid is open already");
        assertThatThrownBy(() -> client.ask(
                        110, Fields.bare().put32(control).put32(control).put16(0)))
                .hasMessage("an open fid cannot walk");
        assertThatThrownBy(() ->
                        client.ask(110, Fields.bare().put32(0).put32(directory).put16(0)))
                .hasMessage("fid in use");
        client.ask(108, Fields.bare().put16(3));
        client.ask(124, Fields.bare().put32(client.walk("README")));
        assertThat(client.list(8000, "README", "..")).contains("README");
    }

    @Test
    void aWalkThatStopsOnTheWaySaysHowFarItCame() throws IOException {
        NinepClient client = client();
        client.makeDirectory("a");
        assertThatThrownBy(() -> client.walk("a", "none", "more")).hasMessage("walked 1 of 3");
    }

    @Test
    void aMessageThatIsNoneEndsTheConnection() throws Exception {
        byte[][] bad = {
            {0, 0, 0, 0},
            {(byte) 0xff, (byte) 0xff, (byte) 0xff, (byte) 0xff},
            {6, 0, 0, 0, 100, 0},
            {1, 64, 0, 0, 100, 0, 0},
            {7, 0, 0, 0, 120, 1, 0},
            {19, 0, 0, 0, 100, 1, 0, 0, 32, 0, 0, 99, 0, '9', 'P', '2', '0', '0', '0'},
        };
        for (byte[] message : bad) {
            Served served = new Served();
            served.toServer.write(message);
            served.leave();
            assertThat(served.end).isNotNull();
        }
    }

    @Test
    void noBytesBreakTheServer() throws Exception {
        for (int seed = 0; seed < 500; seed++) {
            Random random = new Random(seed);
            Session session = new Session(tree);
            try {
                session.answer(
                        Fields.reply(100, 1).put32(8192).putString("9P2000").toMessage());
                session.answer(Fields.reply(104, 1)
                        .put32(0)
                        .put32(-1)
                        .putString("")
                        .putString("")
                        .toMessage());
                for (int i = 0; i < 20; i++) {
                    Fields fields = Fields.reply(100 + random.nextInt(28), i);
                    for (int j = random.nextInt(8); j > 0; j--) {
                        switch (random.nextInt(5)) {
                            case 0 -> fields.put32(random.nextInt(3));
                            case 1 -> fields.put16(random.nextInt(3));
                            case 2 -> fields.put8(random.nextInt());
                            case 3 -> fields.putString(random.nextBoolean() ? "ctl" : "README");
                            default -> fields.put64(random.nextLong());
                        }
                    }
                    session.answer(fields.toMessage());
                }
            } catch (Fields.Malformed expected) {
                // the connection would have ended
            } finally {
                session.close();
            }
        }
    }
}
