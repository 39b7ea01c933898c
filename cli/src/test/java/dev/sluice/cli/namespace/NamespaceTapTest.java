package dev.sluice.cli.namespace;

import static dev.sluice.cli.namespace.TestUser.await;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.namespace.TestUser.Ended;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** A TAP in a namespace that somebody else made: as root over rtnetlink, as its owner through a helper. */
@Timeout(180)
@ParameterizedClass
@EnumSource(TestUser.class)
class NamespaceTapTest {
    @Parameter
    TestUser user;

    private Process holder;

    @BeforeEach
    void makeNamespace() throws Exception {
        user.assumePossible();
        holder = TestUser.start(user.command("unshare", user == TestUser.ROOT ? "-n" : "-Urn", "sleep", "1000"));
        await(
                "the namespace",
                () -> TestUser.read("/proc/" + holder.pid() + "/cmdline").startsWith("sleep"));
    }

    @AfterEach
    void end() throws Exception {
        if (holder != null) {
            holder.destroyForcibly().waitFor();
        }
    }

    @Test
    void theInterfaceIsMadeConfiguredAndGoesWithItsDescriptor() throws Exception {
        Process attached = attach(Long.toString(holder.pid()), "tap5", "yes");
        assertThat(attached.inputReader().readLine()).startsWith("open tap5 02:50:00:00:00:03 ");
        assertThat(inside("ip -o addr; ip route; ip link show tap5; ip link show lo"))
                .contains("inet 192.168.65.3/24")
                .contains("default via 192.168.65.1 dev tap5")
                .contains("mtu 9000")
                .contains("02:50:00:00:00:03")
                .containsPattern("lo: <LOOPBACK,UP");

        Ended second = TestUser.finish(attach(Long.toString(holder.pid()), "tap5", "yes"));
        assertThat(second.out())
                .isEqualTo(
                        "error cannot open the interface tap5: another program has it open; end that one, or choose another name\n");

        attached.destroyForcibly().waitFor();
        assertThat(inside("ip -o link")).doesNotContain("tap5");
    }

    @Test
    void withoutConfigurationOnlyTheInterfaceIsMade() throws Exception {
        Process attached = attach("/proc/" + holder.pid() + "/ns/net", "tap0", "no");
        assertThat(attached.inputReader().readLine()).startsWith("open tap0 ");
        assertThat(inside("ip -o -4 addr; ip -4 route; ip link show lo"))
                .doesNotContain("192.168.65")
                .contains("state DOWN");
        attached.destroyForcibly().waitFor();
    }

    @Test
    void aFailedConfigurationTakesTheInterfaceBack() throws Exception {
        inside("ip link set lo up; ip route add default dev lo");
        Ended ended = TestUser.finish(attach(Long.toString(holder.pid()), "tap0", "yes"));
        assertThat(ended.out()).startsWith("error cannot configure tap0").contains("File exists");
        assertThat(inside("ip -o link")).doesNotContain("tap0");
    }

    @Test
    void whatIsNoNamespaceIsSaid() throws Exception {
        assertThat(TestUser.finish(attach("/etc/passwd", "tap0", "yes")).out())
                .startsWith("error /etc/passwd is not a network namespace");
        assertThat(TestUser.finish(attach("/run/netns/never", "tap0", "yes")).out())
                .isEqualTo("error there is no namespace at /run/netns/never\n");
        assertThat(TestUser.finish(attach(Integer.toString(Integer.MAX_VALUE), "tap0", "yes"))
                        .out())
                .isEqualTo("error there is no process " + Integer.MAX_VALUE + "\n");
    }

    @Test
    void aStrangersNamespaceIsRefusedWithWhatToDo() throws Exception {
        if (user == TestUser.ORDINARY) {
            Ended ended = TestUser.finish(attach("1", "tap0", "yes"));
            assertThat(ended.out())
                    .startsWith("error no permission to enter the network namespace of process 1")
                    .contains("as root");
        }
    }

    private Process attach(String target, String name, String configure) throws Exception {
        return TestUser.start(user.java(AttachProgram.class, target, name, configure));
    }

    private String inside(String script) throws Exception {
        List<String> line = List.of(
                Path.of("/usr/bin/nsenter").toString(),
                "--target=" + holder.pid(),
                "--net",
                user == TestUser.ROOT ? "--preserve-credentials" : "--user",
                "--preserve-credentials",
                "sh",
                "-c",
                script);
        return TestUser.finish(TestUser.start(user.command(line.toArray(String[]::new))))
                .out();
    }
}
