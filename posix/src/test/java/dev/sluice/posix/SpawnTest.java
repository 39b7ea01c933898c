package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SpawnTest {
    @Test
    void exitCodesAndDeathsBySignalAreToldApart() throws Exception {
        assertThat(Processes.waitFor(shell("exit 7").start())).isEqualTo(7);
        assertThat(Processes.waitFor(shell("kill -KILL $$").start())).isEqualTo(128 + 9);
        assertThat(Processes.waitFor(shell("kill -TERM $$").start())).isEqualTo(128 + 15);
        assertThat(Processes.waitFor(1)).isEqualTo(-Errno.ECHILD);
    }

    @Test
    void whatIsNotThereIsAnError() {
        assertThatThrownBy(() -> new Spawn(List.of("/does/not/exist")).start())
                .isInstanceOf(PosixException.class)
                .hasMessageContaining("/does/not/exist")
                .hasMessageContaining("No such file");
    }

    @Test
    void descriptorsAreMappedEvenCrosswiseAndNoOthersGoAlong() throws Exception {
        int[] first = Io.pipe(0);
        int[] second = Io.pipe(0);
        int pid = shell("echo one >&7; echo two >&9; ls /proc/self/fd >&9")
                .descriptor(first[1], 7)
                .descriptor(second[1], 9)
                .start();
        assertThat(Processes.waitFor(pid)).isZero();
        assertThat(drain(first)).isEqualTo("one\n");
        // 3 is the directory that ls itself reads
        assertThat(drain(second).replaceAll("\\s+", " ").strip()).isEqualTo("two 0 1 2 3 7 9");

        int[] low = Io.pipe(0);
        int[] high = Io.pipe(0);
        int crosswise = shell("echo a >/proc/self/fd/" + low[1] + "; echo b >/proc/self/fd/" + high[1])
                .descriptor(high[1], low[1])
                .descriptor(low[1], high[1])
                .start();
        assertThat(Processes.waitFor(crosswise)).isZero();
        assertThat(drain(low)).isEqualTo("b\n");
        assertThat(drain(high)).isEqualTo("a\n");
    }

    @Test
    void theEnvironmentIsOursButForWhatIsReplaced() throws Exception {
        int[] pipe = Io.pipe(0);
        int pid = shell("echo \"$SLUICE_TEST $PATH\" >&7")
                .descriptor(pipe[1], 7)
                .environment(Map.of("SLUICE_TEST", "größer"))
                .start();
        assertThat(Processes.waitFor(pid)).isZero();
        String charset = System.getProperty("sun.jnu.encoding", "UTF-8");
        String expected = charset.equals("UTF-8") ? "größer" : "gr??er";
        assertThat(drain(pipe)).isEqualTo(expected + " " + System.getenv("PATH") + "\n");
    }

    /** Old locales' charsets are none of those that every Java method takes. */
    @Test
    void theCharsetOfAnOldLocaleIsSpoken() throws Exception {
        String before = System.getProperty("sun.jnu.encoding");
        System.setProperty("sun.jnu.encoding", "ISO-8859-15");
        try {
            int[] pipe = Io.pipe(0);
            int pid = new Spawn(List.of(
                            "/bin/sh", "-c", "printf '%s %s' \"$1\" \"$SLUICE_TEST\" | od -An -tx1 >&7", "sh", "5 €"))
                    .descriptor(pipe[1], 7)
                    .environment(Map.of("SLUICE_TEST", "ß"))
                    .start();
            assertThat(Processes.waitFor(pid)).isZero();
            assertThat(drain(pipe).strip()).isEqualTo("35 20 a4 20 df");
        } finally {
            if (before == null) {
                System.clearProperty("sun.jnu.encoding");
            } else {
                System.setProperty("sun.jnu.encoding", before);
            }
        }
    }

    /** As a daemon may leave it to what it starts: the kernel would forget how children end. */
    @Test
    void howAChildEndedIsKnownEvenWhereChildrenWereIgnored() throws Exception {
        try (Processes.IgnoredSignal ignored = Processes.ignore(Processes.SIGCHLD)) {
            assertThat(Processes.waitFor(shell("sh -c 'exit 7'; exit $?").start()))
                    .isEqualTo(7);
        }
    }

    @Test
    void anIgnoredSignalIsInheritedUnlessItsDefaultIsAskedFor() throws Exception {
        // whether it was ignored before depends on who started us: a shell ignores it for what it runs in the
        // background
        try (Processes.IgnoredSignal ignored = Processes.ignore(Processes.SIGINT)) {
            assertThat(Processes.waitFor(shell("kill -INT $$; exit 3").start())).isEqualTo(3);
            assertThat(Processes.waitFor(shell("kill -INT $$; exit 3")
                            .defaultSignal(Processes.SIGINT)
                            .start()))
                    .isEqualTo(128 + Processes.SIGINT);
            try (Processes.IgnoredSignal again = Processes.ignore(Processes.SIGINT)) {
                assertThat(again.wasIgnored()).isTrue();
            }
            // survived: it is ignored here too
            assertThat(Processes.kill((int) ProcessHandle.current().pid(), Processes.SIGINT))
                    .isZero();
        }
    }

    @Test
    void whetherASignalWasIgnoredBeforeIsKnown() {
        int windowSize = 28; // which no shell ignores for others
        try (Processes.IgnoredSignal first = Processes.ignore(windowSize);
                Processes.IgnoredSignal second = Processes.ignore(windowSize)) {
            assertThat(first.wasIgnored()).isFalse();
            assertThat(second.wasIgnored()).isTrue();
        }
    }

    @Test
    void aPidfdSignalsItsProcessAndFetchesItsDescriptors() throws Exception {
        int[] pipe = Io.pipe(0);
        int[] report = Io.pipe(0);
        int pid = shell("echo ready >&8; exec sleep 1000")
                .descriptor(pipe[1], 7)
                .descriptor(report[1], 8)
                .start();
        int pidfd = PosixException.check(Namespaces.pidfdOpen(pid), "pidfd_open");
        Poll.await(report[0], Poll.IN, 60_000);
        int fetched = PosixException.check(Namespaces.pidfdGetfd(pidfd, 7), "pidfd_getfd");
        try (Arena arena = Arena.ofConfined()) {
            Io.write(fetched, arena.allocateFrom("x"), 0, 1);
        }
        Io.close(fetched);
        assertThat(drain(pipe)).isEqualTo("x");
        assertThat(Processes.poll(pid)).isEqualTo(-Errno.EAGAIN);
        assertThat(Processes.signal(pidfd, Processes.SIGTERM)).isZero();
        assertThat(Processes.waitFor(pid)).isEqualTo(128 + 15);
        assertThat(Processes.signal(pidfd, Processes.SIGTERM)).isEqualTo(-Errno.ESRCH);
        Io.close(pidfd);
        drain(report);
    }

    private static Spawn shell(String script) {
        return new Spawn(List.of("sh", "-c", script));
    }

    /** Closes a pipe's write end, reads what is in it and closes it. */
    private static String drain(int[] pipe) {
        Io.close(pipe[1]);
        Io.setNonBlocking(pipe[0]);
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment buffer = arena.allocate(65536);
            int n = Math.max(0, Io.read(pipe[0], buffer, 0, 65536));
            return new String(buffer.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
        } finally {
            Io.close(pipe[0]);
        }
    }
}
