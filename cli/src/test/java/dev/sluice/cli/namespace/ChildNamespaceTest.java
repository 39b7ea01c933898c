package dev.sluice.cli.namespace;

import static dev.sluice.cli.namespace.TestUser.await;
import static dev.sluice.cli.namespace.TestUser.finish;
import static dev.sluice.cli.namespace.TestUser.processesIn;
import static dev.sluice.cli.namespace.TestUser.processesWith;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.cli.namespace.TestUser.Ended;
import dev.sluice.posix.Processes;
import java.io.BufferedReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The machinery of {@code sluice run}, as root and as an ordinary user, in processes of its own. */
@Timeout(180)
@ParameterizedClass
@EnumSource(TestUser.class)
class ChildNamespaceTest {
    private static final String GATEWAY = "192.168.65.1";
    private static int counter;

    @Parameter
    TestUser user;

    /** A number of seconds no other process sleeps. */
    private final String marker = "31" + ProcessHandle.current().pid() + "." + ++counter;

    private final List<Process> started = new ArrayList<>();

    @BeforeEach
    void needsRights() throws Exception {
        user.assumePossible();
    }

    @AfterEach
    void nothingIsLeft() throws Exception {
        started.forEach(Process::destroyForcibly);
        await("no process is left", () -> processesWith(marker).isEmpty());
        assertThat(TestUser.read("/proc/self/mounts")).doesNotContain("resolv.conf tmpfs", " /mnt tmpfs");
    }

    @Test
    void theCommandSeesItsNetworkAndNothingOfOurs() throws Exception {
        Ended ended = run("""
                ip -o -4 address show dev tap0; ip -o link show dev tap0; ip -o link show dev lo; ip route show default
                cat /etc/resolv.conf
                echo "files $(echo /proc/self/fd/*)"
                echo "id $(id -u) environment <$SLUICE_TEST> leaked <$(env | grep -c _sl_)>"
                echo "ping $(cat /proc/sys/net/ipv4/ping_group_range)"
                echo "processes $(echo /proc/[0-9]*)"
                echo error >&2
                exit 7
                """);
        assertThat(ended.code()).isEqualTo(7);
        assertThat(ended.err()).isEqualTo("error\n");
        assertThat(ended.out())
                .contains("inet 192.168.65.3/24")
                .contains("mtu 9000")
                .contains("02:50:00:00:00:03")
                .containsPattern("lo: <LOOPBACK,UP")
                .contains("default via 192.168.65.1 dev tap0")
                .contains("nameserver 192.168.65.1\nsearch sluice.test\n")
                // the shell that expands the pattern has the directory open as 3
                .containsPattern("files /proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2( /proc/self/fd/3)?\n")
                .contains("id 0 environment <a b> leaked <0>")
                .containsPattern(user == TestUser.ROOT ? "ping 0\\s+2147483647" : "ping 0\\s+0")
                .containsPattern("processes /proc/1 (/proc/[0-9]+ ?){2,3}\n");
    }

    @Test
    void standardInputReachesTheCommandAndIsItsAlone() throws Exception {
        Process process = start("cat; echo end");
        process.getOutputStream().write("through\n".repeat(1000).getBytes(StandardCharsets.UTF_8));
        Ended ended = finish(process);
        assertThat(ended.out()).isEqualTo("through\n".repeat(1000) + "end\n");
        assertThat(ended.code()).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {Processes.SIGTERM, Processes.SIGKILL, Processes.SIGINT})
    void aDeathBySignalIsTold(int signal) throws Exception {
        assertThat(run("kill -" + signal + " $$").code()).isEqualTo(128 + signal);
    }

    @Test
    void whatCannotBeRunIsSaidAsShellsDo() throws Exception {
        Ended absent = finish(TestUser.start(user.java(ChildProgram.class, GATEWAY, "no-such-command")));
        assertThat(absent.code()).isEqualTo(127);
        assertThat(absent.err()).isEqualTo("sluice: no-such-command: command not found\n");
        Ended file = finish(TestUser.start(user.java(ChildProgram.class, GATEWAY, "/etc/passwd")));
        assertThat(file.code()).isEqualTo(126);
        assertThat(file.err()).isEqualTo("sluice: /etc/passwd: not executable\n");
    }

