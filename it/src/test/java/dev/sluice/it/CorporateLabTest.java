package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.ArtifactDownload;
import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.CompanyLab;
import dev.sluice.it.lab.GuestShell;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * In a company: two zones on two name servers, the outside only by proxies that want a password, which a script names, over a road for 1280
 * bytes. Settings are the host's; the guest has none, and its programs know of no proxy. One guest for all tests.
 */
class CorporateLabTest {
    private static final String PYTHON = "/usr/bin/python3";

    @RegisterExtension
    static final Lab lab = Lab.needing(CompanyLab.needs("curl", "wget"));

    private static CompanyLab company;
    private static Path folder;
    private static Path settings;
    private static GuestShell shell;
    private static Program guest;

    @BeforeAll
    static void startGuest() throws IOException {
        company = CompanyLab.in(lab);
        folder = lab.folder();
        settings = folder.resolve("config.yaml");
        use("http://pac.corp.example/one.pac");
        shell = new GuestShell(folder);
        // the machine trusts the company's certificates: that is no setting of the guest's
        guest = lab.onHost(join(
                List.of(
                        "unshare",
                        "--mount",
                        "sh",
                        "-c",
                        "unset http_proxy https_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY;"
                                + " mount --bind " + folder + "/trusted /etc/ssl/certs && exec \"$@\"",
                        "sh",
                        Lab.launcher().toString(),
                        "run",
                        "--config",
                        settings.toString(),
                        "--"),
                shell.command()));
    }

    private static String[] join(List<String> first, String... rest) {
        return java.util.stream.Stream.concat(first.stream(), java.util.Arrays.stream(rest))
                .toArray(String[]::new);
    }

    /** Writes the settings file; they hold soon. */
    private static void use(String proxy) throws IOException {
        Path fresh = company.write("config.new", """
                dns:
                  zones:
                    corp.example: [10.0.0.53]
                    example.org: [10.0.0.54]
                proxy:
                  use: %s
                  logins: ["me:%s@proxy1.corp.example:3128", "me:%2$s@proxy2.corp.example:3128"]
                """.formatted(proxy, CompanyLab.PASSWORD));
        Files.move(fresh, settings, StandardCopyOption.ATOMIC_MOVE);
    }

    @BeforeEach
    void theScriptNamesTheFirstProxy() throws IOException {
        use("http://pac.corp.example/one.pac");
        awaitWay("proxy1.corp.example");
    }

    private static void awaitWay(String proxy) {
        Await.until(
                "requests take " + proxy,
                () -> way("https://www.example.org/").toString() + guest,
                () -> way("https://www.example.org/").out().contains(proxy));
    }

    private static Program way(String url) {
        Program way = lab.sluice("proxy", "test", url, "--pid", "" + guest.pid());
        way.exitCode();
        return way;
    }

    @AfterAll
    static void itEndsInOrder() {
        if (guest != null) {
            guest.signal("TERM");
            guest.exitCode();
            lab.awaitNothingLeft();
        }
    }

    private static int ways() throws IOException {
        return company.waysTaken().length();
    }

    @Test
    void theHostItselfReachesNothingOutside() {
        assertThat(lab.onHost("curl", "-sS", "--max-time", "60", "http://203.0.113.10/who")
                        .errorsAtEnd())
                .contains("connect");
        // Maven's own arguments may name tests of proxies
        assertThat(shell.run("env -u MAVEN_CMD_LINE_ARGS")).doesNotContainIgnoringCase("proxy");
    }

    @Test
    void curlReachesTheOutsideByTheProxyAndTheInsideWithoutIt() throws IOException {
        int before = ways();
        assertThat(shell.run("""
                        curl -sS http://www.example.org/large | cmp - www/large
                        curl -sS https://www.example.org/large | cmp - www/large
                        curl -sS -T www/large http://www.example.org/put -o /dev/null
                        curl -sS https://wiki.corp.example/large | cmp - www/large
                        curl -sS http://wiki.corp.example/who; echo
                        curl -sS https://wiki.corp.example/who; echo
                        curl -sS http://www.example.org/who; echo""").lines()).containsExactly(Lab.HOST, Lab.HOST, "203.0.113.10");
        assertThat(company.waysTaken(
                        before,
                        "10.0.0.31 200 me GET http://www.example.org/large",
                        "10.0.0.31 200 me CONNECT www.example.org:443",
                        "me PUT http://www.example.org/put"))
                .doesNotContain("wiki", "10.0.0.32");
        assertThat(company.asked("10.0.0.53")).contains("wiki.corp.example").doesNotContain("example.org");
        assertThat(company.asked("10.0.0.54")).contains("www.example.org").doesNotContain("wiki.corp.example");
    }

