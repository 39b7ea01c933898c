package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code sluice explain} with real servers, good and bad, and the examples of docs/explain.md as they stand there. */
class ExplainTest {
    /** Accepts one connection and leaves all others waiting for an answer to their SYN. */
    private static final String SILENT = """
            import socket, time
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(('', 81)); s.listen(0)
            held = []
            for i in range(4):
                c = socket.socket(); c.setblocking(False); c.connect_ex(('127.0.0.1', 81)); held.append(c)
            time.sleep(1000)
            """;

    @RegisterExtension
    static final Lab lab = Lab.needing("openssl", "python3", "sh");

    private static Program guest;

    @BeforeAll
    static void startServersAndGuest() throws IOException {
        lab.server(TestServers.class);
        lab.server(81, "python3", "-c", SILENT);
        Path good = tls(443, "good.test", "-0d");
        Path other = tls(444, "other.test", "-0d");
        tls(445, "good.test", "-900d");
        tls(446, "good.test", "-0d"); // by an authority that nobody knows
        Path bundle = lab.folder().resolve("authorities.pem");
        Files.writeString(bundle, Files.readString(good) + Files.readString(other));
        guest = lab.onHost(
                "env",
                "SSL_CERT_FILE=" + bundle,
                Lab.launcher().toString(),
                "run",
                "--no-ipv6",
                "--dns-record",
                "good.test=" + Lab.SERVER,
                "--dns-record",
                "www.test=good.test",
                "--dns-zone",
                "test=",
                "--",
                "sh",
                "-c",
                "echo ready; sleep 1000");
        Await.until("the guest runs", guest::toString, () -> guest.out().contains("ready") || !guest.alive());
        Await.until("it answers", guest::toString, () -> explain("127.0.0.1").exitCode() != 69);
    }

    /** Starts a TLS server with a certificate of its own, which is valid for a year from {@code start}; the certificate. */
    private static Path tls(int port, String name, String start) {
        Path folder = lab.folder();
        String keytool =
                Path.of(System.getProperty("java.home", ""), "bin", "keytool").toString();
        Path store = folder.resolve(port + ".p12");
        lab.onHost(
                        keytool,
                        "-genkeypair",
                        "-alias",
                        "a",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + name,
                        "-ext",
                        "SAN=dns:" + name,
                        "-startdate",
                        start,
                        "-validity",
                        "365",
                        "-keystore",
                        store.toString(),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "not-secret")
                .output();
        Path pem = folder.resolve(port + ".pem");
        lab.onHost(
                        "openssl",
                        "pkcs12",
                        "-in",
                        store.toString(),
                        "-passin",
                        "pass:not-secret",
                        "-nodes",
                        "-out",
                        pem.toString())
                .output();
        lab.server(
                port,
                "openssl",
                "s_server",
                "-quiet",
                "-accept",
                "" + port,
                "-cert",
                pem.toString(),
                "-key",
                pem.toString());
        Path certificate = folder.resolve(port + ".crt");
        lab.onHost("openssl", "x509", "-in", pem.toString(), "-out", certificate.toString())
                .output();
        return certificate;
    }

    private static Program explain(String... words) {
        String[] line = new String[words.length + 3];
        line[0] = "explain";
        line[1] = "--pid";
        line[2] = "" + sluice();
        System.arraycopy(words, 0, line, 3, words.length);
        Program explained = lab.sluice(line);
        explained.exitCode();
        return explained;
    }

