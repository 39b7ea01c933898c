package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The commands that ask a running sluice, the API at its other doors, and the flight recorder. */
class ControlPlaneTest {
    /** A guest that does what it is told on its standard input's place, a pipe: Python, a line at a time. */
    private static final String GUEST = """
            import socket, subprocess, sys
            held = []
            print('ready', flush=True)
            for line in open(sys.argv[1]):
                exec(line)
                print('done', flush=True)
            """;

    /** Presses a key in a terminal after its screen has shown something, and prints what it wrote. */
    private static final String TERMINAL = """
            import fcntl, os, pty, select, struct, sys, termios, time
            pid, fd = pty.fork()
            if pid == 0:
                os.execvp(sys.argv[1], sys.argv[1:])
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 12, 60, 0, 0))
            seen = b''
            asked = False
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                try: seen += os.read(fd, 65536)
                except OSError: break
                if b'PROTO' in seen and not asked:
                    asked = True
                    before = len(seen)
                    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 30, 200, 0, 0))
                    os.kill(pid, 28) # SIGWINCH
                if asked and b'STATE' in seen[before:]: # a whole screen, so nothing the terminal has only echoed
                    before = len(seen)
                    try: os.write(fd, b'q')
                    except OSError: pass
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            sys.stdout.buffer.write(seen)
            sys.exit(code)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("python3", "curl", "dig", "stty");

    private Program guest;
    private Program keeper;
    private Path orders;
    private Path token;
    private int done;

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
    }

    @BeforeEach
    void start() throws IOException {
        orders = lab.folder().resolve("guest-orders");
        token = lab.folder().resolve("token");
        Files.deleteIfExists(token);
        lab.onHost("sh", "-c", "rm -f " + orders + "; mkfifo " + orders).output();
        guest = lab.sluice(
                "run",
                "--api",
                "tcp:127.0.0.1:18990",
                "--api-token-file",
                token.toString(),
                "--",
                "python3",
                "-c",
                GUEST,
                orders.toString());
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        keeper = lab.onHost("sh", "-c", "exec sleep 1000 >" + orders); // keeps the pipe open between orders
        Await.until("it answers", guest::toString, () -> ask("guests").exitCode() == 0);
        done = 0;
    }

    @AfterEach
    void endGuest() {
        guest.close();
        keeper.close();
    }

    private void order(String python) {
        lab.onHost("sh", "-c", "cat >" + orders + " <<'END'\n" + python + "\nEND")
                .output();
        done++;
        Await.until("it is done", guest::toString, () -> guest.out().split("done", -1).length > done);
    }

    private Program ask(String... words) {
        String[] line = new String[words.length + 2];
        System.arraycopy(words, 0, line, 0, words.length);
        line[words.length] = "--pid";
        line[words.length + 1] = "" + guest.pid();
        return lab.sluice(line);
    }

    private void connect() {
        order("held.append(socket.create_connection(('" + Lab.SERVER + "', 7004), 20))");
    }

    @Test
    void flowsAreShownAndCut() {
        connect();
        String flows = ask("flows").output();
        assertThat(flows).contains("PROTO", "tcp", "192.168.65.3:", "→", Lab.SERVER + ":7004", "ESTABLISHED");
        String id = flows.lines().skip(1).findFirst().orElseThrow().strip().split(" ")[0];
        assertThat(ask("flows", "cut", id).output()).startsWith("cut tcp 192.168.65.3:");
        assertThat(ask("flows").output()).isEqualTo("no flows\n");
        assertThat(ask("flows", "cut", id).exitCode()).isEqualTo(69);
        assertThat(ask("flows", "--json", "--sort", "rate").output().lines()).singleElement();
        assertThat(ask("flows", "--sort", "age").errorsAtEnd()).contains("id, rate or bytes");
    }

    @Test
    void guestsAndTheScreenAreShownOnceWithoutATerminal() {
        connect();
        assertThat(ask("guests").output()).contains("ADDRESS", "192.168.65.3", "tap0", "yes");
        assertThat(ask("top").output())
                .contains(", process " + guest.pid(), "drops ", "192.168.65.3", Lab.SERVER + ":7004");
        assertThat(ask("status").output()).contains("network  192.168.65.0/24");
    }

    @Test
    void theScreenFollowsTheWindowEndsWithQAndPutsTheTerminalBack() {
        connect();
        String shown = lab.onHost(
                        "python3", "-c", TERMINAL, Lab.launcher().toString(), "top", "--pid", "" + guest.pid())
                .output();
        assertThat(shown)
                .startsWith("\u001b[?1049h\u001b[?25l")
                .contains("192.168.65.3")
                .endsWith("\u001b[?25h\u001b[?1049l");
    }

    @Test
    void namesComeAndGoWhileTheGuestRuns() {
        assertThat(ask("dns", "add", "db.test", "A", "192.0.2.7").output()).contains("db.test", "192.0.2.7");
        order("print(socket.gethostbyname('db.test'), flush=True)");
        assertThat(guest.out()).contains("192.0.2.7");
        assertThat(ask("dns").output()).contains("db.test  A");
        assertThat(ask("dns", "remove", "db.test").output()).contains("192.0.2.7");
        assertThat(ask("dns").output()).isEqualTo("no records were added\n");
        assertThat(ask("dns", "zone", "corp.test", "192.0.2.53").output()).contains("corp.test  192.0.2.53");
        assertThat(ask("dns", "zones").output()).contains("corp.test");
        assertThat(ask("dns", "unzone", "corp.test").output()).contains("corp.test");
        assertThat(ask("dns", "add", "db.test", "A", "x").exitCode()).isEqualTo(2);
        assertThat(ask("flows", "--sort", "size").exitCode()).isEqualTo(2);
        assertThat(ask("events", "--kind", "nonsense").exitCode()).isEqualTo(2);
    }

    @Test
    void eventsTellOfAFlowWithTheNameItWasLookedUpBy() {
        ask("dns", "add", "web.test", "A", Lab.SERVER).output();
        try (Program events = ask("events")) {
            Await.until(
                    "somebody listens",
                    events::toString,
                    () -> curl("/v1/metrics").contains("sluice_api_listeners 1\n"));
            order("held.append(socket.create_connection(('web.test', 7004), 20)); held.pop().close()");
            Await.until("it is told", events::toString, () -> events.out().contains("flow-close"));
            assertThat(events.out())
                    .contains("192.168.65.3 asked for web.test A: noerror", "→ " + Lab.SERVER + ":7004 (web.test)");
            guest.close();
            assertThat(events.exitCode()).as(events.toString()).isZero();
        }
    }

    private String curl(String path) {
        return lab.onHost(
                        "sh",
                        "-c",
                        "curl -sf -H \"Authorization: Bearer $(cat " + token + ")\" http://127.0.0.1:18990" + path)
                .outputAtEnd();
    }

    @Test
    void theTcpDoorOpensForTheTokenOnly() {
        assertThat(curl("/v1/guests")).contains("\"address\": \"192.168.65.3\"");
        assertThat(lab.onHost("curl", "-s", "http://127.0.0.1:18990/v1/guests").output())
                .contains("\"status\": 401");
    }

    @Test
    void aListenerThatIsStoppedHoldsUpNobody() {
        Program stopped = ask("events");
        Await.until(
                "somebody listens", stopped::toString, () -> curl("/v1/metrics").contains("sluice_api_listeners 1\n"));
        stopped.signal("STOP");
        order("for i in range(3000): s = socket.create_connection(('" + Lab.SERVER + "', 7004), 20); s.close()");
        assertThat(curl("/v1/metrics")).contains("sluice_flows_opened_total{protocol=\"tcp\"} 3000\n");
        stopped.signal("CONT");
        stopped.close();
    }
}
