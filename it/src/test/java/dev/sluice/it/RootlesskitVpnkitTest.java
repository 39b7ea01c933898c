package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.Rootless;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * rootlesskit with {@code --net=vpnkit}, run by an ordinary user who is only there for that. Debian builds its own without that driver;
 * what the driver says to the guests' socket is in {@link ServeVmnetTest}.
 */
class RootlesskitVpnkitTest {
    @RegisterExtension
    static final Lab lab = Lab.needing(Rootless.needs());

    private static Rootless rootless;

    @BeforeAll
    static void makeUser() throws IOException {
        rootless = new Rootless(lab);
        Program built = inside("true");
        Needs.check(
                built.exitCode() == 0 || !built.err().contains("not supported in this Debian package"),
                "needs a rootlesskit with its vpnkit driver; Debian's is built without");
    }

    private static Program inside(String script, String... options) {
        return rootless.asUser(Stream.of(
                        Stream.of("rootlesskit", "--net=vpnkit", "--vpnkit-binary=" + rootless.program("vpnkit")),
                        Stream.of(options),
                        Stream.of("--copy-up=/etc", "sh", "-c", script))
                .flatMap(all -> all)
                .toArray(String[]::new));
    }

    @Test
    void namesPagesAndBulkPass() {
        Program inside = inside("ip -o -4 addr show tap0; ip route; cat /etc/resolv.conf; dig +short www.example.test;"
                + " curl -s http://" + Lab.SERVER + "/bytes/7/5000000 | sha256sum; iperf3 -c " + Lab.SERVER
                + " -n 20M >/dev/null && iperf3 -R -p 5202 -c " + Lab.SERVER + " -n 20M >/dev/null && echo bulk;"
                + " ping -c 1 192.168.65.1 >/dev/null && echo pong");
        assertThat(inside.output())
                .contains("192.168.65.3/24", "default via 192.168.65.1", "nameserver 192.168.65.1")
                .contains("\n" + Lab.SERVER + "\n")
                .contains(TestServers.digest(7, 5_000_000))
                .contains("bulk", "pong");
        lab.awaitNothingLeft();
    }

    @Test
    void theHostsLoopbackIsOpenUnlessItIsClosed() {
        Program server = lab.onHost("sh", "-c", "cd /etc && exec busybox httpd -f -p 127.0.0.1:18273 -h /etc");
        Await.listening(server, 18273);
        String ask = "curl -s -m 20 -o /dev/null http://192.168.65.2:18273/hostname && echo reached";
        assertThat(inside(ask).output()).contains("reached");
        assertThat(inside(ask + "; true", "--disable-host-loopback").output()).doesNotContain("reached");
        server.close();
        lab.awaitNothingLeft();
    }
}
