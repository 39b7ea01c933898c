package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.net.NetException;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Requests that go by way of upstreams, and connections that do not know of any proxy. */
@Timeout(120)
class HttpUpstreamTest {
    private static final String CANARY = "canary-7391";
    private static final String BASIC =
            "Basic " + Base64.getEncoder().encodeToString(("me:" + CANARY).getBytes(ISO_8859_1));

    private static Route trusted(Server proxy, Upstream.Kind kind) {
        return new Route.Via(
                new Upstream(kind, "127.0.0.1", proxy.port(), Optional.of(new Credentials("me", CANARY))), "rule 1");
    }

    @Test
    void anUpstreamGetsWholeUrlsAndItsPassword() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(trusted(proxy, Upstream.Kind.HTTP)));
            guest.send("GET http://www.example.com/a HTTP/1.1\r\nHost: www.example.com\r\nX-a: 1\r\n"
                    + "Authorization: Basic b3duOm93bg==\r\nProxy-Authorization: Basic Z3Vlc3Q=\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                assertThat(upstream.head())
                        .isEqualTo("GET http://www.example.com/a HTTP/1.1\r\nHost: www.example.com\r\nX-a: 1\r\n"
                                + "Authorization: Basic b3duOm93bg==\r\nProxy-Authorization: " + BASIC + "\r\n\r\n");
                upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
                guest.read(2);
                // another server, the same upstream: the same connection
                guest.send("GET http://other.example/ HTTP/1.1\r\nHost: other.example\r\n\r\n");
                assertThat(upstream.head()).startsWith("GET http://other.example/ HTTP/1.1\r\n");
                upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
                assertThat(guest.head()).startsWith("HTTP/1.1 403 Forbidden\r\n");
            }
        }
    }

    @Test
    void aPasswordDoesNotGoToTheUpstreamThatTakesTheOthersPlace() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server first = new Server();
                Server second = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(trusted(first, Upstream.Kind.HTTP), HttpWorld.via(second)));
            String request = "GET http://www.example.com/ HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
            guest.send(request);
            try (Peer upstream = first.accept()) {
                assertThat(upstream.head()).contains(BASIC);
                upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                guest.head();
                guest.read(2);
                guest.send(request);
                upstream.head();
                first.close(); // it restarts
            }
            try (Peer upstream = second.accept()) {
                assertThat(upstream.head()).isEqualTo(request);
            }
        }
    }

    /** RFC 9110 §11.7.2: a guest may have been told a password for the upstream itself. */
    @Test
    void aGuestsOwnPasswordReachesAnUpstreamThatHasNone() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(HttpWorld.via(proxy)));
            guest.send("GET http://a.example/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic Z3Vlc3Q=\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                assertThat(upstream.head()).contains("Proxy-Authorization: Basic Z3Vlc3Q=\r\n", "Host: a.example\r\n");
            }
        }
    }

    @Test
    void thePasswordReachesNoServerAndNoPage() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server(peer -> {
                    peer.head();
                    peer.send("no http\r\n\r\n");
                });
                Server origin = new Server()) {
            world.routes(target -> List.of(
                    target.host().equals("out.test")
                            ? new Route.Direct("no_proxy .test")
                            : trusted(proxy, Upstream.Kind.HTTP)));
            try (Client guest = world.toProxy()) {
                guest.send("GET http://out.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                try (Peer server = origin.accept()) {
                    assertThat(server.head()).doesNotContain("Authorization").doesNotContain(CANARY);
                }
            }
            try (Client guest = world.toProxy()) {
                guest.send("GET http://in.test/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(guest.rest())
                        .startsWith("HTTP/1.1 502 ")
                        .contains("http://127.0.0.1:" + proxy.port())
                        .doesNotContain(CANARY)
                        .doesNotContain(BASIC);
            }
            assertThat(world.world
                            .gateway
                            .proxy()
                            .policy()
                            .routes(new dev.sluice.gateway.proxy.ProxyTarget("http", "in.test", 80))
                            .toString())
                    .doesNotContain(CANARY);
        }
    }

    @Test
    void theNextRouteIsTakenWhereAnUpstreamCannotBeReached() throws Exception {
        Server gone = new Server();
        Route dead = HttpWorld.via(gone);
        gone.close();
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server(peer -> {
                    peer.head();
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
                })) {
            world.routes(_ -> List.of(dead, HttpWorld.via(proxy)));
            try (Client guest = world.toProxy()) {
                guest.send("GET http://a.example/ HTTP/1.1\r\nHost: x\r\n\r\n");
                guest.head();
                assertThat(guest.read(3)).isEqualTo("yes");
            }
            world.routes(_ -> List.of(dead));
            try (Client guest = world.toProxy()) {
                guest.send("CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(guest.rest())
                        .startsWith("HTTP/1.1 502 ")
                        .contains("Upstream http://127.0.0.1:" + gone.port(), "refuses connections", "rule 1");
            }
        }
    }

    @Test
    void anUpstreamThatIsThisGatewayIsRefused() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(new Route.Via(
                    new Upstream(Upstream.Kind.HTTP, "gateway.sluice.internal", 3128, Optional.empty()), "rule 1")));
            guest.send("GET http://a.example/ HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(guest.rest()).startsWith("HTTP/1.1 502 ").contains("come back for ever");
        }
    }

    @Test
    void whatAnUpstreamSaysToConnectReachesTheGuest() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(trusted(proxy, Upstream.Kind.HTTP)));
            guest.send("CONNECT a.example:8443 HTTP/1.1\r\nHost: wrong\r\nUser-Agent: x/1\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                assertThat(upstream.head())
                        .isEqualTo("CONNECT a.example:8443 HTTP/1.1\r\nHost: a.example:8443\r\nUser-Agent: x/1\r\n"
                                + "Proxy-Authorization: " + BASIC + "\r\n\r\n");
                upstream.send("HTTP/1.1 403 Nobody May\r\nContent-Length: 4\r\nX: y\r\n\r\nnope");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 403 Nobody May\r\nContent-Length: 4\r\nX: y\r\n\r\n");
                assertThat(guest.read(4)).isEqualTo("nope");
            }
            guest.send("CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                upstream.head();
                upstream.send("HTTP/1.1 200 Opened\r\nVia: me\r\n\r\nserver first");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 200 Opened\r\nVia: me\r\n\r\n");
                assertThat(guest.read(12)).isEqualTo("server first");
                guest.send("hello");
                assertThat(upstream.read(5)).isEqualTo("hello");
            }
        }
    }

    @Test
    void aChallengeIsAnsweredAndRemembered() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(HttpWorld.via(proxy)));
            ProxySettings settings = world.world
                    .gateway
                    .proxy()
                    .with(_ -> challenges -> challenges.equals(List.of("Negotiate"))
                            ? Optional.of("Negotiate dG9rZW4=")
                            : Optional.empty());
            world.world.gateway.proxy(settings);
            guest.send("GET http://a.example/ HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                assertThat(upstream.head()).doesNotContain("Proxy-Authorization");
                upstream.send("HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 3\r\n\r\nwho");
                assertThat(upstream.head()).contains("Proxy-Authorization: Negotiate dG9rZW4=\r\n");
                upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
                guest.read(2);
                // a body can be sent but once, so the answer goes with it
                guest.send("POST http://a.example/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
                assertThat(upstream.head()).contains("Proxy-Authorization: Negotiate dG9rZW4=\r\n");
                assertThat(upstream.read(2)).isEqualTo("hi");
                upstream.send("HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 407 ");
            }
            try (Client other = world.toProxy()) {
                other.send("CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
                try (Peer upstream = proxy.accept()) {
                    upstream.head();
                    upstream.send("HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nConnection: close\r\n\r\n");
                }
                try (Peer upstream = proxy.accept()) {
                    assertThat(upstream.head()).contains("Proxy-Authorization: Negotiate dG9rZW4=\r\n");
                    upstream.send("HTTP/1.1 200 OK\r\n\r\n");
                    assertThat(other.head()).startsWith("HTTP/1.1 200 ");
                }
            }
        }
    }

    @Test
    void anUpstreamThatIsNeverContentIsAskedAFewTimesOnly() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server(peer -> {
                    while (!peer.head().isEmpty()) {
                        peer.send("HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n");
                    }
                })) {
            world.routes(_ -> List.of(HttpWorld.via(proxy)));
            world.world.gateway.proxy(world.world.gateway.proxy().with(_ -> _ -> Optional.of("Negotiate more")));
            for (String request : List.of("GET http://a.example/", "CONNECT a.example:443")) {
                try (Client guest = world.toProxy()) {
                    guest.send(request + " HTTP/1.1\r\nHost: x\r\n\r\n");
                    assertThat(guest.head()).startsWith("HTTP/1.1 407 ");
                }
            }
        }
    }

    @Test
    void anUpstreamThatOnlyEverHintsIsGivenUp() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server(peer -> {
                    peer.head();
                    while (true) {
                        peer.send("HTTP/1.1 103 Early Hints\r\n\r\n");
                    }
                })) {
            world.routes(_ -> List.of(HttpWorld.via(proxy)));
            try (Client guest = world.toProxy()) {
                guest.send("CONNECT a.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 502 ");
                assertThat(guest.rest()).contains("its answer never comes to an end");
            }
            try (Client guest = world.toProxy()) {
                guest.send("GET http://a.example/ HTTP/1.1\r\nHost: x\r\n\r\n");
                String head = guest.head();
                while (head.startsWith("HTTP/1.1 103 ")) {
                    head = guest.head();
                }
                assertThat(head).startsWith("HTTP/1.1 502 ");
            }
        }
    }

    @Test
    void socksGetsTheNameAndThePassword() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(trusted(proxy, Upstream.Kind.SOCKS5)));
            guest.send("GET http://far.example:81/x HTTP/1.1\r\nHost: far.example:81\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                assertThat(upstream.read(4)).isEqualTo("\u0005\u0002\u0000\u0002");
                upstream.send("\u0005\u0002");
                assertThat(upstream.read(5 + CANARY.length()))
                        .isEqualTo("\u0001\u0002me" + (char) CANARY.length() + CANARY);
                upstream.send("\u0001\u0000");
                assertThat(upstream.read(18)).isEqualTo("\u0005\u0001\u0000\u0003\u000bfar.example\u0000Q");
                upstream.send("\u0005\u0000\u0000\u0001\u0000\u0000\u0000\u0000\u0000\u0000");
                assertThat(upstream.head()).isEqualTo("GET /x HTTP/1.1\r\nHost: far.example:81\r\n\r\n");
                upstream.send("HTTP/1.1 204 No Content\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 204 ");
            }
            guest.send("CONNECT [2001:db8::5]:443 HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer upstream = proxy.accept()) {
                upstream.read(4);
                upstream.send("\u0005\u0000");
                assertThat(upstream.read(22))
                        .startsWith("\u0005\u0001\u0000\u0004\u0020\u0001\r\u00b8")
                        .endsWith("\u0001\u00bb");
                upstream.send("\u0005\u0002\u0000\u0001");
                assertThat(guest.rest())
                        .startsWith("HTTP/1.1 502 ")
                        .contains("forbidden by its rules", "[2001:db8::5]:443 cannot")
                        .doesNotContain(CANARY);
            }
        }
    }

    // ---- connections that do not know of the proxy

    @Test
    void plainHttpOfAGuestGoesToTheUpstreamByTheNameInHost() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Server origin = new Server()) {
            world.routes(_ -> List.of(trusted(proxy, Upstream.Kind.HTTP)), origin.port());
            try (Client guest = world.toWorld(origin.port())) {
                guest.send("GET /x HTTP/1.1\r\nhost: www.example.com\r\nConnection: keep-alive\r\nA: b\r\n\r\n");
                try (Peer upstream = proxy.accept()) {
                    assertThat(upstream.head())
                            .isEqualTo("GET http://www.example.com:" + origin.port()
                                    + "/x HTTP/1.1\r\nhost: www.example.com\r\nA: b\r\nProxy-Authorization: " + BASIC
                                    + "\r\n\r\n");
                    upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1");
                    assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
                    guest.read(1);
                    guest.send("GET / HTTP/1.0\r\n\r\n"); // no name: then by address
                    assertThat(upstream.head()).startsWith("GET http://127.0.0.1:" + origin.port() + "/ HTTP/1.0\r\n");
                }
            }
            assertThat(origin.isUnvisited()).isTrue();
        }
    }

    /** What is excluded goes where the guest's connection went, whatever Host says, and not a byte is changed. */
    @Test
    void plainHttpThatIsExcludedGoesWhereTheGuestHasConnected() throws Exception {
        String request =
                "GET /x HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: keep-alive, X\r\nX: y\r\nTE: gzip\r\n\r\n";
        String response =
                "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: max=5\r\nContent-Length: 2\r\n\r\nok";
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            world.routes(_ -> List.of(new Route.Direct("excluded")), origin.port());
            try (Client guest = world.toWorld(origin.port())) {
                guest.send(request);
                try (Peer server = origin.accept()) {
                    assertThat(server.read(request.length())).isEqualTo(request);
                    server.send(response);
                    assertThat(guest.read(response.length())).isEqualTo(response);
                    guest.send(request);
                    assertThat(server.read(request.length())).isEqualTo(request);
                }
            }
        }
    }

    /** Else a server with nothing to say for long would wait for ever for a guest that has left. */
    @Test
    void theServerOfAnExcludedRequestHearsOfTheGuestsEnd() throws Exception {
        String request = "POST /x HTTP/1.1\r\nHost: elsewhere.example\r\nContent-Length: 4\r\n\r\nbody";
        String response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            world.routes(_ -> List.of(new Route.Direct("excluded")), origin.port());
            try (Client guest = world.toWorld(origin.port())) {
                guest.send(request);
                guest.connection.shutdownOutput();
                try (Peer server = origin.accept()) {
                    assertThat(server.rest()).isEqualTo(request);
                    server.send(response);
                    assertThat(guest.rest()).isEqualTo(response);
                }
            }
            try (Client guest = world.toWorld(origin.port())) {
                guest.send(request);
                try (Peer server = origin.accept()) {
                    server.read(request.length());
                    guest.connection.shutdownOutput();
                    assertThat(server.rest()).isEmpty();
                }
            }
        }
    }

    @Test
    void tlsIsTunnelledByTheNameInItsHello() throws Exception {
        byte[] hello = TlsHello.withName("Secret.Example");
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server();
                Server origin = new Server()) {
            world.routes(_ -> List.of(trusted(proxy, Upstream.Kind.HTTP)), origin.port());
            try (Client guest = world.toWorld(origin.port())) {
                for (byte b : TlsHello.inRecords(hello, 7)) { // however it is cut
                    guest.out().write(b);
                }
                try (Peer upstream = proxy.accept()) {
                    String authority = "secret.example:" + origin.port();
                    assertThat(upstream.head())
                            .isEqualTo("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority
                                    + "\r\nProxy-Authorization: " + BASIC + "\r\n\r\n");
                    upstream.send("HTTP/1.0 200 Connection established\r\nX: y\r\n\r\nserver hello");
                    byte[] sent = TlsHello.inRecords(hello, 7);
                    assertThat(upstream.in().readNBytes(sent.length)).isEqualTo(sent);
                    assertThat(guest.read(12)).isEqualTo("server hello");
                    assertThat(world.world.gateway.flows().list().getFirst().names())
                            .containsExactly("secret.example");
                }
            }
        }
    }

    @Test
    void aTunnelThatTheUpstreamRefusesIsResetAndTheEventSaysWhy() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server proxy = new Server(peer -> {
                    peer.head();
                    peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
                    peer.rest();
                });
                Server origin = new Server()) {
            world.routes(_ -> List.of(HttpWorld.via(proxy)), origin.port());
            Subscription events = world.world.gateway.events().subscribe(Set.of(Event.Kind.FLOW_CLOSE));
            try (Client guest = world.toWorld(origin.port())) {
                guest.out().write(TlsHello.inRecords(TlsHello.withName("a.example"), 1 << 14));
                assertThatThrownBy(() -> guest.in().read()).isInstanceOf(NetException.class);
            }
            assertThat(((Events.FlowEnd) events.next(GuestWorld.LONG).data()).reason())
                    .isEqualTo("proxy-refused-403");
        }
    }

    @Test
    void anotherProtocolOnAPortOfHttpGoesWhereItWasGoing() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            world.routes(_ -> List.of(new Route.Direct("excluded")), origin.port());
            try (Client guest = world.toWorld(origin.port())) {
                guest.send("SSH-2.0-x\r\n");
                try (Peer server = origin.accept()) {
                    assertThat(server.read(11)).isEqualTo("SSH-2.0-x\r\n");
                    server.send("SSH-2.0-y\r\n");
                    assertThat(guest.read(11)).isEqualTo("SSH-2.0-y\r\n");
                }
            }
            // and where the server begins, the guest says nothing
            try (Client guest = world.toWorld(origin.port());
                    Peer server = origin.accept()) {
                server.send("220 mail\r\n");
                assertThat(guest.read(10)).isEqualTo("220 mail\r\n");
                guest.send("EHLO x\r\n");
                assertThat(server.read(8)).isEqualTo("EHLO x\r\n");
            }
        }
    }

    @Test
    void whileNoPolicyIsActiveNothingIsLookedInto() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            world.world.gateway.proxy(ProxySettings.DEFAULT.withTransparentPorts(Set.of(origin.port())));
            try (Client guest = world.toWorld(origin.port());
                    Peer server = origin.accept()) {
                guest.send("anything");
                assertThat(server.read(8)).isEqualTo("anything");
            }
            assertThat(world.world.gateway.status().proxy().sessions()).isZero();
        }
    }

    @Test
    void anotherPolicyHoldsFromTheNextRequestOn() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server first = new Server();
                Server second = new Server();
                Client guest = world.toProxy()) {
            world.routes(_ -> List.of(HttpWorld.via(first)));
            guest.send("GET http://a.example/1 HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer one = first.accept()) {
                assertThat(one.head()).startsWith("GET http://a.example/1 ");
                one.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha");
                guest.head();
                world.routes(_ -> List.of(HttpWorld.via(second)));
                one.send("lf"); // what is under way goes on
                assertThat(guest.read(4)).isEqualTo("half");
                guest.send("GET http://a.example/2 HTTP/1.1\r\nHost: x\r\n\r\n");
                try (Peer two = second.accept()) {
                    assertThat(two.head()).startsWith("GET http://a.example/2 ");
                }
            }
        }
    }
}
