package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** IPv6 with real programs: in {@code run}, configured by {@code attach}, and as guests configure it themselves. */
class Ipv6Test {
    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "dig", "dnsmasq", "ping", "traceroute", "iperf3", "busybox");

    private final List<Program> started = new ArrayList<>();

    @BeforeAll
    static void startServers() throws IOException {
        lab.addIpv6();
        lab.server(TestServers.class);
        lab.server(5201, "iperf3", "-s");
        Dns.start(lab);
        Files.writeString(lab.folder().resolve("hello"), "hello from the host\n");
    }

    @AfterEach
    void endPrograms() {
        started.forEach(Program::close);
    }

    private static Program inside(String script, String... options) {
        String[] line = new String[options.length + 5];
        line[0] = "run";
        System.arraycopy(options, 0, line, 1, options.length);
        line[options.length + 1] = "--";
        line[options.length + 2] = "sh";
        line[options.length + 3] = "-c";
        line[options.length + 4] = script;
        return lab.sluice(line);
    }

    @Test
    void theCommandHasAnAddressARouteAndANameServer() {
        String seen = inside("ip -o -6 addr show dev tap0; ip -6 route; cat /etc/resolv.conf")
                .output();
        assertThat(seen)
                .contains(
                        "inet6 fd00:5109:5ce::3/64",
                        "default via fd00:5109:5ce::1",
                        "nameserver 192.168.65.1",
                        "nameserver fd00:5109:5ce::1");
        assertThat(seen.lines().filter(line -> line.contains("inet6 fd00:")))
                .as("no second address by advertisements")
                .hasSize(1);
    }

    @Test
    void theNetworkCanBeAnotherOne() {
        assertThat(inside("ip -o -6 addr show dev tap0", "--cidr6", "fd12:3456::/64")
                        .output())
                .contains("inet6 fd12:3456::3/64");
        Program wrong = inside("true", "--cidr6", "fd12::/48");
        assertThat(wrong.exitCode()).isEqualTo(2);
        assertThat(wrong.err()).contains("--cidr6", "a /64, not a /48");
    }

    @Test
    void withoutIpv6ThereIsNone() {
        assertThat(inside("ip -o -6 addr show dev tap0 scope global; ip -6 route show default", "--no-ipv6")
                        .output())
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1500", "65520"})
    void aServerOfTheInternetIsReached(String mtu) {
        String url = "http://[" + Lab.SERVER6 + "]/bytes/3/3000000";
        assertThat(inside("curl -gsf '" + url + "' | sha256sum", "--mtu", mtu).output())
                .contains(TestServers.digest(3, 3_000_000));
    }

    @Test
    void pingAndItsLargeBrotherAreAnswered() {
        assertThat(inside(
                                "ping -6 -n -c1 -W20 " + Lab.SERVER6 + " && ping -6 -n -c1 -W20 -s 5000 " + Lab.SERVER6,
                                "--mtu",
                                "1500")
                        .output())
                .contains("64 bytes from " + Lab.SERVER6, "5008 bytes from " + Lab.SERVER6);
        assertThat(inside("ping -6 -n -c1 -W20 fd00:5109:5ce::1; ping -6 -n -c1 -W20 fd00:5109:5ce::2")
                        .output())
                .contains("64 bytes from fd00:5109:5ce::1", "64 bytes from fd00:5109:5ce::2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-I"})
    void tracerouteSeesEveryHop(String kind) {
        String hops =
                inside("traceroute -6 -n -q1 -w30 " + kind + " " + Lab.SERVER6).output();
        assertThat(hops.lines().skip(1).map(line -> line.strip().split("\\s+")[1]))
                .containsExactly("fd00:5109:5ce::1", Lab.ROUTER6, Lab.SERVER6);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "+tcp"})
    void namesAreLookedUpOverIpv6(String transport) {
        String dig = "dig @fd00:5109:5ce::1 +short " + transport + " ";
        assertThat(inside(dig + "www.example.test AAAA;" + dig + "host.sluice.internal AAAA;"
                                + dig + "gateway.docker.internal AAAA;" + dig + "-x fd00:5109:5ce::1;"
                                + dig + "-x fd00:5109:5ce::99")
                        .output())
                .isEqualTo(Lab.SERVER6 + "\nfd00:5109:5ce::2\nfd00:5109:5ce::1\ngateway.sluice.internal.\n");
    }

    @Test
    void theHostsLoopbackIsReachedOnlyIfOpened() {
        String get = "curl -gsS -m60 'http://[fd00:5109:5ce::2]:";
        try (Program six = httpd("[::1]:8086");
                Program four = httpd("127.0.0.1:8084")) {
            assertThat(inside(get + "8086/hello'", "--host-loopback").output())
                    .as("%s", six)
                    .contains("hello from the host");
            assertThat(inside(get + "8084/hello'", "--host-loopback").output())
                    .as("%s", four)
                    .contains("hello from the host");
            assertThat(inside(get + "8086/hello'").exitCode()).as("closed").isEqualTo(7);
        }
    }

    /** A web server on the host that has begun to listen. */
    private static Program httpd(String place) {
        Program server = lab.onHost(
                "busybox", "httpd", "-f", "-p", place, "-h", lab.folder().toString());
        String listening = "ss -Hltn | grep -qF '" + place + "'";
        Await.until(
                "httpd listens",
                server::toString,
                () -> lab.onHost("sh", "-c", listening).exitCode() == 0);
        return server;
    }

    @Test
    void whatRefusesIsRefusedAndWhatIsUnreachableIsUnreachable() {
        Program refused = inside("curl -gsS -m60 'http://[" + Lab.SERVER6 + "]:9/'");
        assertThat(refused.exitCode()).as(refused.toString()).isEqualTo(7);
        Program unreachable = inside("curl -gsS -m60 'http://[2001:db8:77::99]:9/'");
        assertThat(unreachable.exitCode()).as(unreachable.toString()).isEqualTo(7);
    }

    @ParameterizedTest
    @CsvSource({"1500,''", "1500,-R", "65520,''", "65520,-R", "1500,-u -b 20M", "1500,-u -b 20M -R"})
    void iperf3RunsThrough(String mtu, String options) {
        String result = inside(Lab.iperf3("-6 -c " + Lab.SERVER6 + " -t 1 " + options), "--mtu", mtu)
                .output();
        assertThat(result).contains("receiver", "iperf Done.");
    }

    @Test
    void aNamespaceConfiguresItselfByAdvertisements() {
        Program guest = lab.inNew("--net");
        started.add(guest);
        Program attach =
                lab.sluice("attach", "--ready-fd", "1", "--tap", "eth0", "--mtu", "1500", Long.toString(guest.pid()));
        Await.until("the network works", attach::toString, () -> attach.out().equals("1") || !attach.alive());
        String in = "nsenter -t " + guest.pid() + " -n ";
        lab.onHost("sh", "-c", in + "ip link set eth0 up").output();
        Await.until(
                "an address is made",
                attach::toString,
                () -> lab.onHost("sh", "-c", in + "ip -o -6 addr show dev eth0 scope global -tentative")
                        .output()
                        .contains("inet6 fd00:5109:5ce:0:"));
        assertThat(lab.onHost("sh", "-c", in + "ip -6 route show default").output())
                .contains("default via fe80::f416:36ff:febc:f9c6 dev eth0 proto ra");
        String url = "http://[" + Lab.SERVER6 + "]/bytes/3/1000";
        assertThat(lab.onHost("sh", "-c", in + "curl -gsf '" + url + "' | sha256sum")
                        .output())
                .contains(TestServers.digest(3, 1000));
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void aNamespaceIsConfiguredByAttach() {
        Program guest = lab.inNew("--net");
        started.add(guest);
        Program attach = lab.sluice("attach", "--ready-fd", "1", "--configure", Long.toString(guest.pid()));
        Await.until("the network works", attach::toString, () -> attach.out().equals("1") || !attach.alive());
        String in = "nsenter -t " + guest.pid() + " -n ";
        assertThat(lab.onHost("sh", "-c", in + "ip -o -6 addr show dev tap0").output())
                .contains("inet6 fd00:5109:5ce::3/64");
        assertThat(lab.onHost("sh", "-c", in + "ping -6 -n -c1 -W20 " + Lab.SERVER6)
                        .output())
                .contains("64 bytes from");
        assertThat(lab.sluice("status", "" + attach.pid()).output())
                .contains("IPv6     fd00:5109:5ce::/64, gateway and DNS fd00:5109:5ce::1");
        attach.signal("TERM");
        assertThat(attach.exitCode()).isZero();
    }

    @Test
    void aHostThatIsAnIslandOffersNoDefaultRoute() {
        try (Lab island = Lab.open()) {
            String seen = island.sluice(
                            "run",
                            "--",
                            "sh",
                            "-c",
                            "ip -6 route; dig @fd00:5109:5ce::1 +short AAAA host.sluice.internal")
                    .output();
            assertThat(seen)
                    .contains("fd00:5109:5ce::/64 dev tap0", "fd00:5109:5ce::2")
                    .doesNotContain("default");
            island.awaitNothingLeft();
        }
    }
}
