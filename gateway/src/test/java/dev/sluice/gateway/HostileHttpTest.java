package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import dev.sluice.gateway.flow.Limits;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Guests and servers that mean no good, beside a neighbour who is served all the while. What one connection does wrong is in
 * {@link HttpProxyTest}, with an end at every byte.
 */
@Timeout(120)
class HostileHttpTest {
    private static Server honest() throws Exception {
        return new Server(peer -> {
            while (!peer.head().isEmpty()) {
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            }
        });
    }

    private static void assertServed(Client neighbour, Server origin) throws Exception {
        neighbour.send("GET http://b.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(neighbour.head()).startsWith("HTTP/1.1 200 ");
        assertThat(neighbour.read(2)).isEqualTo("ok");
    }

    @Test
    void slowHeadsEndAtTheirTimeAndDelayNobody() throws Exception {
        Limits limits = Limits.defaults().change().proxyHeadSeconds(1).build();
        try (HttpWorld world = new HttpWorld(limits);
                Server origin = honest();
                Client neighbour = world.toProxy()) {
            List<Client> slow = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                Client each = world.toProxy();
                each.send("GET http://a.test/ HTTP/1.1\r\nX-" + i);
                slow.add(each);
                if (i % 10 == 0) {
                    assertServed(neighbour, origin);
                }
            }
            for (int i = 0; i < 100; i++) {
                assertThat(slow.get(i).rest()).startsWith("HTTP/1.1 408 ");
                slow.get(i).close();
                if (i % 10 == 0) {
                    assertServed(neighbour, origin);
                }
            }
            assertThat(world.world.gateway.status().proxy().timeouts()).isEqualTo(100);
            while (world.world.gateway.status().proxy().active() > 1) {
                Thread.onSpinWait();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
                "HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\nContent-Length: 0\n Content-Length: 1\n\n",
                "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length : 0\r\nContent-Length: 1\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
                "HTTP/2 200\r\n\r\n",
                "SSH-2.0-OpenSSH\r\n\r\n",
                "HUGE",
            })
    void aServerThatMakesNoSenseIsABadGateway_andItsConnectionIsNotUsedAgain(String response) throws Exception {
        String said = response.equals("HUGE") ? "HTTP/1.1 200 OK\r\nX: " + "y".repeat(70_000) : response;
        try (HttpWorld world = new HttpWorld();
                Server good = honest();
                Client neighbour = world.toProxy();
                Server origin = new Server(peer -> {
                    peer.head();
                    peer.send(said);
                    peer.head();
                });
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(guest.rest()).startsWith("HTTP/1.1 502 Bad Gateway\r\n");
            assertServed(neighbour, good);
        }
    }

    /** A server that says more than it was asked for could else answer the next request, which may be for another page. */
    @Test
    void whatAServerSaysUnaskedAnswersNoLaterRequest() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            String url = "http://a.test:" + origin.port();
            guest.send("GET " + url + "/one HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer first = origin.accept()) {
                first.head();
                first.send(
                        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\noneHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
                guest.head();
                assertThat(guest.read(3)).isEqualTo("one");
                guest.send("GET " + url + "/two HTTP/1.1\r\nHost: x\r\n\r\n");
                try (Peer second = origin.accept()) {
                    assertThat(second.head()).startsWith("GET /two ");
                    second.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\ntwo");
                    guest.head();
                    assertThat(guest.read(3)).isEqualTo("two");
                }
            }
        }
    }
}
