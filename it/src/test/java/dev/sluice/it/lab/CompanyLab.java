package dev.sluice.it.lab;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * A company's network, in a {@link Lab}:
 *
 * <pre>
 *   host ── router ══ 10.0.0.53  name server of corp.example      (══: packets of 1280 bytes at most)
 *            │     ══ 10.0.0.54  name server of example.org
 *            │     ══ 10.0.0.80  wiki.corp.example, pac.corp.example: web servers
 *            │     ══ 10.0.0.31, .32  proxy1, proxy2.corp.example: squid, which wants a password
 *            ╳        203.0.113.10  www.example.org: the outside, which only the proxies reach
 * </pre>
 *
 * The host's own resolver knows none of these names. The web servers keep files of the folder {@code www}; {@code /gated/N} sends half of
 * {@code large} and the rest when there is a file {@code go}; {@code /who} says whose connection it was.
 */
public final class CompanyLab {
    public static final String PASSWORD = "canary-4712";
    private static final String ZONE = "corp.example";

    private final Lab lab;
    private final Path folder;

    private CompanyLab(Lab lab) {
        this.lab = lab;
        this.folder = lab.folder();
    }

    /** Makes one of a lab. */
    public static CompanyLab in(Lab lab) throws IOException {
        CompanyLab made = new CompanyLab(lab);
        made.roads();
        made.names();
        made.webServers();
        made.proxies();
        return made;
    }

    /** The programs that the lab has to need: the company's, and more. */
    public static String[] needs(String... more) {
        return Stream.concat(Stream.of("squid", "dnsmasq", "openssl", "python3", "git"), Stream.of(more))
                .toArray(String[]::new);
    }

    private void roads() {
        lab.onInternet("sh", "-ec", """
                for a in 10.0.0.31 10.0.0.32 10.0.0.53 10.0.0.54 10.0.0.80 203.0.113.10; do ip addr add $a/32 dev down0; done
                ip link set down0 mtu 1280
                """).output();
        lab.onRouter("sh", "-ec", """
                ip link set up0 mtu 1280
                ip route add 10.0.0.0/24 via 198.51.100.10
                ip route add prohibit 203.0.113.0/24
                """);
    }

    private void names() {
        nameServer(
                "10.0.0.53",
                ZONE,
                "wiki." + ZONE + "/10.0.0.80",
                "pac." + ZONE + "/10.0.0.80",
                "proxy1." + ZONE + "/10.0.0.31",
                "proxy2." + ZONE + "/10.0.0.32");
        nameServer("10.0.0.54", "example.org", "www.example.org/203.0.113.10");
    }

    /** It knows its zone and nothing else, and keeps what it was asked in a file of its address. */
    private void nameServer(String address, String zone, String... hosts) {
        String[] command = new String[13 + hosts.length];
        String[] first = {
            "dnsmasq",
            "--keep-in-foreground",
            "--user=root",
            "--conf-file=/dev/null",
            "--pid-file=",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--except-interface=lo",
            "--listen-address=" + address,
            "--local=/" + zone + "/",
            "--log-queries",
            "--log-facility=" + folder + "/" + address
        };
        System.arraycopy(first, 0, command, 0, first.length);
        for (int i = 0; i < hosts.length; i++) {
            command[first.length + i] = "--address=/" + hosts[i];
        }
        lab.server(address, 53, command);
    }

    /** Everything that one of the name servers was asked. */
    public String asked(String nameServer) throws IOException {
        return Files.readString(folder.resolve(nameServer));
    }