    /** What env and ip became. */
    private static long sluice() {
        return guest.pid();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', textBlock = """
            https://good.test/         | 0 | ok   tls     TLSv1.3, CN=good.test, issued by CN=good.test, valid
            http://www.test/           | 0 | www.test A: alias good.test, 198.51.100.10  (configured records
            good.test:7004             | 0 | guests reach good.test:7004
            good.test                  | 0 | 198.51.100.10 from 192.0.2.1 by up0 via 192.0.2.254
            http://nobody.test/        | 1 | what to do: check the spelling
            good.test:9                | 1 | 198.51.100.10:9 refuses connections
            http://good.test:81/       | 1 | does not answer within 5 seconds
            https://good.test:444/     | 1 | the certificate is not good.test's: CN=other.test
            https://good.test:445/     | 1 | the certificate has expired: CN=good.test
            https://good.test:446/     | 1 | this machine does not trust the certificate: CN=good.test
            https://other.test:444/    | 1 | no such name
            https://198.51.100.10:445/ | 1 | the certificate has expired
            https://good.test:80/      | 1 | the server does not answer to TLS
            http://192.168.65.2/       | 1 | 192.168.65.2 is closed to guests
            """)
    void whatAGuestMeetsIsSaidWithTheRemedy(String target, int code, String said) {
        Program explained = explain(target);
        assertThat(explained.out()).as(explained.toString()).contains(said);
        assertThat(explained.exitCode()).isEqualTo(code);
        assertThat(explained.out().contains("what to do: ")).isEqualTo(code == 1);
        assertThat(explained.out().lines().filter(line -> line.startsWith("ok   ") && code == 1))
                .as("nothing goes well after what failed")
                .allMatch(
                        line -> explained.out().indexOf(line) < explained.out().indexOf("FAIL "));
        String json = explain(target, "--json").outputAtEnd();
        assertThat(json).contains("\"works\": " + (code == 0), code == 0 ? "\"steps\": [" : "\"remedy\": \"");
    }

    @Test
    void asJsonItIsOneLine() {
        String json = explain("good.test:7004", "--json").output();
        assertThat(json.lines()).singleElement().asString().contains("\"works\": true", "\"stage\": \"connect\"");
        assertThat(explain("ftp://x/").errorsAtEnd()).contains("http:// or https://");
        assertThat(explain("good.test", "--guest", "x").errorsAtEnd()).contains("x");
    }

    @Test
    void theExamplesOfThePageAreTrue() throws IOException {
        List<Examples.Example> examples = Examples.of(Path.of("../docs/explain.md"));
        assertThat(examples).isNotEmpty();
        StringBuilder said = new StringBuilder();
        StringBuilder is = new StringBuilder();
        for (Examples.Example example : examples) {
            String[] words = (example.command() + " --pid " + sluice()).split(" ");
            Program run = lab.sluice(Arrays.copyOfRange(words, 1, words.length));
            said.append("$ ").append(example.command()).append('\n').append(steady(example.output()));
            is.append("$ ").append(example.command()).append('\n').append(steady(run.outputAtEnd()));
        }
        assertThat(is).hasToString(said.toString());
    }

    @Test
    void theProxyThatIsInForceIsGoneThroughAndItsPasswordIsNotShown() {
        try {
            assertThat(proxy("set", "http://me:canary@" + Lab.SERVER + ":9", "--no-proxy", "www.test"))
                    .contains("http://" + Lab.SERVER + ":9 (with a password)", "www.test")
                    .doesNotContain("canary");
            Program refused = explain("https://good.test/");
            assertThat(refused.out())
                    .contains(
                            "by way of http://" + Lab.SERVER + ":9  (proxy.use", Lab.SERVER + ":9 refuses connections")
                    .doesNotContain("canary");
            assertThat(refused.exitCode()).isEqualTo(1);
            assertThat(explain("http://www.test/").output()).contains("straight to the server  (proxy.except www.test");
            assertThat(explain("good.test:7004").output()).contains("port 7004 is not looked into");
            assertThat(proxy("test", "https://good.test/"))
                    .isEqualTo("by way of http://" + Lab.SERVER + ":9  (proxy.use)\n");
        } finally {
            proxy("unset");
        }
        assertThat(explain("https://good.test/").output()).contains("no proxy is set");
    }

    private static String proxy(String... words) {
        String[] line = new String[words.length + 3];
        line[0] = "proxy";
        System.arraycopy(words, 0, line, 1, words.length);
        line[words.length + 1] = "--pid";
        line[words.length + 2] = "" + sluice();
        return lab.sluice(line).output();
    }

    /** Without what is another each time. */
    private static String steady(String text) {
        return text.replaceAll(", [0-9]+ ms\\)", ")").replaceAll("valid [0-9-]+ to [0-9-]+", "valid DATE");
    }
}
