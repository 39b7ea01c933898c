package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** {@code sluice capture} and {@code sluice diagnose} of a network that runs, read by tshark and tcpdump. */
class CaptureCommandTest {
    private static final String CANARY = "canary-5f3a1";

    @RegisterExtension
    static final Lab lab = Lab.needing("curl", "dig", "dnsmasq", "tshark", "tcpdump", "tar");

    private static Program run;

    /** One guest for all: it does what files in the lab's folder tell. */
    @BeforeAll
    static void startNetwork() {
        lab.server(TestServers.class);
        Dns.start(lab);
        run = lab.onHost(
                "env",
                "MY_PASSWORD=" + CANARY + "-variable",
                "https_proxy=http://user:" + CANARY + "-proxy@proxy.test:3128",
                Lab.launcher().toString(),
                "run",
                "--capture-rings",
                "--",
                "sh",
                "-c",
                "echo ready; while [ ! -e $0/end ]; do if [ -e $0/go ]; then rm $0/go;"
                        + " env -u https_proxy curl -sf http://www.example.test/bytes/1/100000 | wc -c;"
                        + " ping -c1 192.168.65.1; fi; sleep 0.05; done",
                lab.folder().toString(),
                CANARY + "-argument");
        Await.until("the guest runs", run::toString, () -> run.out().contains("ready"));
        Await.until(
                "it can be asked",
                run::toString,
                () -> lab.sluice("status", "" + run.pid()).exitCode() == 0);
    }

    @AfterEach
    void theNetworkGoesOn() {
        assertThat(run.alive()).as(run.toString()).isTrue();
    }

