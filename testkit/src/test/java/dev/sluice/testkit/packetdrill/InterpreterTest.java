package dev.sluice.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** That the interpreter sees differences, and says honestly what it cannot do. */
class InterpreterTest {
    private static final String ESTABLISHED = """
            --dialect=sluice
             0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 bind(3, ..., ...) = 0
            +0 listen(3, 1) = 0
            +0 < S 0:0(0) win 32767 <mss 1460>
            +0 > S. 0:0(0) ack 1 win 65535 <mss 1460>
            +.1 < . 1:1(0) ack 1 win 32767
            +0 accept(3, ..., ...) = 4
            """;

    private static Verdict run(String script) {
        return new Suite(null, Map.of()).run("test.pkt", script);
    }

    private static void assertResult(String end, Verdict.Kind kind, String words) {
        Verdict verdict = run(ESTABLISHED + end);
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(kind);
        assertThat(verdict.toString()).contains(words);
    }

    private static void assertFails(String end, String words) {
        assertResult(end, Verdict.Kind.FAILED, words);
    }

    private static void assertUnsupported(String end, String words) {
        assertResult(end, Verdict.Kind.UNSUPPORTED, words);
    }

    @Test
    void aRightScriptPasses() {
        assertThat(run(ESTABLISHED + "+.1 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n"))
                .isEqualTo(Verdict.passed("test.pkt"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    > . 1:101(100) ack 1               | the flags differ
                    > P. 2:102(100) ack 1              | the sequence number differs
                    > P. 1:100(99) ack 1               | the payload length differs
                    > P. 1:101(100) ack 2              | the acknowledgment number differs
                    > P. 1:101(100) ack 1 win 65534    | the window differs
                    > P. 1:101(100) ack 1 urg 1        | the urgent pointer differs
                    > P. 1:101(100) ack 1 <nop,nop,sack 1:2> | the TCP options differ
                    """)
    void everyFieldOfAPacketIsCompared(String packet, String difference) {
        assertFails("+.1 write(4, ..., 100) = 100\n+0 " + packet + "\n", difference);
    }

    @Test
    void timesAreChecked() {
        assertFails("+.1 write(4, ..., 100) = 100\n+.01 > P. 1:101(100) ack 1\n", "left at another time");
        assertFails("+.1 < P. 1:11(10) ack 1 win 32767\n+.03 > . 1:1(0) ack 11\n", "no packet left in time");
        assertThat(run(ESTABLISHED + "+.1 < P. 1:11(10) ack 1 win 32767\n+.038 > . 1:1(0) ack 11\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(ESTABLISHED + "+.1 < P. 1:11(10) ack 1 win 32767\n+.03~+.05 > . 1:1(0) ack 11\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
        assertThat(run("--tolerance_usecs=20000\n" + ESTABLISHED
                                + "+.1 < P. 1:11(10) ack 1 win 32767\n+.05 > . 1:1(0) ack 11\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void aPacketThatNeverLeavesIsAFailure() {
        assertFails("+0 > . 1:1(0) ack 1\n", "expected: > . 1:1(0) ack 1");
        assertFails("* > . 1:1(0) ack 1\n", "no packet left in time");
    }

    @Test
    void aPacketThatTheScriptDoesNotExpectIsSeenAtTheNextOne() {
        assertFails(
                "+.1 < S 1:1(0) win 0\n+0 write(4, ..., 100) = 100\n+0 > P. 1:101(100) ack 1\n",
                "seen:     > . 1:1(0) ack 1");
    }

    @Test
    void resultsOfCallsAreChecked() {
        assertFails("+0 read(4, ..., 100) = 0\n", "does not come back at once");
        assertFails("+0 recv(4, ..., 100, MSG_DONTWAIT) = 0\n", "seen:     -1 EAGAIN");
        assertFails("+0 close(7) = 0\n", "-1 EBADF");
        assertFails("+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNRESET], [4]) = 0\n", "it stored 0");
        assertFails("+.1 < P. 1:11(10) ack 1 win 32767\n+0 read(4, ..., 100) = 11\n", "seen:     10");
        assertFails("+0 `sockstat -s | grep -c TIME_WAIT | grep 1`\n", "0 in TIME_WAIT");
        assertFails("+0 %{ assert tcpi_unacked == 1 }%\n", "tcpi_unacked == 0");
    }

    @Test
    void anErrorThatIsNotNamedIsAnyError() {
        assertThat(run(ESTABLISHED + "+0 shutdown(4, SHUT_WR) = 0\n+0 write(4, ..., 1) = -1\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
        assertFails("+0 shutdown(4, SHUT_WR) = 0\n+0 write(4, ..., 1) = 1\n", "-1 EPIPE");
    }

    @Test
    void codeStoresWhatItCompares() {
        assertThat(run(ESTABLISHED + "+0 %{ n = 1; n += 2 }%\n+0 %{ assert n == 3, n }%\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
        assertFails("+0 %{ n = 1 }%\n+0 %{ assert n == 2 }%\n", "the assertion does not hold");
        assertUnsupported("+0 %{ n = tcpi_frobs }%\n", "our stack has no tcpi_frobs");
    }

    @Test
    void statesHaveTheNumbersOfTheSystem() {
        String asked = "+0 %{ assert tcpi_state == TCP_ESTABLISHED and tcpi_state == 1 }%\n";
        assertThat(run(ESTABLISHED + asked).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(ESTABLISHED.replace("sluice", "freebsd") + asked.replace("== 1", "== 4"))
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void codepointsOfCongestionNotificationAreCompared() {
        String data = "+.1 write(4, ..., 100) = 100\n";
        assertFails(data + "+0 > [ect0] P. 1:101(100) ack 1\n", "the ECN codepoint differs: it is noecn");
        assertThat(run(ESTABLISHED + data + "+0 > [noecn] P. 1:101(100) ack 1\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void anIcmpMessageWithoutQuoteIsAboutTheBeginOfTheStream() {
        assertThat(run(ESTABLISHED
                                + "+0 < icmp unreachable port_unreachable\n+0 < icmp type_255 code_0\n"
                                + "+0 getsockopt(4, SOL_SOCKET, SO_ERROR, [0], [4]) = 0\n")
                        .kind())
                .isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void aCallThatWaitsComesBackWhenItMay() {
        String script = "+.1...0.2 read(4, ..., 100) = 10\n+.1 < P. 1:11(10) ack 1 win 32767\n";
        assertThat(run(ESTABLISHED + script)).isEqualTo(Verdict.passed("test.pkt"));
        assertFails(script.replace("0.2", "0.3"), "came back at another time");
        assertFails("+.1...0.2 read(4, ..., 100) = 10\n", "has not come back in time");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "+0 frobnicate(4) = 0",
                "+0 setsockopt(4, IPPROTO_TCP, TCP_FASTOPEN, [5], 4) = 0",
                "+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, MSG_EOR) = 10",
                "+0 pipe([5, 6]) = 0",
                "+0 < udp (100)",
                "+0 > udp (100)",
                "+0 setsockopt(4, SOL_SOCKET, SO_TIMESTAMPING, [1], 4) = 0",
                "+0 > (flowlabel 64) . 1:1(0) ack 1",
                "+0 setsockopt(4, IPPROTO_TCP, TCP_NOPUSH, [1], 4) = 0",
                "+0 setsockopt(4, IPPROTO_TCP, TCP_NOTSENT_LOWAT, [1], 4) = 0",
                "+0 send(4, ..., 10, MSG_EOR) = 10",
                "+0 > . 1:1(0) ack 1 <FO 1234>",
                "+0 < . 1:1(0) ack 1 win 100 <FO COOKIE>",
                "+0 < . 1:1(0) ack 1 win 100 <md5 valid>",
                "+0 < S 0:0(0) win 100 <mss 1460>/udp(1 > 2)",
                "+0 `rm -rf /`",
                "+0 `sysctl -w net.inet.tcp.frobs=1`",
                "+0 `sysctl net.ipv4.tcp_frobs=1`",
                "+0 %{ assert tcpi_frobs == 1 }%",
                "+0 %{ import os }%",
                "+0 < . 1:1(0) ack 1 win 100 what else",
            })
    void whatIsNotKnownIsUnsupportedAndNeverPasses(String event) {
        assertUnsupported(event + "\n", "test.pkt:9: unsupported: ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "+0 > . 1:5(3) ack 1",
                "+0 < . 1:1(0) ack 1 win 70000",
                "-1 write(4, ..., 1) = 1",
                "* write(4, ..., 1) = 1",
                "+0~+1 < . 1:1(0) ack 1 win 100",
                "+2~+1 > . 1:1(0) ack 1",
                "0 < . 1:1(0) ack 1 win 100",
            })
    void aScriptThatContradictsItselfFails(String event) {
        assertFails(event + "\n", "test.pkt:9: ");
    }

    @Test
    void aFailureBeforeSomethingUnsupportedCounts() {
        assertFails("+0 read(4, ..., 100) = 5\n+0 frobnicate() = 0\n", "does not come back");
    }

    @Test
    void optionsAreASetUnlessStrict() {
        String script = """
                 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
                +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
                +0 > S 0:0(0) <mss 1460,nop,wscale 4,sackOK,TS val 100 ecr 0>
                """;
        assertThat(run("--dialect=sluice\n" + script)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("--dialect=sluice\n--strict\n" + script).what()).isEqualTo("the TCP options differ");
    }

    @Test
    void conditionsSelectWhatAnyStandardAllows() {
        String script = """
                +.1 write(4, ..., 100) = 100
                #ifdef STANDARD
                +0 > . 1:101(100) ack 1
                #endif
                #ifdef FreeBSD
                +0 > P. 1:101(100) ack 1
                #endif
                """;
        assertThat(run(ESTABLISHED + script)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run(ESTABLISHED + script.replace("P. 1", "F. 1")).what()).isEqualTo("the flags differ");
        assertThat(run(ESTABLISHED + "#ifdef STANDARD\n").kind()).isEqualTo(Verdict.Kind.FAILED);
    }

    private static List<Version> versions(String script) throws Exception {
        return Parser.parse("a", script, null, Set.of(), Map.of()).versions();
    }

    @Test
    void dialectsAreFoundOut() throws Exception {
        assertThat(versions("0 `sysctl -w net.inet.tcp.sack.enable=1`"))
                .isEqualTo(Version.of(Script.Dialect.FREEBSD))
                .startsWith(Version.FREEBSD);
        assertThat(versions("`../common/defaults.sh`\n"))
                .isEqualTo(Version.of(Script.Dialect.LINUX))
                .startsWith(Version.LINUX);
        assertThat(versions("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"))
                .contains(Version.LINUX, Version.FREEBSD)
                .doesNotContain(Version.SLUICE);
        assertThat(versions("0 %{ assert tcpi_state == 0 }%")).contains(Version.LINUX, Version.FREEBSD);
        assertThat(versions("--dialect=freebsd\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"))
                .containsExactly(Version.FREEBSD);
    }

    private static final String SYN_TWICE = """
             0 `sysctl -w net.inet.tcp.sack.enable=1`
            +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
            +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
            +0 connect(3, ..., ...) = -1 EINPROGRESS
            +0 > S 0:0(0) win 65535 <...>
            +TIMEOUT > S 0:0(0) win 65535 <...>
            """;

    @Test
    void aScriptMayBeOfAnyReleaseOfItsSystemButOfOneOnly() {
        assertThat(run(SYN_TWICE.replace("TIMEOUT", "1")).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(SYN_TWICE.replace("TIMEOUT", "3")).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(SYN_TWICE.replace("TIMEOUT", "2")).kind()).isEqualTo(Verdict.Kind.FAILED);
        // The release that began with three seconds did not report duplicates.
        String duplicate = """
                +0 < S. 0:0(0) ack 1 win 65535 <mss 1460,sackOK>
                +0 > . 1:1(0) ack 1 win 65535
                +0 < . 1:11(10) ack 1 win 65535
                +0.1 > . 1:1(0) ack 11 win 65535
                +0 < . 1:11(10) ack 1 win 65535
                +0 > . 1:1(0) ack 11 win 65535 <nop,nop,sack 1:11>
                """;
        assertThat(run(SYN_TWICE.replace("TIMEOUT", "3") + duplicate).kind()).isEqualTo(Verdict.Kind.FAILED);
        assertThat(run(SYN_TWICE.replace("TIMEOUT", "1") + duplicate).kind()).isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void aRunThatCameFurthestIsReported() {
        Verdict verdict = run(SYN_TWICE.replace("TIMEOUT", "3") + "+0 < R. 0:0(0) ack 1 win 0\n+0 > R. 1:1(0) ack 1\n");
        assertThat(verdict.line()).as(verdict.toString()).isEqualTo(8);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "sockstat -s -P tcp -p 8080 | grep 'packetdril' | awk '{print $8}' | grep 'ESTABLISHED' ~ PASSED",
                "sockstat -s -P tcp -p 8080 | grep 'packetdril' | awk '{print $8}' | grep 'CLOSED' ~ FAILED",
                "sockstat -4 -P tcp -s | grep packetdril | grep -c \"ESTABLISHED\" | grep -q '1' ~ PASSED",
                "sockstat -4 -P tcp -s | grep packetdril | grep -c CLOSED | grep 0 ~ PASSED",
                "netstat -an | grep ESTABLISHED ~ UNSUPPORTED"
            })
    void statesAreAskedInSeveralWays(String line) {
        String[] parts = line.split("~");
        Verdict verdict = run(ESTABLISHED + "+0 `" + parts[0].strip() + "`\n");
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(Verdict.Kind.valueOf(parts[1].strip()));
    }

    @Test
    void aSocketWhoseConnectionIsOverIsClosed() {
        String asked = "+0 `sockstat -s | grep -c CLOSED | grep 1`\n";
        assertThat(run(ESTABLISHED + asked).kind()).isEqualTo(Verdict.Kind.FAILED);
        assertThat(run(ESTABLISHED + "+0 < R. 1:1(0) ack 1 win 0\n" + asked).kind())
                .isEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void linuxScriptsSeeItsScaleAndItsSegmentsTogether() {
        assertThat(run("""
                                `../common/defaults.sh`
                                   0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                                  +0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
                                  +0 bind(3, ..., ...) = 0
                                  +0 listen(3, 1) = 0
                                 +.1 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
                                  +0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 8>
                                 +.1 < . 1:1(0) ack 1 win 257
                                  +0 accept(3, ..., ...) = 4
                                  +0 write(4, ..., 5000) = 5000
                                  +0 > P. 1:5001(5000) ack 1
                                 +.1 < . 1:1(0) ack 5001 win 257
                                """)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void freeBsdScriptsSeeItsBuffersAndItsOptions() {
        assertThat(run("""
                                --ip_version=ipv6
                                --tolerance_usecs=75000
                                 0.00 `sysctl -w net.inet.tcp.recvspace=65536`
                                +0.00 `sysctl -w kern.ipc.maxsockbuf=2097152`
                                +0.00 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                                +0.00 fcntl(3, F_GETFL) = 0x02 (flags O_RDWR)
                                +0.00 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
                                +0.00 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [65536], [4]) = 0
                                +0.00 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
                                +0.00 > S  0:0(0) win 65535 <mss 1440,nop,wscale 6,sackOK,TS val 100 ecr 0>
                                +0.10 < S. 0:0(0) ack 1 win 32767 <mss 1440,sackOK,eol,eol>
                                +0.00 >  . 1:1(0) ack 1 win 65535
                                +0.00 getsockopt(3, SOL_SOCKET, SO_RCVBUF, [66240], [4]) = 0
                                +0.10 shutdown(3, SHUT_WR) = 0
                                +0.00 > F. 1:1(0) ack 1 win 65535
                                +0.10 < F. 1:1(0) ack 2 win 32767
                                +0.00 >  . 2:2(0) ack 2 win 65535
                                +0.10 `sockstat -6 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 1`
                                +0.00 `tcpdrop -s TIME_WAIT`
                                +0.00 `sockstat -6 -P tcp -s | grep packetdril | grep -c TIME_WAIT | grep 0`
                                """)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void differencesThatAreNotFatalAreOverlooked() {
        String packet = ESTABLISHED + "+.1 write(4, ..., 100) = 100\n+0 > F. 1:101(100) ack 1\n";
        assertThat(run("--non_fatal=packet\n" + packet)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("--non_fatal=syscall\n" + packet).kind()).isEqualTo(Verdict.Kind.FAILED);
        String call = ESTABLISHED + "+.1 write(4, ..., 100) = 99\n+0 > P. 1:101(100) ack 1\n";
        assertThat(run("--non_fatal=packet,syscall\n" + call)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("--non_fatal=packet\n" + call).kind()).isEqualTo(Verdict.Kind.FAILED);
        assertThat(run("--non_fatal=packet\n" + ESTABLISHED + "+0 frobs() = 0\n")
                        .kind())
                .isEqualTo(Verdict.Kind.UNSUPPORTED);
    }

    @Test
    void twoNamesOfAnErrorAreOne() {
        assertThat(run(ESTABLISHED
                        + "+0 recv(4, ..., 1, MSG_DONTWAIT) = -1 EWOULDBLOCK (Resource temporarily unavailable)\n"
                        + "+0 recv(4, ..., 1, MSG_DONTWAIT) = -1 EAGAIN (Resource temporarily unavailable)\n"))
                .isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void segmentsInARowMeetAPacketThatIsLarger() {
        String script = ESTABLISHED
                + "+.1 write(4, ..., 3000) = 3000\n+0 > . 1:2921(2920) ack 1\n+.05 < . 1:1(0) ack 2921 win 32767\n"
                + "+0 > P. 2921:3001(80) ack 1\n";
        assertThat(run(script)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run(script.replace("> . 1:2921", "> P. 1:2921"))).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run(script.replace("> . 1:2921", "> F. 1:2921")).what()).isEqualTo("the flags differ");
        assertThat(run(script.replace("1:2921(2920)", "1:2901(2900)")).kind()).isEqualTo(Verdict.Kind.FAILED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "\0\1\2",
                "+",
                "+0",
                "+0 <",
                "+0 > S",
                "+0 > S.",
                "+0 socket(",
                "+0 socket(..., ",
                "+0 < S 0:0(0) <mss",
                "`",
                "%{",
                "\"",
                "/*",
                "+0 poll([{fd",
                "+999999999999999999999 close(3) = 0",
                "+0 read(4, ..., -5) = 3",
                "+0 write(4, ..., -5) = 3",
                "+0 < S 0:99999999999999999999(0)",
                "+0 %{ assert }%",
                "+0 %{ assert (1 }%",
                "+0 %{ assert 1/0 }%",
            })
    void brokenScriptsNeverPassAndNeverBreakTheInterpreter(String end) {
        assertThat(run(end).kind()).isNotEqualTo(Verdict.Kind.PASSED);
        Verdict verdict = run(ESTABLISHED + end);
        if (!end.isEmpty()) {
            assertThat(verdict.kind()).as(verdict.toString()).isNotEqualTo(Verdict.Kind.PASSED);
        }
        assertThat(verdict.what()).doesNotContain("the stack or the interpreter broke");
    }

    private static void assertPasses(String end) {
        assertThat(run(ESTABLISHED + end)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void fieldsOfTheIpHeaderAreThoseOfTheSocket() {
        String script = """
                +0 setsockopt(4, SOL_IP, IP_TTL, [9], 4) = 0
                +0 setsockopt(4, SOL_IP, IP_TOS, [IPTOS_DSCP_CS1], 4) = 0
                +0 getsockopt(4, SOL_IP, IP_TOS, [0x20], [4]) = 0
                +0 write(4, ..., 100) = 100
                +0 > (ttl 9, tos 0x20) P. 1:101(100) ack 1
                """;
        assertPasses(script);
        assertPasses("+0 write(4, ..., 100) = 100\n+0 > (ttl 64, tos 0) P. 1:101(100) ack 1\n");
        assertFails(script.replace("(ttl 9", "(ttl 8"), "the TTL differs: it is 9");
        assertFails(script.replace("tos 0x20", "tos 0x22"), "the traffic class differs: it is 0x20");
        assertFails("+0 write(4, ..., 1) = 1\n+0 > (class 0x20) P. 1:2(1) ack 1\n", "it is 0x0");
    }

    @Test
    void theTrafficClassIncludesTheEcnCodepoint() {
        String script = """
                --dialect=sluice
                 0 `sysctl net.ipv4.tcp_ecn=1`
                +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +0 setsockopt(3, SOL_IP, IP_TOS, [0x23], 4) = 0
                +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
                +0 connect(3, ..., ...) = -1 EINPROGRESS
                +0 > (tos 0x20) SEW 0:0(0) <...>
                +0 < SE. 0:0(0) ack 1 win 65535 <mss 1460>
                +0 > (tos 0x20) . 1:1(0) ack 1
                +0 write(3, ..., 10) = 10
                +0 > (tos 0x22) P. 1:11(10) ack 1
                """;
        assertThat(run(script)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void epollTellsLevelsAndEdges() {
        String script = """
                +0 epoll_create(1) = 5
                +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLIN|EPOLLET, fd=4}) = 0
                +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = -1 EEXIST
                +0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1
                +0 epoll_wait(5, {events=0, ptr=0}, 1, 0) = 0
                +0 < P. 1:11(10) ack 1 win 32767
                +0 epoll_wait(5, {events=EPOLLIN|EPOLLOUT, fd=4}, 1, 0) = 1
                +0 read(4, ..., 5) = 5
                +0 epoll_wait(5, ..., 1, 0) = 0
                +0 epoll_ctl(5, EPOLL_CTL_MOD, 4, {events=EPOLLIN, ptr=7}) = 0
                +0 epoll_wait(5, {events=EPOLLIN, ptr=7}, 1, 0) = 1
                +0 epoll_wait(5, {events=EPOLLIN, ptr=7}, 1, 0) = 1
                +0 epoll_ctl(5, EPOLL_CTL_DEL, 4, ...) = 0
                +0 epoll_wait(5, ..., 1, 0) = 0
                +0 close(5) = 0
                +0 epoll_wait(5, ..., 1, 0) = -1 EBADF
                """;
        assertPasses(script);
        assertFails(script.replace("{events=EPOLLOUT, fd=4}", "{events=EPOLLIN, fd=4}"), "it told the events EPOLLOUT");
        assertFails(script.replace("{events=EPOLLOUT, fd=4}", "{events=EPOLLOUT, fd=3}"), "it told the data 4");
        assertPasses("""
                +0 epoll_create1(EPOLL_CLOEXEC) = 5
                +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLONESHOT, fd=4}) = 0
                +0...0.1 epoll_wait(5, {events=EPOLLIN, fd=4}, 1, -1) = 1
                +.1 < P. 1:11(10) ack 1 win 32767
                +0 epoll_wait(5, ..., 1, 0) = 0
                """);
    }

    @Test
    void epollTellsThatThereIsRoomAgain() {
        assertPasses("""
                +0 setsockopt(4, SOL_SOCKET, SO_SNDBUF, [2000], 4) = 0
                +0 epoll_create(1) = 5
                +0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLOUT|EPOLLET, fd=4}) = 0
                +0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1
                +0 fcntl(4, F_SETFL, O_RDWR|O_NONBLOCK) = 0
                +0 write(4, ..., 5000) = 2000
                +0 epoll_wait(5, ..., 1, 0) = 0
                +.1 < . 1:1(0) ack 1461 win 32767
                +0 epoll_wait(5, {events=EPOLLOUT, fd=4}, 1, 0) = 1
                +0 epoll_wait(5, ..., 1, 0) = 0
                """);
    }

    @Test
    void callsWithATimeoutComeBackAtIt() {
        assertPasses("+0...0.3 poll([{fd=4, events=POLLIN, revents=0}], 1, 300) = 0\n+.5 close(4) = 0\n");
        assertPasses("+0 epoll_create(1) = 5\n+0 epoll_ctl(5, EPOLL_CTL_ADD, 4, {events=EPOLLIN, fd=4}) = 0\n"
                + "+0...0.3 epoll_wait(5, ..., 1, 300) = 0\n+.5 close(4) = 0\n");
        assertFails(
                "+0...0.3 poll([{fd=4, events=POLLIN, revents=0}], 1, 200) = 0\n+.5 close(4) = 0\n",
                "came back at another time");
    }

    @Test
    void aReaderLearnsHowMuchIsLeft() {
        String read = """
                +0 recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 6}], msg_flags=0,
                     msg_control=[{cmsg_level=SOL_TCP, cmsg_type=TCP_CM_INQ, cmsg_data=LEFT}]}, 0) = READ
                """;
        String script = "+0 setsockopt(4, SOL_TCP, TCP_INQ, [1], 4) = 0\n+0 < FP. 1:11(10) ack 1 win 32767\n";
        String first = read.replace("LEFT", "4").replace("READ", "6");
        // The end of the stream counts as a byte.
        assertPasses(script + first + read.replace("LEFT", "1").replace("READ", "4"));
        assertFails(script + first.replace("=4}", "=5}"), "it told 4 bytes in the queue instead of 5");
    }

    @Test
    void noBufferIsABadAddress() {
        assertPasses("""
                +0 write(4, NULL, 10) = -1 EFAULT (Bad address)
                +0 < P. 1:11(10) ack 1 win 32767
                +0 recv(4, NULL, 10, 0) = -1 EFAULT (Bad address)
                +0 read(4, ..., 10) = 10
                """);
    }

    @Test
    void whatHappenedIsCounted() {
        assertPasses("""
                +1 < P. 1:11(10) ack 1 win 32767
                +.01 write(4, ..., 100) = 100
                +.09 %{ assert tcpi_bytes_received == 10 and tcpi_bytes_sent == 100, tcpi_bytes_sent }%
                +0 %{ assert tcpi_data_segs_in == 1 and tcpi_data_segs_out == 1 }%
                +0 %{ assert tcpi_last_data_recv == 100 and tcpi_last_data_sent == 90 }%
                """);
    }

    @Test
    void signsOfNumberWithinCodeAreComments() {
        assertPasses("+0 %{\n# a comment\nassert tcpi_unacked == 0\n}%\n");
    }

    @Test
    void symbolsThatAreDefinedStandForTheirValues() {
        String script = ESTABLISHED + "+0 write(4, ..., SIZE) = SIZE\n+0 > P. 1:101(SIZE) ack 1\n";
        assertThat(run("--define=SIZE=100\n" + script)).isEqualTo(Verdict.passed("test.pkt"));
        assertThat(new Suite(null, Map.of("define:SIZE", "100")).run("test.pkt", script))
                .isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run(script).kind()).isEqualTo(Verdict.Kind.UNSUPPORTED);
    }

    @Test
    void segmentsAreNotJoinedWhereTheScriptIsStrict() {
        String script = ESTABLISHED + "+0 write(4, ..., 2920) = 2920\n+0 > P. 1:2921(2920) ack 1\n";
        assertThat(run(script).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run("--strict_segments\n" + script).what()).isEqualTo("the flags differ");
    }

    @Test
    void finWait2LastsAsLongAsTheSocketSays() {
        String script = """
                +0 setsockopt(4, SOL_TCP, TCP_LINGER2, [2], 4) = 0
                +0 close(4) = 0
                +0 > F. 1:1(0) ack 1
                +0 < . 1:1(0) ack 2 win 32767
                +WAIT `sockstat -s | grep -c FIN_WAIT_2 | grep COUNT`
                """;
        assertPasses(script.replace("WAIT ", "1.9 ").replace("COUNT", "1"));
        assertPasses(script.replace("WAIT ", "2.1 ").replace("COUNT", "0"));
    }

    @Test
    void aSegmentSizeThatWasSetIsToldAsTheReleaseDoes() {
        String script = """
                `../common/defaults.sh`
                 0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +0 setsockopt(3, SOL_TCP, TCP_MAXSEG, [1100], 4) = 0
                +0 getsockopt(3, SOL_TCP, TCP_MAXSEG, [SIZE], [4]) = 0
                """;
        assertThat(run(script.replace("SIZE", "1100")).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(script.replace("SIZE", "536")).kind()).isEqualTo(Verdict.Kind.PASSED);
        assertThat(run(script.replace("SIZE", "1000")).kind()).isEqualTo(Verdict.Kind.FAILED);
    }

    @Test
    void aHopLimitThatIsExceededEndsAnAttemptOnFreeBsd() {
        assertThat(run("""
                                --ip_version=ipv6
                                 0 `sysctl -w net.inet.tcp.icmp_may_rst=1`
                                +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                                +0 fcntl(3, F_SETFL, O_RDWR | O_NONBLOCK) = 0
                                +0 connect(3, ..., ...) = -1 EINPROGRESS
                                +0 > S 0:0(0) <...>
                                +.1 < [0:0(0)] icmp time_exceeded exceeded_hop_limit
                                +.1 getsockopt(3, SOL_SOCKET, SO_ERROR, [EHOSTUNREACH], [4]) = 0
                                """)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void optionsThatOurStackDoesNotKnowMayCome() {
        assertPasses("""
                +0 < P. 1:11(10) ack 1 win 32767 <FO 1234abcd,nop,nop>
                +0.04 > . 1:1(0) ack 11
                +0 < P. 11:21(10) ack 1 win 32767 <md5 000102030405060708090a0b0c0d0e0f,FO>
                +0.04 > . 1:1(0) ack 21
                """);
    }

    // ---- Hostile scripts

    private static Verdict hostile(String script) {
        return hostile(script, Duration.ofMinutes(1));
    }

    private static Verdict hostile(String script, Duration patience) {
        Verdict verdict = new Suite(null, Map.of(), 1, 1, patience).run("test.pkt", script);
        assertThat(verdict.kind()).as(verdict.toString()).isNotEqualTo(Verdict.Kind.PASSED);
        assertThat(verdict.what()).doesNotContain("broke");
        assertThat(verdict.line()).isPositive();
        return verdict;
    }

    @Test
    void nestingIsRefusedWithItsLine() {
        for (String open : List.of("[", "{", "{a(1)=", "f(")) {
            assertThat(hostile(ESTABLISHED + "+0 poll(" + open.repeat(100_000) + ") = 0\n")
                            .toString())
                    .contains("test.pkt:9: ", "nested more than 64 deep");
        }
        for (String open : List.of("(", "-", "not ")) {
            assertThat(hostile(ESTABLISHED + "+0 %{ assert " + open.repeat(1000) + "1 }%\n")
                            .toString())
                    .contains("test.pkt:9: ", "nested more than 64 deep");
        }
    }

    @Test
    void aScriptThatIsTooLongIsNotRun() {
        Verdict verdict = hostile(ESTABLISHED + "// comment\n".repeat(1_000_000));
        assertThat(verdict.kind()).isEqualTo(Verdict.Kind.UNSUPPORTED);
        assertThat(verdict.what()).contains("more than 1048576 characters");
    }

    @Test
    void aFileThatIsNoTextIsToldWithItsLine() {
        assertThat(hostile(ESTABLISHED + "+0 close(4) = 0\n\177ELF\0\0").toString())
                .contains("test.pkt:10: the file is no text");
    }

    @Test
    void aScriptThatTakesTooLongIsGivenUpAtItsLine() {
        Verdict verdict = new Suite(null, Map.of(), 1, 1, Duration.ZERO).run("test.pkt", ESTABLISHED);
        assertThat(verdict.kind()).isEqualTo(Verdict.Kind.FAILED);
        assertThat(verdict.what()).contains("kept the interpreter busy for 0 ms");
        // A year of probes: as far as it goes in the time that there is.
        Duration few = Duration.ofSeconds(2);
        hostile(
                ESTABLISHED
                        + "+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0\n"
                        + "+0 < . 1:1(0) ack 1 win 0\n+0 write(4, ..., 1) = 1\n".repeat(3)
                        + "+31000000 close(4) = 1\n",
                few);
        hostile(ESTABLISHED + "+0 read(4, ..., 1)\n".repeat(20_000), few);
        hostile(ESTABLISHED + "#ifdef A\n#endif\n".replace("A", "A") + "+0 > . 9:9(0) ack 9\n");
    }

    @Test
    void moreThanAYearIsNotWaitedFor() {
        assertThat(hostile(ESTABLISHED + "+31000000 close(4) = 0\n+31000000 close(4) = 0\n")
                        .toString())
                .contains("test.pkt:10: ", "more than a year of virtual time");
        assertThat(hostile(ESTABLISHED + "+32000000 close(4) = 0\n").toString())
                .contains("test.pkt:9: ", "longer than a year");
    }

    @Test
    void optionsThatFitNoHeaderAreABadScript() {
        assertThat(hostile(ESTABLISHED + "+0 < . 1:1(0) ack 1 win 9 <sack 1:2 3:4 5:6 7:8 9:10>\n")
                        .toString())
                .contains("test.pkt:9: ", "TCP options of 42 bytes are longer than 40");
    }

    @Test
    void longCommandsAreNotLookedAt() {
        assertThat(hostile(ESTABLISHED + "+0 `sockstat " + "| grep -c ".repeat(10_000) + "`\n")
                        .what())
                .contains("a command of more than 4096 characters");
        assertThat(hostile(ESTABLISHED + "+0 %{ assert " + "1+".repeat(10_000) + "1 }%\n")
                        .what())
                .contains("code of more than 4096 characters");
    }

    @Test
    void whatOurStackRefusesIsToldWithItsLine() {
        assertThat(hostile("--mtu=72\n" + ESTABLISHED).toString())
                .isEqualTo("test.pkt:6: unsupported: a setting of our stack: TcpProfile: mss cannot be 32");
    }

    @Test
    void deepNestingIsRefused() {
        assertThat(run(ESTABLISHED + "+0 poll(" + "[".repeat(200_000) + ") = 0\n")
                        .kind())
                .isNotEqualTo(Verdict.Kind.PASSED);
    }

    @Test
    void settingsOfBothSystemsReachTheStack() {
        String end = """
                +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                +0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
                +0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
                +0 > S 0:0(0) <%s>
                """;
        assertThat(run(
                        "`sysctl -q net.ipv4.tcp_rmem=\"4096 131072 $((32*1024*1024))\"\nsysctl -q net.ipv4.tcp_sack=0`\n"
                                + end.formatted("mss 1460,TS val 1 ecr 0,wscale 10")))
                .isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("`sysctl net.ipv4.tcp_timestamps=0 net.ipv4.tcp_window_scaling=0`\n"
                        + end.formatted("mss 1460,sackOK")))
                .isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("0 `sysctl -w net.inet.tcp.rfc1323=0`\n+0 `sysctl -w net.inet.tcp.sack.enable=0`\n"
                        + end.formatted("mss 1460")))
                .isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("--tolerance_percent=1\n0 `sysctl -q net/ipv4/tcp_sack=0 net/ipv4/tcp_timestamps=0`\n"
                        + end.formatted("mss 1460,wscale 8")))
                .isEqualTo(Verdict.passed("test.pkt"));
        assertThat(run("0 `sysctl -w kern.ipc.maxsockbuf=4294967295`\n"
                        + end.formatted("mss 1460,sackOK,TS val 1 ecr 0,wscale 14")))
                .isEqualTo(Verdict.passed("test.pkt"));
    }

    @ParameterizedTest
    @CsvSource({
        "1, SEW, SE., UNSUPPORTED, 4: unsupported: ECN on control segments",
        "2, SEW, SE., UNSUPPORTED, 6: unsupported: ECN on control segments",
        "2, S, S., PASSED, ''",
        "0, SEW, S., PASSED, ''"
    })
    void ecnOnControlSegmentsIsMissedOnlyWhereThereIsEcn(
            int mode, String syn, String answer, Verdict.Kind kind, String words) {
        String passive = """
                             0 `sysctl net.inet.tcp.ecn.enable=%d; sysctl net.inet.tcp.ecn.plusplus=1`
                            +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                            +0 bind(3, ..., ...) = 0
                            +0 listen(3, 1) = 0
                            +0 < %s 0:0(0) win 32767 <mss 1460>
                            +0 > %s 0:0(0) ack 1 <...>
                            """;
        String active = """
                             0 `sysctl net.inet.tcp.ecn.enable=%d; sysctl net.inet.tcp.ecn.plusplus=1`
                            +0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
                            +0 connect(3, ..., ...) = -1
                            +0 > %s 0:0(0) <...>
                            """;
        Verdict verdict = run(mode == 1 ? active.formatted(mode, syn) : passive.formatted(mode, syn, answer));
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(kind);
        assertThat(verdict.toString()).contains(words);
    }

    @ParameterizedTest
    @CsvSource({
        "ipv4, 3, S, PASSED, ''",
        "ipv4, 5, SEW, PASSED, ''",
        "ipv4, 4, S, PASSED, ''",
        "inet, 3, SEW, PASSED, ''",
        "inet, 4, SEWA, UNSUPPORTED, 5: unsupported: the TCP flag 'A'"
    })
    void whoDoesNotSpeakAccurateEcnGetsTheUsual(String system, int mode, String syn, Verdict.Kind kind, String words) {
        String name = system.equals("inet") ? "net.inet.tcp.ecn.enable" : "net.ipv4.tcp_ecn";
        Verdict verdict = run("""
                             0 `sysctl %s=%d`
                            +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                            +0 bind(3, ..., ...) = 0
                            +0 listen(3, 1) = 0
                            +0 < %s 0:0(0) win 32767 <mss 1460>
                            +0 > %s 0:0(0) ack 1 <...>
                            """.formatted(name, mode, syn, syn.equals("S") ? "S." : "SE."));
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(kind);
        assertThat(verdict.toString()).contains(words);
    }

    @ParameterizedTest
    @CsvSource({
        "net.inet.tcp.ecn.enable=3, UNSUPPORTED, S",
        "net.inet.tcp.ecn.enable=4, PASSED, S",
        "net.ipv4.tcp_ecn=3, UNSUPPORTED, S",
        "net.ipv4.tcp_ecn=4, PASSED, SEW",
        "net.ipv4.tcp_ecn=5, PASSED, S"
    })
    void onlyAskingForAccurateEcnIsUnsupported(String setting, Verdict.Kind kind, String syn) {
        Verdict verdict = run("""
                             0 `sysctl %s`
                            +0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
                            +0 connect(3, ..., ...) = -1
                            +0 > %s 0:0(0) <...>
                            """.formatted(setting, syn));
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(kind);
    }

    @Test
    void freeBsdsSendBufferHoldsWholeSegments() {
        assertThat(run("""
                                 0 `sysctl net.inet.tcp.rfc6675_pipe=1; sysctl net.inet.tcp.sendspace=32768`
                                +0 `tcpdump -i tun0 -w some.trc tcp &; sync`
                                +0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
                                +0 bind(3, ..., ...) = 0
                                +0 listen(3, 1) = 0
                                +0 < S 0:0(0) win 32767 <mss 1000>
                                +0 > S. 0:0(0) ack 1 <...>
                                +0 < . 1:1(0) ack 1 win 65535
                                +0 accept(3, ..., ...) = 4
                                +0 write(4, ..., 33000) = 33000
                                """)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void itIsCountedHowLongTheWindowWasInTheWay() {
        String begin = ESTABLISHED + """
                +0 %{ assert tcpi_busy_time == 0 and tcpi_rwnd_limited == 0 }%
                +0 < . 1:1(0) ack 1 win 0
                +0 write(4, ..., 1000) = 1000
                +.1 < . 1:1(0) ack 1 win 5000
                +0 %{ assert tcpi_busy_time == 100000 and tcpi_rwnd_limited == 100000; \\
                }%
                +0 > P. 1:1001(1000) ack 1
                +.03 %{ assert tcpi_busy_time == 130000 and tcpi_rwnd_limited == 100000 }%
                +.01 < . 1:1(0) ack 1001 win 5000
                +.5 %{ assert tcpi_busy_time == 140000 and tcpi_rwnd_limited == 100000 }%
                """;
        assertThat(run(begin)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void itIsKnownHowLargeThePeersSegmentsAre() {
        assertThat(run("--mss=1000\n" + ESTABLISHED + """
                +0 %{ assert tcpi_rcv_mss == 536 }%
                +0 < P. 1:101(100) ack 1 win 5000
                +.04 > . 1:1(0) ack 101
                +0 %{ assert tcpi_rcv_mss == 536 }%
                +0 < . 101:4101(4000) ack 1 win 5000
                +0 > . 1:1(0) ack 4101
                +0 %{ assert tcpi_rcv_mss == 1000 }%
                """)).isEqualTo(Verdict.passed("test.pkt"));
    }

    @Test
    void listenersAreFoundInLinuxsTable() {
        String question = "+0 `grep \" 0A \" /proc/net/tcp /proc/net/tcp6 | grep \":1F90\"`\n";
        assertThat(run(ESTABLISHED + question)).isEqualTo(Verdict.passed("test.pkt"));
        assertFails("+0 close(3) = 0\n" + question, "connections in LISTEN differs");
    }

    @ParameterizedTest
    @CsvSource({"1, 1.0, UNSUPPORTED", "1, 0.9, PASSED", "0, 5, PASSED"})
    void openingAnewWhatHasEndedIsUnsupportedWhereItMayBe(int mode, String later, Verdict.Kind kind) {
        Verdict verdict = run("""
                             0 `sysctl net.ipv4.tcp_tw_reuse=%d`
                            +0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
                            +0 setsockopt(3, SOL_IP, IP_LOCAL_PORT_RANGE, [0xdeaddead], 4) = 0
                            +0 connect(3, ..., ...) = -1
                            +0 > S 0:0(0) <...>
                            +0 < S. 0:0(0) ack 1 win 65535 <mss 1460,TS val 7 ecr 0>
                            +0 > . 1:1(0) ack 1 <...>
                            +0 close(3) = 0
                            +0 > F. 1:1(0) ack 1 <...>
                            +0 < F. 1:1(0) ack 2 win 65535 <TS val 7 ecr 0>
                            +0 > . 2:2(0) ack 2 <...>
                            +0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3
                            +0 setsockopt(3, SOL_IP, IP_LOCAL_PORT_RANGE, [0xdeaddead], 4) = 0
                            +%s connect(3, ..., ...) = -1 EADDRNOTAVAIL (Cannot assign requested address)
                            """.formatted(mode, later));
        assertThat(verdict.kind()).as(verdict.toString()).isEqualTo(kind);
    }

    @Test
    void acceptedSocketsMayNotWait() {
        String script = ESTABLISHED.replace("accept(3, ..., ...)", "accept4(3, ..., ..., SOCK_NONBLOCK)");
        assertThat(run(script + "+0 read(4, ..., 10) = -1 EAGAIN (Resource temporarily unavailable)\n"))
                .isEqualTo(Verdict.passed("test.pkt"));
    }
}
