package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The host's network becomes another one while guests are there: the kernel tells, and nothing that was learnt before is believed. */
class HostNetworkTest {
    private static final int PORT = 5303;

    @RegisterExtension
    static final Lab lab = Lab.needing("dig", "dnsmasq", "ip");

    private static Path log;

    @BeforeAll
    static void startServers() throws IOException {
        log = Files.createFile(lab.folder().resolve("names.log"));
        lab.server(
                PORT,
                "dnsmasq",
                "--keep-in-foreground",
                "--no-resolv",
                "--no-hosts",
                "--conf-file=/dev/null",
                "--pid-file=",
                "--user=root",
                "--local-ttl=3600",
                "--log-queries",
                "--log-facility=" + log,
                "--port=" + PORT,
                "--address=/www.example/192.0.2.80");
    }

    /** How often the server was asked; what the cache answers it does not hear of. */
    private static long asked() {
        try {
            return Files.readAllLines(log).stream()
                    .filter(line -> line.contains("query[A] www.example"))
                    .count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long answered(Program guest) {
        return guest.out().lines().filter("192.0.2.80"::equals).count();
    }

    @Test
    void whatWasLearntIsForgottenWithEachAddressRouteAndLinkThatComesOrGoes() {
        try (Program guest = lab.sluice(
                "run",
                "--dns",
                Lab.SERVER + ":" + PORT,
                "--",
                "sh",
                "-c",
                "while :; do dig +short +time=30 +tries=1 www.example A; sleep 0.1; done")) {
            Await.until(
                    "a name is answered again and again",
                    guest::toString,
                    () -> answered(guest) >= 10 || !guest.alive());
            assertThat(asked()).as("answers came from the cache").isLessThan(5);
            for (String change : List.of(
                    "ip addr add 198.18.0.1/32 dev up0",
                    "ip addr del 198.18.0.1/32 dev up0",
                    "ip route add 198.18.5.0/24 via 192.0.2.254",
                    "ip route del 198.18.5.0/24",
                    "ip -6 addr add 2001:db8:77::1/128 dev up0 nodad",
                    "ip -6 addr del 2001:db8:77::1/128 dev up0",
                    "ip link add vpn0 type veth peer name vpn1",
                    "ip addr add 198.18.9.1/24 dev vpn0",
                    "ip link del vpn0")) {
                long before = asked();
                lab.onHost(change.split(" ")).output();
                if (!change.startsWith("ip link add")) { // one without an address leads nowhere
                    Await.until(change, guest::toString, () -> asked() > before || !guest.alive());
                }
                assertThat(guest.alive()).as(guest.toString()).isTrue();
            }
            assertThat(asked()).as("the cache was used between changes").isLessThan(answered(guest));
        }
    }
}
