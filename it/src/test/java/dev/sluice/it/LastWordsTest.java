package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A command may end before the world has all that it said: its system goes on sending. Within {@code sluice run} that is sluice, which must not
 * end too early.
 */
class LastWordsTest {
    private static final int BYTES = 3_000_000;

    /** Takes one connection's bytes, a few at a time so that many wait on their way, and tells how many there were, and how they ended. */
    private static final String SLOW = """
            import socket, sys, time
            def take(s):
                n = 0
                try:
                    while d := s.recv(65536):
                        n += len(d); time.sleep(0.005)
                except OSError as e: print(e)
                print(n)
            if sys.argv[1] == 'serve':
                l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                l.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                l.bind((sys.argv[2], int(sys.argv[3]))); l.listen()
                take(l.accept()[0])
            else:
                s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
                s.connect((sys.argv[2], int(sys.argv[3])))
                take(s)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("python3");

    @Test
    void whatACommandSentLastGetsToAServerThatTakesItSlowly() {
        Program server = lab.onInternet("python3", "-c", SLOW, "serve", Lab.SERVER, "18301");
        Await.listening(server, 18301);
        Program run = lab.sluice("run", "--", "python3", "-c", """
                import socket
                s = socket.create_connection(('%s', 18301)); s.sendall(bytes(%d)); s.close()
                """.formatted(Lab.SERVER, BYTES));
        assertThat(run.exitCode()).as(run.toString()).isZero();
        assertThat(server.output()).isEqualTo(BYTES + "\n");
        assertThat(run.err()).isEmpty();
    }

    /** By the shortcut from the host, in frames from the world. */
    @Test
    void whatAServerInsideSentLastGetsToItsClients() {
        Program run = lab.sluice("run", "-p", "18302:80", "--", "python3", "-c", """
                import socket
                l = socket.create_server(('0.0.0.0', 80)); print('ready', flush=True)
                for s in [l.accept()[0], l.accept()[0]]: s.sendall(bytes(%d)); s.close()
                """.formatted(BYTES));
        Await.until("the server listens", run::toString, () -> run.out().contains("ready") || !run.alive());
        Program near = lab.onHost("python3", "-c", SLOW, "ask", "127.0.0.1", "18302");
        Program far = lab.onInternet("python3", "-c", SLOW, "ask", Lab.HOST, "18302");
        assertThat(near.output()).isEqualTo(BYTES + "\n");
        assertThat(far.output()).isEqualTo(BYTES + "\n");
        assertThat(run.exitCode()).as(run.toString()).isZero();
    }

    /** The first one waits for the gateway's hardware address when the command has ended already. */
    @Test
    void datagramsThatAreSentAtTheVeryEndArrive() {
        Program server = lab.onInternet("python3", "-c", """
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('%s', 18303))
                print('ready', flush=True)
                print(*[s.recv(100).decode() for _ in range(5)])
                """.formatted(Lab.SERVER));
        Await.until("the server receives", server::toString, () -> server.out().contains("ready"));
        for (int i = 0; i < 5; i++) {
            Program run = lab.sluice("run", "--", "python3", "-c", """
                    import os, socket
                    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'%d', ('%s', 18303)); os._exit(0)
                    """.formatted(i, Lab.SERVER));
            assertThat(run.exitCode()).as(run.toString()).isZero();
        }
        assertThat(server.output()).isEqualTo("ready\n0 1 2 3 4\n");
    }

    /** Nobody waits for ever for who takes nothing, and who wonders is told; with a signal, not even as long. */
    @ParameterizedTest
    @ValueSource(strings = {"", "TERM"})
    void whoTakesNothingIsNotWaitedForLong(String signal) {
        Program server = lab.onInternet("python3", "-c", """
                import socket, time
                l = socket.create_server(('%s', 18304)); s = l.accept()[0]
                time.sleep(1000)
                """.formatted(Lab.SERVER));
        Await.listening(server, 18304);
        String[] talk = {"python3", "-c", """
                import socket
                s = socket.create_connection(('%s', 18304)); s.setblocking(False)
                try:
                    while True: s.send(bytes(65536))
                except BlockingIOError: print('full', flush=True)
                """.formatted(Lab.SERVER)};
        Program run = lab.sluice("run", "-v", "--", talk[0], talk[1], talk[2]);
        if (!signal.isEmpty()) {
            Await.until("it waits", run::toString, () -> run.err().contains("not taken all") || !run.alive());
            run.signal(signal);
        }
        assertThat(run.exitCode()).as("the command's own, " + run).isZero();
        assertThat(run.err()).contains("1 connection was cut");
        server.close();
    }
}
