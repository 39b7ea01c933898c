package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The HTTP proxy with real upstreams (squid and tinyproxy, both of which want a password) and real programs as guests. The servers' name
 * leads the guests nowhere: only the upstreams know better. So what arrives has gone by the name, through the upstream.
 */
class ProxyTest {
    private static final String NAME = "www.example.test";
    private static final String NOWHERE = "198.51.100.77";
    private static final String CANARY = "canary-4711";
    private static final String SQUID = "http://me:" + CANARY + "@" + Lab.SERVER + ":3128";
    private static final String TINYPROXY = "http://me:" + CANARY + "@" + Lab.SERVER + ":8888";
    private static final int TUNNELS = 1000;
    private static final long MIB = 1 << 20;

    @RegisterExtension
    static final Lab lab = Lab.needing("squid", "tinyproxy", "socat", "curl", "wget", "git", "python3", "openssl");

    private static Path folder;

    @BeforeAll
    static void startServers() throws IOException {
        folder = lab.folder();
        lab.server(TestServers.class);
        write("hosts", "127.0.0.1 localhost\n" + Lab.SERVER + " " + NAME + "\n");
        tlsOrigin();
        squid();
        write("tinyproxy.conf", "Port 8888\nTimeout 600\nBasicAuth me " + CANARY + "\nMaxClients 50\n");
        lab.server(
                8888,
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind " + folder + "/hosts /etc/hosts && exec tinyproxy -d -c " + folder + "/tinyproxy.conf");
    }

    private static void write(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), text);
        file.toFile().setReadable(true, false);
    }

    /** Serves a repository and a file over TLS, with a certificate that only those trust who are told of it. */
    private static void tlsOrigin() throws IOException {
        sh("cd " + folder + " && openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=" + NAME
                + " -addext subjectAltName=DNS:" + NAME + ",IP:" + Lab.SERVER
                + " -keyout key.pem -out cert.pem 2>/dev/null"
                + " && git init -q work && cd work && echo hello >file && git add file"
                + " && git -c user.name=a -c user.email=a@b commit -qm first && cd .."
                + " && mkdir www && git clone -q --bare work www/repository.git"
                + " && git -C www/repository.git update-server-info"
                + " && head -c 3000000 /dev/urandom >www/large");
        write("tls.py", """
                import http.server, ssl
                class Server(http.server.ThreadingHTTPServer):
                    def handle_error(self, request, client_address): pass
                class Files(http.server.SimpleHTTPRequestHandler):
                    protocol_version = 'HTTP/1.1'
                    def __init__(self, *args): super().__init__(*args, directory='www')
                    def log_message(self, *args): pass
                server = Server(('', 443), Files)
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain('cert.pem', 'key.pem')
                server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
                server.serve_forever()
                """);
        lab.server(443, "sh", "-c", "cd " + folder + " && exec python3 tls.py");
    }

    private static void squid() throws IOException {
        String hash = sh("openssl passwd -apr1 " + CANARY).strip();
        write("passwords", "me:" + hash + "\n");
        for (String log : new String[] {"access.log", "cache.log"}) {
            Files.createFile(folder.resolve(log)).toFile().setWritable(true, false);
        }
        write("squid.conf", """
                http_port 3128
                auth_param basic program /usr/lib/squid/basic_ncsa_auth %1$s/passwords
                auth_param basic realm lab
                acl known proxy_auth REQUIRED
                acl forbidden dstdomain forbidden.example.test
                http_access deny forbidden
                http_access allow known
                http_access deny all
                hosts_file %1$s/hosts
                pid_filename none
                cache deny all
                access_log stdio:%1$s/access.log
                cache_log %1$s/cache.log
                netdb_filename none
                shutdown_lifetime 0 seconds
                """.formatted(folder));
        lab.server(3128, "squid", "-N", "-n", "sluiceit", "-f", folder + "/squid.conf");
    }

    private static String sh(String script) {
        return lab.onHost("sh", "-c", script).output();
    }

    private static Program run(String proxy, String script, String... more) {
        String[] first = {
            "run",
            "--http-proxy",
            proxy,
            "--dns-record",
            NAME + "=" + NOWHERE,
            "--dns-record",
            "forbidden.example.test=" + NOWHERE
        };
        String[] last = {"--", "sh", "-c", script};
        String[] all = new String[first.length + more.length + last.length];
        System.arraycopy(first, 0, all, 0, first.length);
        System.arraycopy(more, 0, all, first.length, more.length);
        System.arraycopy(last, 0, all, first.length + more.length, last.length);
        return lab.sluice(all);
    }

    @Test
    void programsThatKnowOfNoProxyReachTheWorldThroughSquid() throws IOException {
        String script = """
                set -e; cd $(mktemp -d); export CURL_CA_BUNDLE=%1$s/cert.pem GIT_SSL_CAINFO=%1$s/cert.pem SSL_CERT_FILE=%1$s/cert.pem
                curl -sS http://%2$s/bytes/1/100000 | sha256sum
                curl -sS -T %1$s/www/large http://%2$s/put; echo
                curl -sS https://%2$s/large | cmp - %1$s/www/large && echo same
                wget -q --ca-certificate=%1$s/cert.pem -O - https://%2$s/large | cmp - %1$s/www/large && echo same
                git clone -q https://%2$s/repository.git && cat repository/file
                python3 -c "import urllib.request as r; print(len(r.urlopen('https://%2$s/large').read()))"
                rm -rf "$PWD"
                """.formatted(folder, NAME);
        assertThat(run(SQUID, script).output().lines().map(line -> line.replace("  -", "")))
                .containsExactly(
                        TestServers.digest(1, 100_000),
                        sh("sha256sum <" + folder + "/www/large").split(" ")[0],
                        "same",
                        "same",
                        "hello",
                        "3000000");
        Lab.awaitText(
                folder.resolve("access.log"),
                0,
                "CONNECT " + NAME + ":443 me",
                "GET http://" + NAME + "/bytes/1/100000 me");
    }

    @Test
    void programsThatAskTheGatewayReachTheWorldThroughTinyproxy() {
        String script = "curl -sS -x http://192.168.65.1:3128 http://" + NAME + "/bytes/2/5000 | sha256sum;"
                + "curl -sS -x http://192.168.65.1:3128 --cacert " + folder + "/cert.pem https://" + NAME
                + "/large | cmp - " + folder + "/www/large && echo same;"
                + "http_proxy=http://192.168.65.1:3128 python3 -c \"import urllib.request as r;"
                + " print(len(r.urlopen('http://" + NAME + "/bytes/3/12345').read()))\"";
        assertThat(run(TINYPROXY, script, "--transparent-ports", "none")
                        .output()
                        .lines())
                .containsExactly(TestServers.digest(2, 5000) + "  -", "same", "12345");
    }

    /** As with a company's agent on every desktop: the proxy listens on the loopback of the host, and variables name it. */
    @Test
    void whatTheHostsVariablesSayHoldsByDefault_alsoForAProxyOnItsLoopback() {
        try (Program agent =
                lab.onHost("socat", "TCP-LISTEN:8890,bind=127.0.0.1,reuseaddr,fork", "TCP:" + Lab.SERVER + ":3128")) {
            Await.until(
                    "the agent listens",
                    agent::toString,
                    () -> lab.onHost("sh", "-c", "ss -ltn | grep -q 127.0.0.1:8890")
                                            .exitCode()
                                    == 0
                            || !agent.alive());
            String proxy = "http://me:" + CANARY + "@127.0.0.1:8890";
            String fetch = "curl -sS --cacert " + folder + "/cert.pem ";
            String script = "echo $http_proxy; " + fetch + "http://" + NAME + "/bytes/7/1000 | sha256sum; " + fetch
                    + "https://" + NAME + "/large | cmp - " + folder + "/www/large && echo same; env -u http_proxy "
                    + fetch + "http://" + NAME + "/bytes/7/1000 | sha256sum";
            String digest = TestServers.digest(7, 1000) + "  -";
            assertThat(withVariables(proxy, script).output().lines())
                    .containsExactly("http://192.168.65.1:3128", digest, "same", digest);
            assertThat(withVariables(proxy, "echo $http_proxy", "--keep-proxy-env")
                            .output())
                    .isEqualTo(proxy + "\n");
            assertThat(withVariables(
                                    proxy,
                                    "env -u http_proxy curl -s -o /dev/null -m 5 http://" + NAME
                                            + "/ || echo not reached",
                                    "--http-proxy",
                                    "none")
                            .outputAtEnd())
                    .isEqualTo("not reached\n");
        }
    }

    private static Program withVariables(String proxy, String script, String... more) {
        List<String> line = new ArrayList<>(List.of(
                "env",
                "http_proxy=" + proxy,
                "https_proxy=" + proxy,
                Lab.launcher().toString(),
                "run",
                "--dns-record",
                NAME + "=" + NOWHERE));
        line.addAll(List.of(more));
        line.addAll(List.of("--", "sh", "-c", script));
        return lab.onHost(line.toArray(String[]::new));
    }

    @Test
    void anUpstreamInsideTlsHasToProveWhoItIs() {
        lab.server(
                8443,
                "socat",
                "OPENSSL-LISTEN:8443,reuseaddr,fork,verify=0,cert=" + folder + "/cert.pem,key=" + folder + "/key.pem",
                "TCP:127.0.0.1:3128");
        sh(Path.of(System.getProperty("java.home"), "bin", "keytool") + " -importcert -noprompt -alias lab -file "
                + folder + "/cert.pem -keystore " + folder + "/trust -storepass not-secret 2>&1");
        String[] run = {
            "run",
            "--http-proxy",
            SQUID.replace("http:", "https:").replace(":3128", ":8443"),
            "--dns-record",
            NAME + "=" + NOWHERE,
            "--",
            "sh",
            "-c",
            "curl -sS --cacert " + folder + "/cert.pem https://" + NAME + "/large | cmp - " + folder
                    + "/www/large && echo same;" + "curl -s http://" + NAME + "/bytes/5/300000 | sha256sum"
        };
        String[] trusting = new String[run.length + 3];
        System.arraycopy(run, 0, trusting, 3, run.length);
        trusting[0] = "env";
        trusting[1] = "JAVA_TOOL_OPTIONS=-Djavax.net.ssl.trustStore=" + folder
                + "/trust -Djavax.net.ssl.trustStorePassword=not-secret";
        trusting[2] = Lab.launcher().toString();
        assertThat(lab.onHost(trusting).output().lines())
                .containsExactly("same", TestServers.digest(5, 300_000) + "  -");
        run[run.length - 1] = "curl -s http://" + NAME + "/";
        assertThat(lab.sluice(run).outputAtEnd())
                .contains("Upstream https://" + Lab.SERVER + ":8443", "PKIX")
                .doesNotContain(CANARY);
    }

    @Test
    void aRefusalReachesTheGuestAsWhatItIs() {
        String script = "curl -s -o /dev/null -w '%{http_code}\\n' http://forbidden.example.test/;"
                + "curl -s -x 192.168.65.1:3128 -o /dev/null -w '%{http_connect}\\n' https://forbidden.example.test/;"
                + "curl -s https://forbidden.example.test/; echo $?";
        Program run = run(SQUID, script, "-v");
        assertThat(run.outputAtEnd().lines()).containsExactly("403", "403", "35");
        assertThat(run.err())
                .contains("forbidden.example.test:443", "answers 403", "--http-proxy")
                .doesNotContain(CANARY);
        Program wrong = run(
                "http://me:wrong@" + Lab.SERVER + ":3128",
                "curl -s -w '%{http_code}\\n' -o /dev/null http://" + NAME + "/");
        assertThat(wrong.outputAtEnd()).isEqualTo("407\n");
    }

    @Test
    void anUpstreamThatIsNotThereIsExplainedAndExceptionsGoStraight() {
        String script = "curl -s http://" + NAME + "/x; curl -sS http://" + Lab.SERVER + "/bytes/4/10 | wc -c";
        Program run = run("http://me:" + CANARY + "@" + Lab.SERVER + ":9", script, "--no-proxy", Lab.SERVER);
        assertThat(run.outputAtEnd())
                .contains(
                        "502 Bad Gateway",
                        "Upstream http://" + Lab.SERVER + ":9",
                        "refuses connections",
                        "Rule: --http-proxy")
                .endsWith("10\n")
                .doesNotContain(CANARY);
    }

    @Test
    void thePasswordIsNowhereToBeSeen() {
        String sluice = Lab.launcher().toString();
        Path dump = folder.resolve("dump.tar.gz");
        String script = "curl -sS http://" + NAME + "/bytes/1/10 >/dev/null; curl -sS -v -x 192.168.65.1:3128 http://"
                + NAME + "/bytes/1/10 -o /dev/null 2>&1";
        Program guest = run(SQUID, script + "; echo done; sleep 1000", "-v");
        Await.until(
                "the guest has what it wants",
                guest::toString,
                () -> guest.out().contains("done"));
        String pid = "" + guest.pid();
        String status = lab.onHost(sluice, "status", "--json", pid).output()
                + lab.onHost(sluice, "flows", "--json", "--pid", pid).output()
                + lab.onHost(
                                "sh",
                                "-c",
                                sluice + " diagnose --seconds 0 -w " + dump + " " + pid + " && tar -xOzf " + dump)
                        .outputAtEnd();
        assertThat(status).contains("\"proxy\"").doesNotContain(CANARY).doesNotContain("bWU6");
        assertThat(guest.out() + guest.err()).doesNotContain(CANARY).doesNotContain("bWU6");
        guest.signal("TERM");
        guest.exitCode();
    }

    /** Minutes would show no more than seconds: nothing in the data path has a timer for it. */
    @Test
    void aThousandIdleTunnelsCostLittleAndNoneIsCut() throws IOException {
        write("tunnels.py", """
                import os, resource, socket, sys, time
                resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
                def tunnel():
                    s = socket.create_connection(('192.168.65.1', 3128))
                    s.sendall(b'CONNECT %s:7004 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')
                    head = b''
                    while not head.endswith(b'\\r\\n\\r\\n'):
                        piece = s.recv(1)
                        assert piece, head
                        head += piece
                    assert b' 200 ' in head, head
                    return s
                def echo(s):
                    s.sendall(b'x')
                    assert s.recv(1) == b'x'
                def wait(word):
                    print(word, flush=True)
                    while not os.path.exists(sys.argv[1] + '/' + word):
                        time.sleep(0.05)
                first = [tunnel() for _ in range(20)]
                [echo(s) for s in first]
                wait('warm')
                all = [tunnel() for _ in range(%d)]
                [echo(s) for s in all]
                wait('idle')
                [echo(s) for s in all]
                print('alive', flush=True)
                """.formatted(Lab.SERVER, TUNNELS));
        Program guest = lab.sluice("run", "--", "python3", folder + "/tunnels.py", folder.toString());
        Await.until(
                "the first tunnels stand", guest::toString, () -> guest.out().contains("warm") || !guest.alive());
        long before = resident(guest);
        Files.createFile(folder.resolve("warm"));
        Await.until("all tunnels stand", guest::toString, () -> guest.out().contains("idle") || !guest.alive());
        assertThat(guest.alive()).as(guest.toString()).isTrue();
        Await.until(
                TUNNELS + " idle tunnels cost less than 64 MiB",
                () -> (resident(guest) - before) + " bytes",
                () -> resident(guest) - before < 64 * MIB);
        System.out.println(TUNNELS + " idle tunnels: " + (resident(guest) - before) / 1024 + " KiB");
        Files.createFile(folder.resolve("idle"));
        assertThat(guest.output()).contains("alive");
    }

    private static long resident(Program program) {
        try {
            return Long.parseLong(Files.readString(Path.of("/proc/" + program.pid() + "/statm"))
                            .split(" ")[1])
                    * 4096;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
