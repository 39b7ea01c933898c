package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Names as programs inside see them: split DNS with two real servers, and every option of docs/dns.md. */
class NamesTest {
    private static final int INSIDE = 5301;
    private static final int OUTSIDE = 5302;

    @RegisterExtension
    static final Lab lab = Lab.needing("dig", "dnsmasq", "getent");

    private static Path insideLog;
    private static Path outsideLog;

    @BeforeAll
    static void startServers() throws IOException {
        insideLog = Files.createFile(lab.folder().resolve("inside.log"));
        outsideLog = Files.createFile(lab.folder().resolve("outside.log"));
        dnsmasq(INSIDE, insideLog, "--address=/corp.example/10.1.2.3", "--local=/corp.example/");
        dnsmasq(OUTSIDE, outsideLog, "--address=/www.example/192.0.2.80", "--address=/corp.example/203.0.113.66");
    }

    private static void dnsmasq(int port, Path log, String... zone) {
        String[] command = {
            "dnsmasq",
            "--keep-in-foreground",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--user=root",
            "--local-ttl=300",
            "--log-queries",
            "--log-facility=" + log,
            "--port=" + port
        };
        String[] all = java.util.Arrays.copyOf(command, command.length + zone.length);
        System.arraycopy(zone, 0, all, command.length, zone.length);
        lab.server(port, all);
    }

    private static String at(int port) {
        return Lab.SERVER + ":" + port;
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tcp:"})
    void eachZoneIsAskedOfItsOwnServerAndNobodyElseHearsOfIt(String protocol) throws IOException {
        Program run = lab.sluice(
                "run",
                "--dns",
                protocol + at(OUTSIDE),
                "--dns-zone",
                "corp.example=" + protocol + at(INSIDE),
                "--",
                "sh",
                "-c",
                "for i in 1 2 3 4 5 6 7 8; do dig +short n$i.Corp.example; dig +short n$i.corp.example AAAA;"
                        + " dig +short n$i.www.example; done | sort | uniq -c");
        assertThat(run.output().lines().map(String::strip)).containsExactly("8 10.1.2.3", "8 192.0.2.80");
        assertThat(Files.readString(outsideLog))
                .doesNotContainIgnoringCase("corp.example")
                .contains("www.example");
        assertThat(Files.readString(insideLog)).contains("corp.example").doesNotContain("www.example");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    --dns-record db.test=10.0.0.5                                  | db.test     | 10.0.0.5
                    --dns-record db.test=10.0.0.5 --dns-record www.test=db.test    | www.test    | 10.0.0.5
                    --dns-record *.dev.test=10.0.0.7 --dns-zone test=              | a.dev.test  | 10.0.0.7
                    --host-names my.host                                           | my.host     | 192.168.65.2
                    --gateway-names my.gateway,other.gateway                       | other.gateway | 192.168.65.1
                    --vm-names my.vm                                               | MY.vm       | 192.168.65.3
                    """)
    void everyOptionGivesItsName(String options, String name, String address) {
        String[] words = ("run " + options + " -- getent ahostsv4 " + name).split(" ");
        assertThat(lab.sluice(words).output()).startsWith(address + " ");
    }

    @Test
    void aHostsFileOfOnesOwnIsWatched() throws IOException {
        Path hosts = Files.writeString(lab.folder().resolve("my-hosts"), "10.0.0.8 one.test\n");
        Path next = Files.writeString(lab.folder().resolve("next-hosts"), "10.0.0.9 two.test\n");
        // The file is replaced while the command runs, and looked at again within a second.
        Program run = lab.sluice(
                "run",
                "--hosts",
                hosts.toString(),
                "--dns-zone",
                "test=",
                "--",
                "sh",
                "-c",
                "getent ahostsv4 one.test | head -1; mv " + next + " " + hosts
                        + "; until getent ahostsv4 two.test; do sleep 0.1; done | head -1; ! getent ahostsv4 one.test");
        assertThat(run.output().lines()).hasSize(2);
        assertThat(run.output().lines().toList().getFirst()).startsWith("10.0.0.8 ");
        assertThat(run.output().lines().toList().getLast()).startsWith("10.0.0.9 ");
    }

    @Test
    void answersAreKeptAndWithoutTheCacheTheyAreNot() throws IOException {
        for (boolean cached : new boolean[] {true, false}) {
            String name = (cached ? "kept" : "asked") + ".www.example";
            String script = "for i in 1 2 3 4 5 6; do dig +short " + name + "; done";
            String[] words = cached
                    ? new String[] {"run", "--dns", at(OUTSIDE), "--", "sh", "-c", script}
                    : new String[] {"run", "--no-dns-cache", "--dns", at(OUTSIDE), "--", "sh", "-c", script};
            assertThat(lab.sluice(words).output().lines()).hasSize(6).containsOnly("192.0.2.80");
            long asked = Files.readString(outsideLog)
                    .lines()
                    .filter(line -> line.contains("query[A] " + name))
                    .count();
            assertThat(asked).as(Files.readString(outsideLog)).isEqualTo(cached ? 1 : 6);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "--dns dns.example, no address",
        "--dns-zone corp.example, ZONE=SERVER",
        "--dns-zone corp.example=x, no address",
        "--dns-record db.test, NAME=ADDRESS",
        "--dns-record db.test=1.2.3, 1.2.3",
        "--host-names a..b, not a host name"
    })
    void aWrongOptionIsSaid(String options, String message) {
        Program run = lab.sluice(("run " + options + " -- true").split(" "));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains(message);
    }
}