    private void webServers() throws IOException {
        lab.onInternet("sh", "-ec", "cd " + folder + """

                mkdir www trusted www/artifacts
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=lab -keyout key.pem -out trusted/ca-certificates.crt \
                    -addext subjectAltName=DNS:www.example.org,DNS:wiki.corp.example,DNS:pac.corp.example 2>/dev/null
                cp trusted/ca-certificates.crt trusted/lab.pem
                openssl rehash trusted
                git init -q work && cd work && echo hello >file && git add file
                git -c user.name=a -c user.email=a@b commit -qm first && cd ..
                git clone -q --bare work www/repository.git && git -C www/repository.git update-server-info
                head -c 3000000 /dev/urandom >www/large
                for i in 1 2 3 4 5 6; do
                    head -c ${i}00000 /dev/urandom >www/artifacts/a$i.jar
                    sha256sum <www/artifacts/a$i.jar | cut -d' ' -f1 >www/artifacts/a$i.jar.sha256
                done
                """).output();
        pac("one.pac", "PROXY proxy1.corp.example:3128");
        pac("two.pac", "PROXY proxy2.corp.example:3128");
        write("web.py", """
                import http.server, os, ssl, threading, time
                class Server(http.server.ThreadingHTTPServer):
                    request_queue_size = 128
                    def handle_error(self, request, client_address): pass
                class Files(http.server.SimpleHTTPRequestHandler):
                    protocol_version = 'HTTP/1.1'
                    def __init__(self, *args): super().__init__(*args, directory='www')
                    def log_message(self, *args): pass
                    def say(self, body):
                        self.send_response(200)
                        self.send_header('Content-Length', str(len(body)))
                        self.end_headers()
                        self.wfile.write(body)
                    def do_GET(self):
                        if self.path == '/who':
                            self.say(self.client_address[0].encode())
                        elif self.path.startswith('/gated/'):
                            body = open('www/large', 'rb').read()
                            self.send_response(200)
                            self.send_header('Content-Length', str(len(body)))
                            self.end_headers()
                            self.wfile.write(body[:len(body) // 2])
                            self.wfile.flush()
                            open('gate-' + self.path[len('/gated/'):], 'w').close()
                            while not os.path.exists('go'): time.sleep(0.02)
                            self.wfile.write(body[len(body) // 2:])
                        else:
                            super().do_GET()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain('trusted/lab.pem', 'key.pem')
                secure = Server(('', 443), Files)
                secure.socket = context.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
                threading.Thread(target=secure.serve_forever).start()
                Server(('', 80), Files).serve_forever()
                """);
        lab.server(80, "sh", "-c", "cd " + folder + " && exec python3 web.py");
    }

    private void pac(String name, String outside) throws IOException {
        write("www/" + name, script(outside));
    }

    /** A script as companies have them: internal names and what is not qualified go straight, the rest by a proxy. */
    public static String script(String outside) {
        return """
                function FindProxyForURL(url, host) {
                    if (isPlainHostName(host) || dnsDomainIs(host, ".corp.example") ||
                            isInNet(dnsResolve(host), "10.0.0.0", "255.0.0.0")) {
                        return "DIRECT";
                    }
                    return "%s";
                }
                """.formatted(outside);
    }

    private void proxies() throws IOException {
        write(
                "passwords",
                "me:"
                        + lab.onHost("openssl", "passwd", "-apr1", PASSWORD)
                                .output()
                                .strip() + "\n");
        for (String log : new String[] {"access.log", "cache.log"}) {
            Files.createFile(folder.resolve(log)).toFile().setWritable(true, false);
        }
        write("squid.conf", """
                http_port 10.0.0.31:3128
                http_port 10.0.0.32:3128
                dns_nameservers 10.0.0.54
                auth_param basic program /usr/lib/squid/basic_ncsa_auth %1$s/passwords
                auth_param basic realm company
                acl known proxy_auth REQUIRED
                http_access allow known
                http_access deny all
                pid_filename none
                cache deny all
                logformat way %%>la %%>Hs %%un %%rm %%ru
                access_log stdio:%1$s/access.log way
                cache_log %1$s/cache.log
                netdb_filename none
                shutdown_lifetime 0 seconds
                """.formatted(folder));
        lab.server("10.0.0.32", 3128, "squid", "-N", "-n", "sluicecompany", "-f", folder + "/squid.conf");
    }

    /** What the proxies were asked for, a line each: which proxy, status, user, method, URL. A tunnel's is there some time after its end. */
    public String waysTaken() throws IOException {
        return Files.readString(folder.resolve("access.log"));
    }

    /** The same from a point on, once all these are in it. */
    public String waysTaken(int from, String... wanted) throws IOException {
        Lab.awaitText(folder.resolve("access.log"), from, wanted);
        return waysTaken().substring(from);
    }

    public Path write(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), text);
        file.toFile().setReadable(true, false);
        return file;
    }
}
