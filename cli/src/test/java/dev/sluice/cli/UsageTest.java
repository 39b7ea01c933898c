package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.UsageException;
import dev.sluice.cli.settings.Key;
import dev.sluice.cli.settings.Keys;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class UsageTest {
    private final PrintStream realErr = System.err;
    private final PrintStream realOut = System.out;
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    @BeforeEach
    void capture() {
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void release() {
        System.setErr(realErr);
        System.setOut(realOut);
    }

    /** Arguments, and what the one line has to say about them. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                                                  | run, attach, serve
            foo                                   | there is no 'foo' (
            stats                                 | there is no 'stats'; did you mean 'status'?
            flow                                  | did you mean 'flows'?
            train                                 | there is no 'train' (
            run --host-loopbak -- true            | did you mean --host-loopback?
            --mtu 1500                            | '--mtu'
            run                                   | COMMAND
            run --                                | COMMAND
            run --mtu 575 -- true                 | 576…65520
            run --mtu 65521 -- true               | 576…65520
            run --mtu 1500x -- true               | 1500x
            run --mtu -- true                     | mtu
            run --cidr 192.168.65.0 -- true       | prefix length
            run --cidr 192.168.65.0/33 -- true    | 0…32
            run --cidr 192.168.65.0/30 -- true    | 8…29
            run --cidr 192.168.65/24 -- true      | 192.168.65
            run --cidr fd00::/64 -- true          | fd00::
            run --cidr6 fd00::/48 -- true         | is a /64, not a /48
            run --no-ipv6 --cidr6 fd00::/64 -- true | contradict
            run -p web -- true                    | 8080:80
            run -p 80:0 -- true                   | 1…65535
            run -p x:1:2 -- true                  | 'x'
            run --what -- true                    | --what
            ports remove --cut --drain 80         | --drain or --cut
            ports add --cut 80                    | 'sluice ports remove'
            ports gateway remove --cut 80         | 'sluice ports remove'
            ports gateway list x                  | 'x'
            ports --drain                         | 'sluice ports remove'
            attach                                | PID
            attach x                              | 'x'
            attach 0                              | 0
            attach -5                             | -5
            attach 1 2                            | '2'
            attach 1 --netns /run/netns/x         | twice
            attach 1 --mac 1:2                    | 1:2
            attach 1 --mac 01:00:00:00:00:01      | 01:00:00:00:00:01
            attach 1 --tap a/b                    | a/b
            attach 1 --tap sixteen-letters-         | sixteen-letters-
            attach 1 --mtu 100                    | 576…65520
            attach 1 --ready-fd 9999              | --ready-fd 9999
            attach 1 --exit-fd -1                 | --exit-fd -1
            serve                                 | --listen
            serve --listen /tmp/x                 | qemu:PATH
            serve --listen tcp:x                  | 'tcp'
            serve --listen qemu:                  | /tmp/vm.sock
            serve --listen fd:x                   | fd:3
            serve --listen qemu:/tmp/x --mtu 1    | 576…65520
            serve qemu:/tmp/x                     | 'qemu:/tmp/x'
            status x                              | 'x'
            status --interval 0                   | '0'
            guests x                              | 'x'
            flows x                               | 'x'
            flows cut                             | flows cut 17
            flows cut x                           | 'x'
            flows list x                          | 'x'
            dns x                                 | 'x'
            dns add db.test A                     | dns add db.test A 192.0.2.7
            dns add a A b --ttl -1                | '-1'
            dns zone corp.test                    | dns zone corp.example
            events x                              | 'x'
            top --pid x                           | 'x'
            run --api tcp:0.0.0.0:80 -- true      | ssh -L
            run --api tcp:127.0.0.1:80 -- true    | --api-token-file
            run --api-token-file /tmp/x -- true   | say --api tcp:127.0.0.1:PORT
            run --api unix:/x --api-token-file /x -- true | say --api tcp:127.0.0.1:PORT
            attach 1 --api-token-file /tmp/x      | say --api tcp:127.0.0.1:PORT
            serve --listen qemu:/tmp/x --api-token-file /x | say --api tcp:127.0.0.1:PORT
            run --api x -- true                   | 'x'
            run --config /none.yaml -- true       | /none.yaml is not there
            run --config /x --no-config -- true   | give one of them
            run --http-proxy ftp://x -- true      | 'ftp'
            run --proxy-port 70000 -- true        | '70000'
            run --transparent-ports x -- true     | 'x'
            run --no-proxy 10.0.0.0/99 -- true    | 10.0.0.0/99
            proxy x                               | 'x'
            proxy set                             | proxy set http://
            proxy set ftp://x                     | 'ftp'
            proxy test                            | proxy test https://
            proxy show --no-proxy x               | goes with set
            config                                | config check FILE
            config check                          | config check FILE
            config check /none.yaml               | /none.yaml
            config frobnicate                     | 'frobnicate'
            port-helper --owner nobody            | id -u NAME
            port-helper --owner -1                | '-1'
            completion fish                       | fish
            capture tcp port                      | something must follow 'port'
            capture 42 host example.com           | needs an address
            capture --format text                 | pcapng
            capture --ring arp                    | http-proxy
            capture --follow                      | --ring
            capture --count x                     | 'x'
            diagnose x                            | 'x'
            diagnose --seconds 61                 | 0 to 60
            """)
    void wrongUsageIsOneLineAndExitCode2(String arguments, String expected) {
        String[] words = arguments == null ? new String[0] : arguments.split(" ");
        assertThat(Main.execute(words)).isEqualTo(ExitCode.USAGE);
        assertThat(err.toString(StandardCharsets.UTF_8).lines()).hasSize(1);
        assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("sluice").contains(expected);
        assertThat(out.size()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "run",
                "attach",
                "serve",
                "status",
                "top",
                "flows",
                "guests",
                "ports",
                "dns",
                "events",
                "capture",
                "diagnose",
                "completion",
                "config",
                "explain",
                "proxy"
            })
    void everyCommandHasHelpWithExamples(String command) {
        assertThat(Main.execute(command, "--help")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8)).contains("Usage: sluice " + command, "Examples:");
    }

    @Test
    void helpNamesEveryVisibleCommand() {
        assertThat(Main.execute("--help")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("run ", "attach ", "serve ", "status ", "completion ", "Examples:", "Exit codes:")
                .doesNotContain("training");
    }

    @Test
    void completionKnowsEveryCommandAndOption() {
        assertThat(Main.execute("completion", "bash")).isZero();
        assertThat(out.toString(StandardCharsets.UTF_8))
                .contains("--host-loopback", "--ready-fd", "--listen", "status");
    }

    @Test
    void optionsAfterTheCommandAreTheCommands() throws UsageException {
        RunCommand run = parse("--mtu", "1500", "curl", "-v", "--mtu", "9");
        assertThat(run.command).isEqualTo(List.of("curl", "-v", "--mtu", "9"));
        assertThat(run.network.given().get(Keys.MTU)).isEqualTo(1500);
    }

    /** What belongs to one start, and not to a network: no key says it. */
    private static final Set<String> OF_ONE_START = Set.of(
            "--config",
            "--no-config",
            "--verbose",
            "--help",
            "--version",
            "--netns",
            "--tap",
            "--configure",
            "--mac",
            "--ready-fd",
            "--exit-fd",
            "--keep-proxy-env");

    @Test
    void everyOptionOfANetworkHasAKeyAndTheOtherWayRound() {
        Set<String> options = new TreeSet<>();
        for (String command : List.of("run", "attach", "serve")) {
            Main.execute(command, "--help");
        }
        Pattern.compile("^ +(?:-., )?(--[a-z0-9-]+)", Pattern.MULTILINE)
                .matcher(out.toString(StandardCharsets.UTF_8))
                .results()
                .forEach(option -> options.add(option.group(1)));
        options.removeAll(OF_ONE_START);
        Set<String> ofKeys = new TreeSet<>();
        for (Key<?> key : Keys.ALL) {
            ofKeys.addAll(List.of(key.option().split(", ")));
        }
        ofKeys.remove("");
        assertThat(options).isEqualTo(ofKeys);
    }

    @Test
    void aDoubleDashIsNotPartOfTheCommand() throws UsageException {
        RunCommand run = parse("-v", "--", "echo", "--", "-x");
        assertThat(run.command).isEqualTo(List.of("echo", "--", "-x"));
    }

    private static RunCommand parse(String... arguments) throws UsageException {
        RunCommand run = new RunCommand();
        assertThat(run.syntax().parse(List.of(arguments))).isEqualTo(Syntax.Outcome.RUN);
        return run;
    }
}
