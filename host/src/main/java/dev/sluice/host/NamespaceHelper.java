package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.Poll;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Processes;
import dev.sluice.posix.Spawn;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A process inside a namespace that makes sockets for us. An ordinary user's namespace lies in a user namespace that only a process with
 * a single thread can enter (setns(2)), which a Java runtime is not; but {@code nsenter} is, and an interpreter that every system has
 * then makes sockets on request, and we fetch them (pidfd_getfd(2)).
 *
 * <p>Requests are lines {@code FAMILY COUNT} on its standard input, answers lines of descriptor numbers, valid until the next request.
 * What was fetched is soon ours alone: whoever closes a socket while another process has it, too, sends no reset. It ends with its
 * standard input, so it never outlives us. One thread uses it.
 */
final class NamespaceHelper implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 10_000;
    private static final int LINE_LIMIT = 4096;
    private static final int NETWORK = 3;
    private static final int USER = 4;
    /** Each closes the sockets of the request before when it assigns anew. Keyboard signals are not for it. */
    static final List<List<String>> INTERPRETERS = List.of(List.of("perl", "-e", """
                    $| = 1; $SIG{INT} = $SIG{QUIT} = 'IGNORE'; print "ready\\n";
                    while (<STDIN>) {
                        my ($family, $count) = split; @made = ();
                        for (1 .. $count) { socket(my $s, $family, 1, 0) or exit 1; push @made, $s }
                        print join(' ', map { fileno($_) } @made), "\\n";
                    }
                    """), List.of("python3", "-c", """
                    import signal, socket, sys
                    signal.signal(signal.SIGINT, signal.SIG_IGN)
                    signal.signal(signal.SIGQUIT, signal.SIG_IGN)
                    print('ready', flush=True)
                    while line := sys.stdin.readline():
                        family, count = map(int, line.split())
                        made = [socket.socket(family, socket.SOCK_STREAM) for _ in range(count)]
                        print(*[s.fileno() for s in made], flush=True)
                    """));

    private final int pid;
    private final int pidfd;
    private final int requests;
    private final int answers;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment buffer = arena.allocate(LINE_LIMIT);

    private NamespaceHelper(int pid, int pidfd, int requests, int answers) {
        this.pid = pid;
        this.pidfd = pidfd;
        this.requests = requests;
        this.answers = answers;
    }

    /**
     * Starts one inside {@code network}.
     *
     * @throws IOException if this user has no right to enter it, or there is no interpreter
     */
    static NamespaceHelper start(int network) throws IOException {
        return start(network, INTERPRETERS);
    }

    /** The first of {@code interpreters} that does. */
    static NamespaceHelper start(int network, List<List<String>> interpreters) throws IOException {
        int user = PosixException.check(Namespaces.userNamespaceOf(network), "the namespace's owner");
        try {
            IOException failure = new IOException("neither perl nor python3 could be started in there");
            for (List<String> interpreter : interpreters) {
                NamespaceHelper helper = null;
                try {
                    helper = spawn(interpreter, network, user);
                    if (helper.readLine().equals("ready")) {
                        return helper;
                    }
                } catch (IOException e) {
                    failure = e;
                }
                if (helper != null) {
                    helper.close();
                }
            }
            throw failure;
        } finally {
            Io.close(user);
        }
    }

    private static NamespaceHelper spawn(List<String> interpreter, int network, int user) throws IOException {
        int[] requests = Io.pipe(0);
        int[] answers = Io.pipe(0);
        int nowhere = Io.open("/dev/null", Io.O_RDWR);
        List<String> line = new java.util.ArrayList<>(List.of(
                "nsenter", "--user=/proc/self/fd/" + USER, "--net=/proc/self/fd/" + NETWORK, "--preserve-credentials"));
        line.addAll(interpreter);
        int pid = -1;
        try {
            pid = new Spawn(line)
                    .descriptor(requests[0], 0)
                    .descriptor(answers[1], 1)
                    .descriptor(nowhere, 2)
                    .descriptor(network, NETWORK)
                    .descriptor(user, USER)
                    .start();
        } finally {
            Io.close(requests[0]);
            Io.close(answers[1]);
            Io.close(nowhere);
            if (pid < 0) {
                Io.close(requests[1]);
                Io.close(answers[0]);
            }
        }
        return new NamespaceHelper(pid, Namespaces.pidfdOpen(pid), requests[1], answers[0]);
    }

    int pid() {
        return pid;
    }

    int pidfd() {
        return pidfd;
    }

    /** Fills {@code out} with non-blocking stream sockets of {@code family}, which no other process has. */
    void make(int family, int[] out) throws IOException {
        String[] theirs = request(family, out.length).split(" ");
        if (theirs.length != out.length) {
            throw new IOException("the helper in the namespace makes no sockets any more");
        }
        int fetched = 0;
        boolean done = false;
        try {
            for (String fd : theirs) {
                out[fetched] = PosixException.check(Namespaces.pidfdGetfd(pidfd, Integer.parseInt(fd)), "pidfd_getfd");
                Io.setNonBlocking(out[fetched++]);
            }
            // with the request for none it drops its own
            if (!request(family, 0).isEmpty()) {
                throw new IOException("the helper in the namespace keeps sockets");
            }
            done = true;
        } finally {
            while (!done && fetched > 0) {
                Io.close(out[--fetched]);
            }
        }
    }

    /** Its answer; empty at its end, too. */
    private String request(int family, int count) throws IOException {
        byte[] request = (family + " " + count + "\n").getBytes(StandardCharsets.US_ASCII);
        MemorySegment.copy(request, 0, buffer, ValueLayout.JAVA_BYTE, 0, request.length);
        PosixException.check(Io.write(requests, buffer, 0, request.length), "the helper in the namespace is gone");
        return readLine();
    }

    /** The next line of its answers; empty at its end. */
    private String readLine() throws IOException {
        int length = 0;
        while (length < LINE_LIMIT) {
            int seen = Poll.await(answers, Poll.IN, PATIENCE_MILLIS);
            if (seen == -Errno.EINTR) {
                continue;
            }
            if (seen == 0) {
                throw new IOException("the helper in the namespace does not answer");
            }
            int n = Io.read(answers, buffer, length, LINE_LIMIT - length);
            if (n <= 0) {
                return "";
            }
            length += n;
            if (buffer.get(ValueLayout.JAVA_BYTE, length - 1) == '\n') {
                byte[] line = buffer.asSlice(0, length - 1).toArray(ValueLayout.JAVA_BYTE);
                return new String(line, StandardCharsets.US_ASCII);
            }
        }
        throw new IOException("the helper in the namespace talks without end");
    }

    /** Lets it end, and waits for that. */
    @Override
    public void close() {
        Io.close(requests);
        Io.close(answers);
        if (pidfd >= 0) {
            Processes.signal(pidfd, Processes.SIGKILL);
            Io.close(pidfd);
        }
        int _ = Processes.waitFor(pid);
        arena.close();
    }
}