    @Test
    void gitWgetAndPythonNeedNoSettings() throws IOException {
        int before = ways();
        assertThat(shell.run("""
                        git clone -q https://www.example.org/repository.git clone-outside && cat clone-outside/file
                        git clone -q https://wiki.corp.example/repository.git clone-inside && cat clone-inside/file
                        wget -q -O - https://www.example.org/large | cmp - www/large
                        %s -c "import urllib.request as r
                        for scheme in ('http', 'https'):
                            print(len(r.urlopen(scheme + '://www.example.org/large').read()))" """.formatted(PYTHON)).lines()).containsExactly("hello", "hello", "3000000", "3000000");
        assertThat(company.waysTaken(
                        before, "10.0.0.31 200 me CONNECT www.example.org:443", "me GET http://www.example.org/large"))
                .doesNotContain("wiki");
    }

    @Test
    void pythonsRequestsNeedsNoSettings() {
        Needs.check(
                lab.onHost(PYTHON, "-c", "import requests").exitCode() == 0,
                "needs Python's requests (Debian: python3-requests)");
        assertThat(shell.run(PYTHON + """
                         -c "import requests
                        with requests.Session() as s:
                            for i in (1, 2, 3):
                                print(len(s.get('https://www.example.org/artifacts/a%d.jar' % i).content))" """).lines()).containsExactly("100000", "200000", "300000");
    }

    @Test
    void javasClientDownloadsArtifactsSideBySide() throws IOException {
        int before = ways();
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        assertThat(shell.run(java + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "
                                + System.getProperty("java.class.path")
                                + " " + ArtifactDownload.class.getName() + " https://www.example.org/artifacts"
                                + " http://www.example.org/artifacts https://wiki.corp.example/artifacts")
                        .lines())
                .hasSize(18)
                .containsOnly("same");
        assertThat(company.waysTaken(before, "me GET http://www.example.org/artifacts/a6.jar"))
                .doesNotContain("wiki");
    }

    @Test
    void theSettingsChangeUnderLoad_theNextRequestTakesTheNewWayAndRunningDownloadsFinishIntact() throws IOException {
        int before = ways();
        String digest = shell.run("sha256sum <www/large");
        GuestShell.Script tunnel = shell.start("curl -sS https://www.example.org/gated/1 | sha256sum");
        GuestShell.Script body = shell.start("curl -sS http://www.example.org/gated/2 | sha256sum");
        GuestShell.Script inside = shell.start("curl -sS https://wiki.corp.example/gated/3 | sha256sum");
        for (int i = 1; i <= 3; i++) {
            Path gate = folder.resolve("gate-" + i);
            Await.until(
                    "download " + i + " runs", () -> tunnel + "\n" + body + "\n" + inside, () -> Files.exists(gate));
        }
        int atFirst = ways();

        use("http://pac.corp.example/two.pac");
        awaitWay("proxy2.corp.example");
        shell.run("curl -sS http://www.example.org/large | cmp - www/large;"
                + " curl -sS https://www.example.org/large | cmp - www/large");
        assertThat(company.waysTaken(
                        atFirst,
                        "10.0.0.32 200 me GET http://www.example.org/large",
                        "10.0.0.32 200 me CONNECT www.example.org:443"))
                .doesNotContain("10.0.0.31 200 me GET");

        // and a script that changes in its place, by a path this time
        Path script = company.write("local.pac", CompanyLab.script("PROXY proxy1.corp.example:3128"));
        use(script.toString());
        awaitWay("proxy1.corp.example");
        shell.run("curl -sS http://www.example.org/artifacts/a3.jar -o /dev/null");
        company.waysTaken(atFirst, "10.0.0.31 200 me GET http://www.example.org/artifacts/a3.jar");
        Path fresh = company.write("fresh.pac", CompanyLab.script("PROXY proxy2.corp.example:3128"));
        Files.move(fresh, script, StandardCopyOption.ATOMIC_MOVE);
        shell.run("curl -sS http://www.example.org/artifacts/a4.jar -o /dev/null");
        company.waysTaken(atFirst, "10.0.0.32 200 me GET http://www.example.org/artifacts/a4.jar");

        company.write("go", "");
        assertThat(tunnel.output()).isEqualTo(digest);
        assertThat(body.output()).isEqualTo(digest);
        assertThat(inside.output()).isEqualTo(digest);
        assertThat(company.waysTaken(before, "10.0.0.31 200 me GET http://www.example.org/gated/2"))
                .doesNotContain("wiki");
    }

    @Test
    void explainTellsTheSameWayAndThePasswordIsNowhere() {
        String pid = "" + guest.pid();
        String outside =
                lab.sluice("explain", "https://www.example.org/", "--pid", pid).outputAtEnd();
        assertThat(outside).contains("by way of http://proxy1.corp.example:3128", "one.pac line 6", "guests reach");
        String inside = lab.sluice("explain", "https://wiki.corp.example/", "--pid", pid)
                .outputAtEnd();
        assertThat(inside).contains("straight to the server", "one.pac line 4", "guests reach");
        String shown = lab.sluice("config", "show", "--pid", pid).outputAtEnd()
                + lab.sluice("status", pid, "--json").outputAtEnd()
                + lab.sluice("proxy", "--json", "--pid", pid).outputAtEnd();
        assertThat(shown).contains("me@proxy1.corp.example:3128 (with a password)");
        assertThat(shown + outside + inside + guest.out() + guest.err()).doesNotContain(CompanyLab.PASSWORD);
    }
}
