package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A proxy that wants Kerberos: squid with negotiate_kerberos_auth, and MIT's key distribution centre, of which the host's user has a ticket. */
class NegotiateTest {
    private static final String PROXY = "proxy.corp.example";
    private static final String NAME = "www.example.test";
    private static final String PASSWORD = "canary-4714";

    @RegisterExtension
    static final Lab lab =
            Lab.needing("squid", "krb5kdc", "kdb5_util", "kadmin.local", "kinit", "curl", "socat", "openssl");

    private static Path folder;

    @BeforeAll
    static void startServers() throws IOException {
        Needs.check(
                Files.isExecutable(Path.of("/usr/lib/squid/negotiate_kerberos_auth")),
                "needs squid's helper for Kerberos");
        folder = lab.folder();
        lab.server(TestServers.class);
        write("krb5.conf", """
                [libdefaults]
                    default_realm = CORP.EXAMPLE
                    dns_lookup_kdc = false
                    dns_lookup_realm = false
                    dns_canonicalize_hostname = false
                    rdns = false
                    udp_preference_limit = 1
                [realms]
                    CORP.EXAMPLE = {
                        kdc = %s:88
                    }
                [domain_realm]
                    .corp.example = CORP.EXAMPLE
                """.formatted(Lab.SERVER));
        write("kdc.conf", """
                [kdcdefaults]
                    kdc_ports = 88
                    kdc_tcp_ports = 88
                [realms]
                    CORP.EXAMPLE = {
                        database_name = %1$s/principal
                        key_stash_file = %1$s/stash
                        acl_file = %1$s/acl
                        max_life = 1h
                    }
                [logging]
                    kdc = FILE:%1$s/kdc.log
                """.formatted(folder));
        write("hosts", "127.0.0.1 localhost\n" + Lab.SERVER + " " + NAME + "\n");
        inRealm(lab.onInternet(realm("sh", "-ec", "cd " + folder + """

                kdb5_util create -s -P master-%1$s -r CORP.EXAMPLE
                kadmin.local -q 'addprinc -pw %1$s me'
                kadmin.local -q 'addprinc -randkey HTTP/%2$s'
                kadmin.local -q 'ktadd -k squid.keytab HTTP/%2$s'
                chmod a+r squid.keytab
                touch access.log cache.log && chmod a+rw *.log
                openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=%3$s -keyout key.pem -out cert.pem 2>&1
                """.formatted(PASSWORD, PROXY, NAME))));
        lab.server(88, realm("krb5kdc", "-n"));
        lab.server(
                443,
                "socat",
                "OPENSSL-LISTEN:443,reuseaddr,fork,verify=0,cert=" + folder + "/cert.pem,key=" + folder + "/key.pem",
                "TCP:127.0.0.1:80");
        write("squid.conf", """
                http_port 3128
                auth_param negotiate program /usr/lib/squid/negotiate_kerberos_auth -k %1$s/squid.keytab -s HTTP/%2$s@CORP.EXAMPLE
                auth_param negotiate children 2
                acl known proxy_auth REQUIRED
                http_access allow known
                http_access deny all
                hosts_file %1$s/hosts
                pid_filename none
                cache deny all
                access_log stdio:%1$s/access.log
                cache_log %1$s/cache.log
                netdb_filename none
                shutdown_lifetime 0 seconds
                """.formatted(folder, PROXY));
        lab.server(3128, realm("squid", "-N", "-n", "sluicekrb", "-f", folder + "/squid.conf"));
        inRealm(lab.onHost(realm("sh", "-ec", "echo " + PASSWORD + " | kinit -c FILE:" + folder + "/tickets me")));
    }

    private static void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text).toFile().setReadable(true, false);
    }

    private static void inRealm(Program program) {
        program.output();
    }

    private static String[] realm(String... command) {
        String[] variables = {
            "env", "KRB5_CONFIG=" + folder + "/krb5.conf", "KRB5_KDC_PROFILE=" + folder + "/kdc.conf",
        };
        return Stream.of(variables, command).flatMap(Arrays::stream).toArray(String[]::new);
    }

    private static Program run(String tickets, String script) {
        List<String> command = List.of(
                "env",
                "KRB5CCNAME=" + tickets,
                Lab.launcher().toString(),
                "run",
                "-v",
                "--http-proxy",
                "http://" + PROXY + ":3128",
                "--dns-record",
                PROXY + "=" + Lab.SERVER,
                "--dns-record",
                NAME + "=198.51.100.77",
                "--",
                "sh",
                "-c",
                script);
        return lab.onHost(realm(command.toArray(String[]::new)));
    }

    @Test
    void guestsThatKnowOfNothingReachTheWorldWithTheTicketOfTheHostsUser() throws IOException {
        Program guest = run("FILE:" + folder + "/tickets", """
                curl -sS http://%1$s/bytes/1/100000 | sha256sum
                curl -sS http://%1$s/bytes/2/10 http://%1$s/bytes/2/10 http://%1$s/bytes/2/10 | wc -c
                curl -sS --cacert %2$s/cert.pem https://%1$s/bytes/3/100000 | sha256sum
                curl -sS -T %2$s/cert.pem http://%1$s/put
                """.formatted(NAME, folder));
        assertThat(guest.output())
                .as(guest.toString())
                .isEqualTo(TestServers.digest(1, 100_000) + "  -\n30\n" + TestServers.digest(3, 100_000) + "  -\n"
                        + lab.onHost("sh", "-c", "sha256sum <" + folder + "/cert.pem")
                                .output()
                                .split(" ")[0]);
        Lab.awaitText(
                folder.resolve("access.log"),
                0,
                "GET http://" + NAME + "/bytes/1/100000 me@CORP.EXAMPLE",
                "CONNECT " + NAME + ":443 me@CORP.EXAMPLE",
                "PUT http://" + NAME + "/put me@CORP.EXAMPLE");
        // one ticket for the proxy serves all requests
        assertThat(Files.readString(folder.resolve("kdc.log")).lines().filter(line -> line.contains("TGS_REQ")))
                .hasSize(1);
    }

    @Test
    void whoHasNoTicketIsToldHowToGetOne() {
        assertThat(run("FILE:" + folder + "/nothing", "curl -s http://" + NAME + "/")
                        .outputAtEnd())
                .contains("502 Bad Gateway", "http://" + PROXY + ":3128: it wants a Kerberos ticket", "run kinit");
        assertThat(run("KCM:0", "curl -s -x 192.168.65.1:3128 http://" + NAME + "/")
                        .outputAtEnd())
                .contains("tickets in KCM:", "kinit -c FILE:");
        Program tls = run("FILE:" + folder + "/nothing", "curl -s https://" + NAME + "/; echo $?");
        assertThat(tls.outputAtEnd()).isEqualTo("35\n");
        assertThat(tls.err()).contains("run kinit");
    }

    @Test
    void aTicketThatIsNoneIsNoHarm() throws IOException {
        write("broken", "these are no tickets");
        assertThat(run("FILE:" + folder + "/broken", "curl -s http://" + NAME + "/")
                        .outputAtEnd())
                .contains("502 Bad Gateway", "no good ticket", "run kinit");
    }
}
