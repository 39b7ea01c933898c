package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.WebSocketEcho;
import dev.sluice.it.lab.WebSocketTalk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * WebSockets of real clients by every way that a connection may take, and an upstream that speaks SOCKS5 (microsocks, with a password). As in
 * {@link ProxyTest}, the server's name leads guests nowhere: what arrives has gone through the upstream.
 */
class WebSocketAndSocksTest {
    private static final String NAME = "ws.example.test";
    private static final String NOWHERE = "198.51.100.77";
    private static final String CANARY = "canary-4713";
    private static final String SQUID = "http://me:" + CANARY + "@" + Lab.SERVER + ":3128";
    private static final String SOCKS = "socks5://me:" + CANARY + "@" + Lab.SERVER + ":1080";
    private static final String PYTHON = "/usr/bin/python3";

    @RegisterExtension
    static final Lab lab = Lab.needing("squid", "microsocks", "socat", "openssl", "curl", "python3");

    private static Path folder;

    @BeforeAll
    static void startServers() throws IOException {
        Needs.check(Files.isExecutable(Path.of(PYTHON)), "needs " + PYTHON);
        folder = lab.folder();
        lab.server(WebSocketEcho.class);
        write("hosts", "127.0.0.1 localhost\n" + Lab.SERVER + " " + NAME + "\n");
        lab.onHost("sh", "-ec", "cd " + folder + """

                        mkdir trusted
                        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lab -keyout key.pem \
                            -out trusted/ca-certificates.crt -addext subjectAltName=DNS:%s 2>/dev/null
                        echo me:$(openssl passwd -apr1 %s) >passwords
                        touch access.log cache.log && chmod a+rw *.log && chmod a+r passwords""".formatted(NAME, CANARY)).output();
        lab.server(
                443,
                "socat",
                "OPENSSL-LISTEN:443,reuseaddr,fork,verify=0,cert=" + folder + "/trusted/ca-certificates.crt,key="
                        + folder + "/key.pem",
                "TCP:127.0.0.1:80");
        lab.server(
                1080,
                "unshare",
                "--mount",
                "sh",
                "-c",
                "mount --bind " + folder + "/hosts /etc/hosts && exec microsocks -p 1080 -u me -P " + CANARY);
        write("squid.conf", """
                http_port 3128
                auth_param basic program /usr/lib/squid/basic_ncsa_auth %1$s/passwords
                acl known proxy_auth REQUIRED
                http_access allow known
                http_access deny all
                http_upgrade_request_protocols websocket allow all
                hosts_file %1$s/hosts
                pid_filename none
                cache deny all
                access_log stdio:%1$s/access.log
                cache_log %1$s/cache.log
                netdb_filename none
                shutdown_lifetime 0 seconds
                """.formatted(folder));
        lab.server(3128, "squid", "-N", "-n", "sluicews", "-f", folder + "/squid.conf");
    }

    private static void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text).toFile().setReadable(true, false);
    }

    private static Program run(List<String> options, String script) {
        String[] mount = {
            "unshare", "--mount", "sh", "-c", "mount --bind " + folder + "/trusted /etc/ssl/certs && exec \"$@\"", "sh"
        };
        String[] command = {Lab.launcher().toString(), "run"};
        return lab.onHost(
                Stream.of(mount, command, options.toArray(String[]::new), new String[] {"--", "sh", "-c", script})
                        .flatMap(Arrays::stream)
                        .toArray(String[]::new));
    }

    private static List<String> by(String proxy) {
        return List.of("--http-proxy", proxy, "--dns-record", NAME + "=" + NOWHERE);
    }

    /** The command line of the guest's Java client. */
    private static String talk(String arguments) {
        return Path.of(System.getProperty("java.home"), "bin", "java")
                + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp " + System.getProperty("java.class.path") + " "
                + WebSocketTalk.class.getName() + " " + arguments + "; ";
    }

    private static final String BOTH = talk("ws://" + NAME + "/ wss://" + NAME + "/");

    @Test
    void javasClientThatKnowsOfNoProxyTalksThroughSquid() {
        assertThat(run(by(SQUID), BOTH).output()).isEqualTo("closed 1000\n".repeat(2));
        Lab.awaitText(folder.resolve("access.log"), 0, "GET http://" + NAME + "/ me", "CONNECT " + NAME + ":443 me");
    }

    @Test
    void javasClientThatKnowsOfNoProxyTalksThroughSocks() {
        assertThat(run(by(SOCKS), BOTH).output()).isEqualTo("closed 1000\n".repeat(2));
    }

    @Test
    void javasClientAsksTheGateway_withAnUpstreamAndWithout() {
        String gateway = talk("192.168.65.1:3128 ws://" + NAME + "/ wss://" + NAME + "/");
        assertThat(run(
                                List.of(
                                        "--http-proxy",
                                        SQUID.replace(":3128", ":1"),
                                        "--no-proxy",
                                        NAME,
                                        "--dns-record",
                                        NAME + "=" + Lab.SERVER),
                                gateway)
                        .output())
                .isEqualTo("closed 1000\n".repeat(2));
        // Java asks for a tunnel to port 80, which squid gives to few ports only: as its own affair it is not ours to
        // mend
        assertThat(run(by(SOCKS), gateway).output()).isEqualTo("closed 1000\n".repeat(2));
    }

    @Test
    void aHandshakeInAbsoluteFormIsUpgradedThroughTheGateway() {
        String ask = PYTHON + " -c \"import socket\n" + """
                s = socket.create_connection(('192.168.65.1', 3128))
                s.sendall(b'GET http://%s/ HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n'
                          b'Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n')
                print(s.makefile().readline())"
                """.formatted(NAME);
        for (String upstream : List.of(SQUID, SOCKS)) {
            assertThat(run(by(upstream), ask).output()).startsWith("HTTP/1.1 101 ");
        }
    }

    @Test
    void pythonsWebsocketsTalksThroughBoth() {
        Needs.check(
                lab.onHost(PYTHON, "-c", "import websockets").exitCode() == 0,
                "needs Python's websockets (Debian: python3-websockets)");
        String script = PYTHON + " -c \"import asyncio, ssl, websockets\n" + """
                async def talk(url, **more):
                    async with websockets.connect(url, **more) as ws:
                        for n in (0, 1, 126, 70000, 1000000):
                            await ws.send('x' * n)
                            assert await ws.recv() == 'x' * n
                        await (await ws.ping())
                    print(ws.close_code)
                trust = ssl.create_default_context(cafile='/etc/ssl/certs/ca-certificates.crt')
                asyncio.run(talk('ws://%1$s/'))
                asyncio.run(talk('wss://%1$s/', ssl=trust))"
                """.formatted(NAME);
        for (String upstream : List.of(SQUID, SOCKS)) {
            assertThat(run(by(upstream), script).output()).isEqualTo("1000\n1000\n");
        }
    }

    @Test
    void whatSocksRefusesIsExplained() {
        String closed = "curl -s http://" + NAME + ":9/ -x 192.168.65.1:3128";
        assertThat(run(by(SOCKS), closed).outputAtEnd())
                .contains("502", "socks5://" + Lab.SERVER + ":1080", "refuse")
                .doesNotContain(CANARY);
        assertThat(run(by(SOCKS.replace(CANARY, "wrong")), "curl -s http://" + NAME + "/")
                        .outputAtEnd())
                .contains("502", "socks5://" + Lab.SERVER + ":1080", "password")
                .doesNotContain("wrong");
    }
}