    @Test
    void whatTheCommandLeavesRunningDiesWithIt() throws Exception {
        Ended ended = run("sleep " + marker + " & setsid sleep " + marker + " & sleep 0.1; exit 3");
        assertThat(ended.code()).isEqualTo(3);
        // at once: the kernel ended them before the command's end was told
        assertThat(processesWith("sleep\0" + marker)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sluice", "unshare", "shell"})
    void whoeverIsKilledNothingSurvives(String victim) throws Exception {
        Process process = start(
                "setsid sleep " + marker + " & readlink /proc/self/ns/net; trap '' TERM INT HUP; sleep " + marker);
        String namespace = firstLine(process);
        await("the command runs", () -> processesWith("sleep\0" + marker).size() >= 2);
        ProcessHandle unshare = process.toHandle()
                .children()
                .filter(child ->
                        TestUser.read("/proc/" + child.pid() + "/cmdline").contains("unshare"))
                .findFirst()
                .orElseThrow();
        ProcessHandle shell = unshare.children().findFirst().orElseThrow();
        switch (victim) {
            case "sluice" -> process.destroyForcibly();
            case "unshare" -> unshare.destroyForcibly();
            default -> shell.destroyForcibly();
        }
        assertThat(process.waitFor()).isEqualTo(137);
        await("no process is left", () -> processesWith(marker).isEmpty());
        await("the namespace is empty", () -> processesIn(namespace).isEmpty());
        await("unshare is gone", () -> !unshare.isAlive());
    }

    @Test
    void aKeyboardsInterruptIsTheCommandsToDecide() throws Exception {
        List<String> line = user.java(
                ChildProgram.class,
                GATEWAY,
                "sh",
                "-c",
                "trap 'exit 42' INT; echo ready; while :; do sleep 0.02; done; : " + marker);
        // a process group of its own, as a terminal's job has
        line.addFirst("setsid");
        Process process = begin(line);
        assertThat(firstLine(process)).isEqualTo("ready");
        assertThat(Processes.kill(-(int) process.pid(), Processes.SIGINT)).isZero();
        assertThat(process.waitFor()).isEqualTo(42);

        line.set(line.size() - 1, "echo ready; exec sleep " + marker);
        Process plain = begin(line);
        assertThat(firstLine(plain)).isEqualTo("ready");
        assertThat(Processes.kill(-(int) plain.pid(), Processes.SIGINT)).isZero();
        assertThat(plain.waitFor()).isEqualTo(130);
    }

    @Test
    void aForwardedSignalReachesTheCommandItself() throws Exception {
        Process process =
                start("trap 'echo got it; exit 9' TERM; echo ready; while :; do sleep 0.02; done; : " + marker);
        assertThat(firstLine(process)).isEqualTo("ready");
        assertThat(Processes.kill((int) process.pid(), Processes.SIGTERM)).isZero();
        assertThat(process.waitFor()).isEqualTo(9);
        Process plain = start("echo ready; exec sleep " + marker);
        assertThat(firstLine(plain)).isEqualTo("ready");
        assertThat(Processes.kill((int) plain.pid(), Processes.SIGTERM)).isZero();
        assertThat(plain.waitFor()).isEqualTo(143);
    }

    @Test
    void aConfigurationThatFailsIsToldAndLeavesNothing() throws Exception {
        Ended ended = finish(begin(user.java(ChildProgram.class, "224.0.0.1", "sleep", marker)));
        assertThat(ended.code()).isEqualTo(125);
        assertThat(ended.err())
                .startsWith("sluice: cannot configure the namespace's network: ")
                .contains("gateway")
                .hasLineCount(1);
        await("no process is left", () -> processesWith(marker).isEmpty());
    }

    @Test
    void aRootWithoutRightsGoesOnInAUserNamespace() throws Exception {
        assumeTrue(user == TestUser.ROOT, "for root");
        List<String> line = user.java(ChildProgram.class, GATEWAY, "sh", "-c", "ip -o -4 address; exit 5");
        line.addAll(0, List.of("setpriv", "--bounding-set=-sys_admin,-net_admin"));
        Ended ended = finish(begin(line));
        assertThat(ended.err()).startsWith("note: root lacks rights here");
        assertThat(ended.out()).contains("192.168.65.3/24");
        assertThat(ended.code()).isEqualTo(5);
    }

    @Test
    void whereProcCannotBeMountedTheCommandGoesWithoutAProcessNamespaceAndStillNothingSurvives() throws Exception {
        assumeTrue(user == TestUser.ORDINARY && Processes.effectiveUid() == 0, "made with a mask as containers have");
        ProcessBuilder builder = new ProcessBuilder(user.java(
                ChildProgram.class, GATEWAY, "sh", "-c", "setsid sleep " + marker + " & sleep 0.1; id -u; exit 4"));
        builder.environment().put("MASK_PROC", "yes");
        Ended ended = finish(builder.start());
        assertThat(ended.err()).startsWith("note: no process namespace (").contains("proc");
        assertThat(ended.out()).isEqualTo("0\n");
        assertThat(ended.code()).isEqualTo(4);
        await("the sweep", () -> processesWith(marker).isEmpty());

        builder.command(user.java(
                ChildProgram.class, GATEWAY, "sh", "-c", "setsid sleep " + marker + " & echo ready; sleep " + marker));
        Process killed = builder.start();
        started.add(killed);
        assertThat(firstLine(killed)).isEqualTo("ready");
        killed.destroyForcibly();
        await("the sweep", () -> processesWith(marker).isEmpty());
    }

    @Test
    void theTerminalIsTheCommands() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "script(1)");
        List<String> line = user.java(ChildProgram.class, GATEWAY, "/tmp/none");
        line.removeLast();
        StringBuilder shell = new StringBuilder();
        line.forEach(
                word -> shell.append('\'').append(word.replace("'", "'\\''")).append("' "));
        shell.append("sh -c 'test -t 0 && test -t 1 && test -t 2 && exit 5'");
        Ended ended = finish(TestUser.start(List.of("script", "-qec", shell.toString(), "/dev/null")));
        assertThat(ended.code()).as(ended.out()).isEqualTo(5);
    }

    private Ended run(String script) throws Exception {
        return finish(start(script));
    }

    private Process start(String script) throws Exception {
        return begin(user.java(ChildProgram.class, GATEWAY, "sh", "-c", script));
    }

    private Process begin(List<String> line) throws Exception {
        Process process = TestUser.start(line);
        started.add(process);
        return process;
    }

    private static String firstLine(Process process) throws Exception {
        BufferedReader reader = process.inputReader();
        String line = reader.readLine();
        if (line == null) {
            throw new AssertionError(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
        }
        return line;
    }
}