    /** Lets the guest look up a name, load something and ping. */
    private static void go() {
        try {
            Files.write(lab.folder().resolve("go"), new byte[0]);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The same until {@code capture} has seen enough: how many frames it takes is the kernels' business. */
    private static void goUntilItHasEnough(Program capture) {
        Await.until("enough was seen", capture::toString, () -> {
            go();
            return !capture.alive();
        });
    }

    /** Runs sluice with a shell after it, as people do. */
    private static Program shell(String line) {
        return lab.onHost("sh", "-c", line.replace("sluice ", Lab.launcher() + " "));
    }

    private static void awaitReader(String what) {
        Await.until(
                "somebody reads " + what,
                run::toString,
                () -> captures("" + run.pid()).contains("\"" + what + "\""));
    }

    private static String captures(String pid) {
        return lab.onHost(
                        "sh",
                        "-c",
                        "curl -s --unix-socket ${XDG_RUNTIME_DIR:-/tmp}/sluice*/" + pid
                                + ".sock http://sluice/v1/captures")
                .outputAtEnd();
    }

    @Test
    void aPipeToTsharkShowsFramesNamesAndGuests() throws IOException {
        Program seen = shell("sluice capture " + run.pid()
                + " --count 8 tcp port 80 | tshark -r - -o nameres.network_name:TRUE -T fields"
                + " -e ip.src_host -e ip.dst_host -e frame.interface_name -e tcp.flags.syn");
        awaitReader("tcp port 80");
        goUntilItHasEnough(seen);
        assertThat(seen.output().lines()).hasSize(8).allMatch(line -> line.contains("tap0"));
        assertThat(seen.out()).contains("www.example.test");
    }

    @Test
    void everyFormatCanBeReadByEveryTool() throws IOException {
        for (String format : List.of("pcap", "pcapng")) {
            Path file = lab.folder().resolve("all." + format);
            Program capture = lab.sluice("capture", "--write", file.toString(), "--count", "20", "" + run.pid());
            awaitReader("");
            goUntilItHasEnough(capture);
            assertThat(capture.exitCode()).as(capture.toString()).isZero();
            assertThat(lab.onHost("tshark", "-r", file.toString()).output().lines())
                    .hasSize(20);
            assertThat(lab.onHost("tcpdump", "-nr", file.toString()).output().lines())
                    .hasSize(20);
            assertThat(lab.onHost("tshark", "-r", file.toString(), "-T", "fields", "-e", "frame.time_epoch")
                            .output()
                            .lines())
                    .isSorted();
        }
    }

    /** The same filter means the same frames to tcpdump. */
    @Test
    void filtersMeanWhatTheyMeanToTcpdump() throws IOException {
        go();
        Await.until("the guest has pinged", run::toString, () -> run.out().contains("bytes from"));
        Path all = lab.folder().resolve("ring.pcap");
        lab.sluice("capture", "--ring", "all", "--write", all.toString(), "" + run.pid())
                .output();
        for (String filter : List.of(
                "tcp port 80",
                "udp and not port 53",
                "host 192.168.65.1",
                "src net 192.168.65.0/24 and (tcp or udp)",
                "dst host 192.168.65.3 or arp",
                "portrange 50-60",
                "ip6 and not udp",
                "not (ip or ip6)")) {
            Path some = lab.folder().resolve("some.pcap");
            lab.sluice("capture", "--ring", "all", "--write", some.toString(), "" + run.pid(), filter)
                    .output();
            Path before = lab.folder().resolve("before.pcap");
            Files.copy(all, before, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
            List<String> theirs = lab.onHost("tcpdump", "-ttnr", before.toString(), filter)
                    .output()
                    .lines()
                    .toList();
            List<String> ours = lab.onHost("tcpdump", "-ttnr", some.toString())
                    .output()
                    .lines()
                    .toList();
            // what came between the two captures is only in ours
            assertThat(ours).as(filter).containsAll(theirs);
            String last = lab.onHost("tcpdump", "-ttnr", all.toString())
                    .output()
                    .lines()
                    .toList()
                    .getLast();
            assertThat(ours.stream().filter(line -> line.compareTo(last) <= 0).toList())
                    .as(filter)
                    .isEqualTo(theirs);
        }
    }

    @Test
    void aStopEndsACaptureInOrder() throws IOException {
        Path file = lab.folder().resolve("stopped.pcapng");
        Program capture = lab.sluice("capture", "-w", file.toString(), "" + run.pid(), "icmp");
        awaitReader("icmp");
        go();
        Await.until(
                "something was written",
                capture::toString,
                () -> lab.onHost("tshark", "-r", file.toString()).outputAtEnd().contains("ping"));
        capture.signal("INT");
        assertThat(capture.exitCode()).as(capture.toString()).isZero();
        assertThat(capture.err()).as("it says how much it was").matches("(?s).*sluice: [1-9][0-9]* frames?\n");
        assertThat(lab.onHost("tshark", "-r", file.toString()).output()).contains("ping");
    }

    /** The end of what is watched is no failure, unless more was asked for. */
    @Test
    void aCaptureEndsInOrderWithTheNetworkItWatches() {
        Program watched = lab.sluice(
                "run",
                "--",
                "sh",
                "-c",
                "echo ready; while [ ! -e $0/enough ]; do sleep 0.05; done",
                "" + lab.folder());
        Await.until("the guest runs", watched::toString, () -> watched.out().contains("ready"));
        String pid = "" + watched.pid();
        Await.until(
                "it can be asked",
                watched::toString,
                () -> lab.sluice("status", pid).exitCode() == 0);
        Path file = lab.folder().resolve("to-the-end.pcapng");
        Program whole = lab.sluice("capture", "--write", file.toString(), pid, "udp");
        Program counted = lab.sluice("capture", "--format", "pcap", "--count", "1000000", pid);
        Await.until("both read", watched::toString, () -> {
            String captures = captures(pid);
            return captures.contains("\"udp\"") && captures.contains("\"\"");
        });
        assertThat(lab.onHost("touch", lab.folder() + "/enough").exitCode()).isZero();
        assertThat(watched.exitCode()).as(watched.toString()).isZero();
        assertThat(whole.exitCode()).as(whole.toString()).isZero();
        assertThat(whole.err()).matches("(?s).*sluice: [0-9]+ frames?; that sluice has ended\n");
        assertThat(lab.onHost("tshark", "-r", file.toString()).exitCode()).isZero();
        assertThat(counted.exitCode()).as(counted.toString()).isEqualTo(69);
    }

    @Test
    void aReaderThatHasSeenEnoughEndsIt() throws IOException {
        Program seen = shell("sluice capture " + run.pid() + " --format pcap | head -c 24 | wc -c");
        awaitReader("");
        goUntilItHasEnough(seen);
        assertThat(seen.output().strip()).isEqualTo("24");
    }

    @Test
    void aDiagnosisIsWholeAndHoldsNoSecrets() throws IOException {
        Path file = lab.folder().resolve("report.tar.gz");
        Program diagnose = lab.sluice("diagnose", "--seconds", "1", "--write", file.toString(), "" + run.pid());
        assertThat(diagnose.exitCode()).as(diagnose.toString()).isZero();
        assertThat(diagnose.err()).contains("wrote " + file, "settings without secrets", "what guests sent and got");
        Path folder = Files.createDirectory(lab.folder().resolve("report"));
        lab.onHost("tar", "-xzf", file.toString(), "-C", folder.toString()).output();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.filter(Files::isRegularFile).toList()) {
                assertThat(new String(Files.readAllBytes(each), java.nio.charset.StandardCharsets.ISO_8859_1))
                        .as(each.toString())
                        .doesNotContain(CANARY);
                assertThat(each.toString()).doesNotEndWith(".missing.txt");
            }
        }
        assertThat(Files.readString(folder.resolve("settings.json")))
                .contains("MY_PASSWORD", "--capture-rings", "://(secret)@proxy.test:3128");
        assertThat(lab.onHost(
                                "tshark",
                                "-r",
                                folder.resolve("capture/all.pcapng").toString())
                        .exitCode())
                .isZero();
        assertThat(Files.readString(folder.resolve("state/status.json"))).contains("192.168.65.3");
        assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
    }

    @Test
    void aDiagnosisThatIsStoppedLeavesNothingBehind() throws IOException {
        Path folder = Files.createDirectory(lab.folder().resolve("stopped"));
        Program diagnose = lab.sluice(
                "diagnose",
                "--seconds",
                "60",
                "--write",
                folder.resolve("r.tar.gz").toString(),
                "" + run.pid());
        Await.until("it has begun", diagnose::toString, () -> !names(folder).isEmpty());
        diagnose.signal("TERM");
        assertThat(diagnose.exitCode()).isEqualTo(69);
        assertThat(diagnose.err()).contains("nothing was written");
        assertThat(names(folder)).isEmpty();
    }

    private static List<String> names(Path folder) {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(Path::toString).toList();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
