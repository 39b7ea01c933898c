package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What VPNKit's own tests ask of its HTTP proxy and the tests beside this one do not, with servers of this machine; docs/testing.md has the table. */
@Timeout(120)
class VpnkitHttpCasesTest {
    private static Route via(Server proxy, String host, boolean known) {
        return new Route.Via(
                new Upstream(
                        Upstream.Kind.HTTP,
                        host,
                        proxy.port(),
                        known ? Optional.of(new Credentials("user", "password")) : Optional.empty()),
                "rule 1");
    }

    /** Their five proxy URLs: the loopback by address and name, with a password, and two names of the host. */
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, false",
        "127.0.0.1, true",
        "localhost, false",
        "host.docker.internal, false",
        "host.sluice.internal, false",
        "192.168.65.2, true"
    })
    void anUpstreamByAnyNameGetsTheRequestAsItWas(String host, boolean known) throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server()) {
            world.routes(_ -> List.of(via(proxy, host, known)), 80, 443);
            String fields = "X-Test: yes\r\nUser-Agent: test/1.0\r\nAuthorization: Bearer mine\r\n";
            try (Client relative = world.toWorld(80);
                    Client absolute = world.toProxy()) {
                relative.send("GET /a?b=c HTTP/1.1\r\nHost: dave.recoil.org\r\n" + fields + "\r\n");
                absolute.send(
                        "GET http://dave.recoil.org/a?b=c HTTP/1.1\r\nHost: dave.recoil.org\r\n" + fields + "\r\n");
                for (int i = 0; i < 2; i++) {
                    try (Peer peer = proxy.accept()) {
                        String head = peer.head();
                        assertThat(head)
                                .startsWith("GET http://dave.recoil.org/a?b=c HTTP/1.1\r\nHost: dave.recoil.org\r\n"
                                        + fields);
                        assertThat(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"))
                                .isEqualTo(known);
                        assertThat(head.split("(?i)host:", -1)).hasSize(2); // nothing twice
                        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                    }
                }
                assertThat(relative.head()).startsWith("HTTP/1.1 200 ");
                assertThat(absolute.head()).startsWith("HTTP/1.1 200 ");
            }
            try (Client transparent = world.toWorld(443);
                    Client explicit = world.toProxy()) {
                transparent.send("hello\n");
                try (Peer peer = proxy.accept()) {
                    tunnel(peer, "127.0.0.1:443", known); // where the world leads to here
                    assertThat(peer.read(6)).isEqualTo("hello\n");
                }
                explicit.send("CONNECT mobyproject.org:443 HTTP/1.1\r\nHost: mobyproject.org:443\r\n\r\n");
                try (Peer peer = proxy.accept()) {
                    tunnel(peer, "mobyproject.org:443", known);
                    assertThat(explicit.head()).startsWith("HTTP/1.1 200 ");
                    explicit.send("hello");
                    assertThat(peer.read(5)).isEqualTo("hello");
                    peer.send("there");
                    assertThat(explicit.read(5)).isEqualTo("there");
                }
            }
        }
    }

    private static void tunnel(Peer peer, String target, boolean known) throws Exception {
        String head = peer.head();
        assertThat(head).startsWith("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n");
        assertThat(head.contains("Proxy-Authorization: Basic dXNlcjpwYXNzd29yZA==\r\n"))
                .isEqualTo(known);
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
    }

    /** VPNKit answers 503 where nothing listens and nobody has the name; here it is 502, and the page says which. */
    @Test
    void tunnelsThatCannotBeSayWhy() throws Exception {
        int closed;
        try (Server gone = new Server()) {
            closed = gone.port();
        }
        try (HttpWorld world = new HttpWorld()) {
            assertThat(connect(world, "a.test:" + closed))
                    .startsWith("HTTP/1.1 502 ")
                    .contains("refuses connections");
            assertThat(connect(world, "no.test:443"))
                    .startsWith("HTTP/1.1 502 ")
                    .contains("there is no host no.test");
            world.routes(target -> List.of(
                    target.host().equals("good.test")
                            ? new Route.Direct("allow")
                            : new Route.Refused("It is not in the list.", "allow")));
            assertThat(connect(world, "bad.test:443"))
                    .startsWith("HTTP/1.1 403 ")
                    .contains("It is not in the list.");
        }
    }

    private static String connect(HttpWorld world, String target) throws Exception {
        try (Client guest = world.toProxy()) {
            guest.send("CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n");
            return guest.rest();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"192.168.65.2", "host.docker.internal", "host.sluice.internal", "a.test"})
    void theHostIsReachedByItsAddressAndItsNames(String host) throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(peer -> {
                    peer.head();
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nlocal");
                });
                Client guest = world.toProxy()) {
            guest.send("GET http://" + host + ":" + origin.port() + "/ HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
            assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
            assertThat(guest.read(5)).isEqualTo("local");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET http://%s/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                "GET http://%s/ HTTP/1.0\r\n\r\n"
            })
    void aConnectionThatIsToCloseEndsAfterItsBody(String request) throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(peer -> {
                    String head = peer.head();
                    peer.send(head.substring(head.indexOf("HTTP/1."), head.indexOf("\r\n"))
                            + " 200 OK\r\n\r\nto the end");
                });
                Client guest = world.toProxy()) {
            guest.send(request.formatted("a.test:" + origin.port()));
            assertThat(guest.rest()).contains(" 200 OK\r\n").endsWith("\r\n\r\nto the end");
        }
    }

    @Test
    void aBodyFollowsTheSecondOfHeadAndGetOnly() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(peer -> {
                    for (String head; !(head = peer.head()).isEmpty(); ) {
                        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
                                + (head.startsWith("HEAD ") ? "" : "body"));
                    }
                });
                Client guest = world.toProxy()) {
            String url = " http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n";
            guest.send("HEAD" + url);
            assertThat(guest.head()).contains("Content-Length: 4\r\n");
            guest.send("GET" + url);
            assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
            assertThat(guest.read(4)).isEqualTo("body");
        }
    }
}
