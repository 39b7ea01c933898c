package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice port-helper}, and an ordinary user who publishes low ports through it. */
class PortHelperCommandTest {
    /** Whom {@link Lab#sluiceAsOrdinaryUser} becomes. */
    private static final String USER = "65534";

    /** TCP port 8000 says who comes, UDP port 5300 answers what it gets. */
    private static final String SERVICES = """
            import socket, threading
            u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('0.0.0.0', 5300))
            def echo():
                while True:
                    d, a = u.recvfrom(2000); u.sendto(b'got ' + d, a)
            threading.Thread(target=echo, daemon=True).start()
            l = socket.create_server(('0.0.0.0', 8000))
            print('ready', flush=True)
            while True:
                s = l.accept()[0]; s.sendall(b'served\\n'); s.close()
            """;

    /** Does what systemd does: listens, passes the socket as descriptor 3, and leaves the service that one right only. */
    private static final String SYSTEMD = """
            import os, socket, sys
            path, owner, sluice = sys.argv[1:]
            s = socket.socket(socket.AF_UNIX); s.bind(path)
            os.chmod(path, 0o600); os.chown(path, int(owner), int(owner)); s.listen(16)
            if s.fileno() != 3: os.dup2(s.fileno(), 3)
            os.set_inheritable(3, True)
            os.environ.update(LISTEN_FDS='1', LISTEN_PID=str(os.getpid()), HOME='/nonexistent')
            os.execvp('setpriv', ['setpriv', '--reuid=65532', '--regid=65532', '--clear-groups',
                '--inh-caps=+net_bind_service', '--ambient-caps=+net_bind_service',
                '--bounding-set=-all,+net_bind_service', '--no-new-privs', sluice, 'port-helper', '--owner', owner])
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("python3", "nc", "perl", "setpriv");

    private static int tests;
    private Path socket;
    private Program helper;
    private Program guest;

    @BeforeEach
    void place() {
        socket = lab.folder().resolve("helper" + tests++ + ".sock");
    }

    @AfterEach
    void endGuestAndHelper() {
        if (guest != null) {
            guest.close();
        }
        if (helper != null) {
            helper.close();
        }
    }

    private void helper(String owner) {
        helper = lab.sluice("port-helper", "--socket", socket.toString(), "--owner", owner);
        awaitHelper();
    }

    private void awaitHelper() {
        Await.until(
                "the helper listens",
                helper::toString,
                () -> lab.onHost("nc", "-zU", socket.toString()).exitCode() == 0 || !helper.alive());
        assertThat(helper.alive()).as(helper.toString()).isTrue();
    }

    private Program run(String... forwards) {
        String[] line = new String[forwards.length * 2 + 7];
        line[0] = "run";
        line[1] = "--port-helper";
        line[2] = socket.toString();
        for (int i = 0; i < forwards.length; i++) {
            line[3 + 2 * i] = "-p";
            line[4 + 2 * i] = forwards[i];
        }
        System.arraycopy(new String[] {"--", "python3", "-c", SERVICES}, 0, line, line.length - 4, 4);
        return lab.sluiceAsOrdinaryUser(line);
    }

    private void servesLowPorts() {
        guest = run("80:8000", "53:5300/udp");
        Await.until("the guest serves", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        Await.until(
                "port 80 leads to it",
                guest::toString,
                () -> lab.onHost("nc", "-N", "127.0.0.1", "80").outputAtEnd().equals("served\n"));
        assertThat(lab.onInternet("nc", "-N", Lab.HOST, "80").output()).isEqualTo("served\n");
        Await.until(
                "UDP port 53 leads to it",
                guest::toString,
                () -> lab.onInternet("sh", "-c", "echo x | nc -u -w 1 " + Lab.HOST + " 53")
                        .outputAtEnd()
                        .equals("got x\n"));
    }

    @Test
    void anOrdinaryUserPublishesLowPortsThroughIt() {
        helper(USER);
        servesLowPorts();
        helper.signal("TERM");
        assertThat(helper.exitCode()).as("as its help says").isZero();
        assertThat(socket).doesNotExist();
        assertThat(lab.onInternet("nc", "-N", Lab.HOST, "80").output())
                .as("what was handed over stays")
                .isEqualTo("served\n");
    }

    @Test
    void startedAsSystemdDoesItNeedsOneRightOnly() {
        helper = lab.onHost(
                "python3",
                "-c",
                SYSTEMD,
                socket.toString(),
                USER,
                Lab.launcher().toString());
        awaitHelper();
        servesLowPorts();
    }

    @Test
    void otherUsersAreNotServed() throws IOException {
        helper("65533");
        // even where the file's mode would let him in, the kernel says who he is
        Files.setPosixFilePermissions(socket, java.nio.file.attribute.PosixFilePermissions.fromString("rw-rw-rw-"));
        Program run = run("80:8000");
        assertThat(run.exitCode()).isEqualTo(69);
        assertThat(run.err()).contains("port helper at " + socket).doesNotContain("Exception");
        assertThat(lab.onHost("nc", "-z", "127.0.0.1", "80").exitCode()).isNotZero();
    }

    @Test
    void aLowPortThatIsTakenIsToldSo() {
        helper(USER);
        Program server = lab.onHost("python3", "-m", "http.server", "80");
        Await.until(
                "the server listens",
                server::toString,
                () -> lab.onHost("nc", "-z", "127.0.0.1", "80").exitCode() == 0);
        Program run = run("80:8000");
        assertThat(run.exitCode()).isEqualTo(69);
        assertThat(run.err()).contains("port 80 is already used by a program of another user");
        server.close();
    }

    @Test
    void aSocketThatCantBeGivenToItsOwnerDoesNotStay() throws IOException {
        Path open = Files.createDirectory(lab.folder().resolve("open"));
        Files.setPosixFilePermissions(open, java.nio.file.attribute.PosixFilePermissions.fromString("rwxrwxrwx"));
        Path place = open.resolve("helper.sock");
        Program refused = lab.sluiceAsOrdinaryUser("port-helper", "--socket", place.toString(), "--owner", "0");
        assertThat(refused.exitCode()).isEqualTo(69);
        assertThat(refused.err()).contains("can't give " + place + " to user 0");
        assertThat(place).doesNotExist();
    }

    /** Connecting to a plain file fails as connecting to a dead socket does; root must not take it for one. */
    @Test
    void noFileGivesWayToItsSocket() throws IOException {
        Files.writeString(socket, "precious");
        Path link = Files.createSymbolicLink(socket.resolveSibling("link" + tests), socket);
        for (Path path : new Path[] {socket, link}) {
            Program refused = lab.sluice("port-helper", "--socket", path.toString(), "--owner", USER);
            assertThat(refused.exitCode()).isEqualTo(69);
            assertThat(refused.err()).contains("can't listen on " + path);
        }
        assertThat(socket).hasContent("precious");
        assertThat(Files.getOwner(socket).getName()).isEqualTo("root");
    }
}
