package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What programs inside a namespace do with the network that {@code sluice run} gives them. */
class FlowsTest {
    private static final long MANY = 100_000_000;

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "dig", "dnsmasq", "ping", "traceroute", "nc", "python3", "iperf3");

    @BeforeAll
    static void startServers() {
        lab.server(TestServers.class);
        lab.server(5201, "iperf3", "-s");
        Dns.start(lab);
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

    @ParameterizedTest
    @ValueSource(ints = {576, 1500, 65520})
    void aHundredMegabytesComeDownUnharmed(int mtu) {
        String digest = inside(
                        "curl -sf --max-time 100 http://" + Lab.SERVER + "/bytes/11/" + MANY + " | sha256sum",
                        "--mtu",
                        "" + mtu)
                .output();
        assertThat(digest).startsWith(TestServers.digest(11, MANY));
    }

    @ParameterizedTest
    @ValueSource(ints = {576, 1500, 65520})
    void aHundredMegabytesGoUpUnharmed(int mtu) throws IOException {
        Path file = lab.folder().resolve("upload-" + mtu);
        try (OutputStream out = Files.newOutputStream(file)) {
            TestServers.write(12, MANY, out);
        }
        String digest = inside(
                        "curl -sf --max-time 100 -T " + file + " http://" + Lab.SERVER + "/up", "--mtu", "" + mtu)
                .output();
        assertThat(digest).isEqualTo(TestServers.digest(12, MANY));
        Files.delete(file);
    }

    @Test
    void twoHundredDownloadsAtATimeAllArriveWhole() {
        String folder = lab.folder().resolve("parallel").toString();
        inside("mkdir " + folder + " && curl -sf -Z --parallel-immediate --parallel-max 200 --max-time 100 -o '"
                        + folder + "/#1' 'http://" + Lab.SERVER + "/bytes/[1-200]/200000' && cd " + folder
                        + " && sha256sum * >../sums")
                .output();
        String sums = lab.onHost("cat", lab.folder().resolve("sums").toString()).output();
        assertThat(sums.lines()).hasSize(200);
        for (int seed = 1; seed <= 200; seed++) {
            assertThat(sums).contains(TestServers.digest(seed, 200_000) + "  " + seed + "\n");
        }
    }

    @Test
    void aClientThatClosesItsHalfStillGetsTheAnswer() throws IOException {
        Path file = lab.folder().resolve("half");
        try (OutputStream out = Files.newOutputStream(file)) {
            TestServers.write(13, 5_000_000, out);
        }
        assertThat(inside("nc -N -w 60 " + Lab.SERVER + " 7001 <" + file)
                        .output()
                        .strip())
                .isEqualTo(TestServers.digest(13, 5_000_000));
    }

    @Test
    void aResetFromTheServerArrivesAsAReset() {
        String script = """
                import socket
                s = socket.create_connection(('%s', 7002), 20)
                s.sendall(b'x')
                try:
                    print('end' if s.recv(1) == b'' else 'data')
                except ConnectionResetError:
                    print('reset')
                """.formatted(Lab.SERVER);
        assertThat(python(script)).isEqualTo("reset\n");
    }

    /** The times are the client's own, from its SYN to its error; the least of them, for the machine may be busy with something else. */
    @Test
    void aRefusedConnectionIsRefusedWithinATenthOfASecond() {
        String script = """
                import socket, time
                times = []
                for attempt in range(20):
                    s = socket.socket()
                    s.settimeout(20)
                    began = time.monotonic()
                    assert s.connect_ex(('%s', 9)) == 111 # ECONNREFUSED
                    times.append(int((time.monotonic() - began) * 1000))
                print(min(times))
                """.formatted(Lab.SERVER);
        assertThat(Integer.parseInt(python(script).strip())).isLessThan(100);
    }

    /** The server talks without end and this client does not read: what is on the way stays bounded, and others are served. */
    @Test
    void aReaderThatStopsHoldsUpNobodyElse() {
        String script = """
                import socket, subprocess
                stalled = socket.create_connection(('%s', 7003), 20)
                print(subprocess.run(['curl', '-sf', '--max-time', '60', '-o', '/dev/null', 'http://%s/bytes/1/20000000']).returncode)
                """.formatted(Lab.SERVER, Lab.SERVER);
        assertThat(python(script)).isEqualTo("0\n");
    }

    /** The acknowledgment of a request comes with its answer. Of twenty rounds the best, for the machine may be busy with something else. */
    @Test
    void aRequestToANearServerIsAnsweredWithOneFrame() {
        String script = """
                import socket
                def frames():
                    lines = [line.split(':') for line in open('/proc/net/dev') if ':' in line]
                    return sum(int(counters.split()[1]) for name, counters in lines if name.strip() != 'lo')
                s = socket.create_connection(('%s', 7004), 20)
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                rounds = []
                for i in range(20):
                    before = frames()
                    for request in range(20):
                        s.sendall(b'x' * 100)
                        got = 0
                        while got < 100: got += len(s.recv(100))
                    rounds.append(frames() - before)
                print(min(rounds))
                """.formatted(Lab.SERVER);
        assertThat(python(script)).isEqualTo("20\n");
    }

    private static String python(String script) {
        return lab.sluice("run", "--", "python3", "-c", script).output();
    }

    @Test
    void gatewayAndServersAnswerPing() {
        assertThat(inside("ping -c3 -i0.2 -W30 192.168.65.1 && ping -c3 -i0.2 -W30 " + Lab.SERVER)
                        .output())
                .contains("3 packets transmitted, 3 received");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-I"})
    void tracerouteSeesEveryHop(String kind) {
        String hops =
                inside("traceroute -n -q1 -w30 " + kind + " " + Lab.SERVER).output();
        assertThat(hops.lines().skip(1).map(line -> line.strip().split("\\s+")[1]))
                .containsExactly("192.168.65.1", Lab.ROUTER, Lab.SERVER);
    }

    @Test
    void namesOfEveryTypeAreLookedUp() {
        assertThat(inside("dig +short www.example.test A; dig +short www.example.test AAAA; dig +short example.test MX;"
                                + " dig +short example.test TXT; dig +short _sip._tcp.example.test SRV")
                        .output())
                .isEqualTo(Lab.SERVER
                        + "\n2001:db8::10\n10 mail.example.test.\n\"v=spf1 -all\"\n1 2 5060 www.example.test.\n");
    }

    @Test
    void aNameThatDoesNotExistIsSaidNotTo() {
        assertThat(inside("dig nothing.example.test").output()).contains("status: NXDOMAIN");
    }

    @Test
    void anAnswerTooLongForADatagramComesByTcp() {
        assertThat(inside("dig +noedns +ignore long.example.test TXT").output()).contains("flags: qr aa tc");
        assertThat(inside("dig +noedns long.example.test TXT").output())
                .contains("Truncated, retrying in TCP mode", "xxx11\"");
    }

    @Test
    void theSearchListCompletesNames() {
        assertThat(inside("getent ahostsv4 www").output()).startsWith(Lab.SERVER);
    }

    @Test
    void theGatewayKnowsItselfAndTheHost() {
        assertThat(inside("dig +short gateway.sluice.internal host.sluice.internal host.docker.internal")
                        .output())
                .isEqualTo("192.168.65.1\n192.168.65.2\n192.168.65.2\n");
    }

    @ParameterizedTest
    @ValueSource(ints = {1500, 65520})
    void aDatagramOf65000BytesComesBackWhole(int mtu) {
        String script = """
                import socket, os
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(30)
                sent = os.urandom(65000)
                s.sendto(sent, ('%s', 7))
                got, sender = s.recvfrom(66000)
                print(got == sent, sender)
                """.formatted(Lab.SERVER);
        assertThat(lab.sluice("run", "--mtu", "" + mtu, "--", "python3", "-c", script)
                        .output())
                .isEqualTo("True ('" + Lab.SERVER + "', 7)\n");
    }

    @Test
    void oneUdpSocketTalksToManyServersFromOnePort() {
        String script = """
                import socket
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.settimeout(30)
                for i in range(1000):
                    s.sendto(b'%%d' %% i, ('%s', 7))
                    assert s.recvfrom(100)[0] == b'%%d' %% i
                try:
                    s.connect(('%s', 9)); s.send(b'x'); s.recv(1)
                except ConnectionRefusedError:
                    print('refused')
                """.formatted(Lab.SERVER, Lab.SERVER);
        assertThat(python(script)).isEqualTo("refused\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "-R", "-u -b 20M -l 1400", "-u -b 20M -l 1400 -R", "-P 8", "-P 8 -R"})
    void iperf3RunsThrough(String options) {
        String result =
                inside(Lab.iperf3("-c " + Lab.SERVER + " -t 1 " + options)).output();
        assertThat(result).contains("receiver", "iperf Done.");
    }
}
