package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.Rootless;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Debian's rootlesskit, run by an ordinary user who is only there for that, with Sluice as its network. */
class RootlesskitTest {
    @RegisterExtension
    static final Lab lab = Lab.needing(Rootless.needs());

    private static Rootless rootless;

    @BeforeAll
    static void makeUser() throws IOException {
        rootless = new Rootless(lab);
    }

    private static Program rootlesskit(String driver, String publish, String script) {
        return rootless.asUser(
                "rootlesskit",
                "--net=slirp4netns",
                "--slirp4netns-binary=" + rootless.program("slirp4netns"),
                "--mtu=65520",
                "--copy-up=/etc",
                "--disable-host-loopback",
                "--port-driver=" + driver,
                // with a driver of its own it stays free, so that both ways are walked
                "--slirp4netns-seccomp=" + driver.equals("slirp4netns"),
                "-p",
                publish,
                "sh",
                "-c",
                script);
    }

    @Test
    void namesPagesAndBulkPassThroughSlirp4netns() {
        Program inside = rootlesskit(
                "builtin",
                "127.0.0.1:18271:80/tcp",
                "ip -o -4 addr show tap0; ip route; cat /etc/resolv.conf; dig +short www.example.test; curl -s http://"
                        + Lab.SERVER + "/bytes/7/5000000 | sha256sum; iperf3 -c " + Lab.SERVER
                        + " -n 20M >/dev/null && iperf3 -R -p 5202 -c " + Lab.SERVER
                        + " -n 20M >/dev/null && echo bulk");
        assertThat(inside.output())
                .contains("10.0.2.100/24", "default via 10.0.2.2", "nameserver 10.0.2.3")
                .contains("\n" + Lab.SERVER + "\n")
                .contains(TestServers.digest(7, 5_000_000))
                .contains("bulk");
        lab.awaitNothingLeft();
    }

    @ParameterizedTest
    @ValueSource(strings = {"slirp4netns", "builtin"})
    void aPublishedPortLeadsInside(String driver) {
        Program inside = rootlesskit(
                driver, "0.0.0.0:18270:80/tcp", "cd /etc && echo serving && exec busybox httpd -f -p 80 -h /etc");
        Await.until("the service inside answers", inside::toString, RootlesskitTest::answers);
        inside.close();
        lab.awaitNothingLeft();
    }

    private static boolean answers() {
        Program client = lab.onInternet("curl", "-sf", "http://" + Lab.HOST + ":18270/resolv.conf");
        return client.exitCode() == 0 && client.out().contains("10.0.2.3");
    }
}
