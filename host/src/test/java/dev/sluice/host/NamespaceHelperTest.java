package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.posix.Io;
import dev.sluice.posix.Sockets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** With a network namespace in a user namespace, as ordinary users have. */
@Timeout(120)
class NamespaceHelperTest {
    private Process inside;
    private int network;

    static Stream<List<String>> interpreters() {
        return NamespaceHelper.INTERPRETERS.stream();
    }

    @BeforeEach
    void makeNamespace() throws Exception {
        inside = new ProcessBuilder("unshare", "-Urn", "sh", "-c", "echo ready; exec cat").start();
        boolean able = "ready".equals(inside.inputReader().readLine());
        if (!able) {
            String reason = inside.errorReader().readLine();
            System.out.println("SKIPPED NamespaceHelperTest: namespaces are not possible here: " + reason);
        }
        assumeTrue(able, "namespaces are not possible here");
        network = Io.open("/proc/" + inside.pid() + "/ns/net", Io.O_RDONLY);
        assertThat(network).isNotNegative();
    }

    @AfterEach
    void endNamespace() {
        inside.destroyForcibly();
        if (network > 0) {
            Io.close(network);
        }
    }

    /** Else the kernel would send no reset when we close them so. */
    @ParameterizedTest
    @MethodSource("interpreters")
    void socketsThatWereFetchedAreOursAlone(List<String> interpreter) throws Exception {
        boolean there = new ProcessBuilder("sh", "-c", "command -v " + interpreter.getFirst())
                        .start()
                        .waitFor()
                == 0;
        if (!there) {
            System.out.println("SKIPPED socketsThatWereFetchedAreOursAlone: there is no " + interpreter.getFirst());
        }
        assumeTrue(there, "the interpreter");
        try (NamespaceHelper helper = NamespaceHelper.start(network, List.of(interpreter))) {
            for (int family : new int[] {Sockets.AF_INET, Sockets.AF_INET6, Sockets.AF_INET}) {
                int[] sockets = new int[16];
                helper.make(family, sockets);
                assertThat(socketsOf(helper.pid())).isEmpty();
                for (int socket : sockets) {
                    assertThat(Sockets.option(socket, Sockets.SOL_SOCKET, Sockets.SO_TYPE))
                            .isEqualTo(Sockets.STREAM);
                    Io.close(socket);
                }
            }
        }
    }

    private static List<String> socketsOf(int pid) throws IOException {
        try (Stream<Path> descriptors = Files.list(Path.of("/proc", Integer.toString(pid), "fd"))) {
            return descriptors
                    .map(NamespaceHelperTest::target)
                    .filter(target -> target.startsWith("socket:"))
                    .toList();
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException closed) {
            return "";
        }
    }
}
