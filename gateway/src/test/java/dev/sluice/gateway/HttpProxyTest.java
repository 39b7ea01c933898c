package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.HttpWorld.Client;
import dev.sluice.gateway.HttpWorld.Peer;
import dev.sluice.gateway.HttpWorld.Server;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.net.NetException;
import dev.sluice.testkit.Async;
import dev.sluice.testkit.Bulk;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The proxy at the gateway's port, with everything going straight to its server: what HTTP asks of it. */
@Timeout(120)
class HttpProxyTest {
    @Test
    void aRequestReachesItsServerAsTheGuestWroteIt() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://Origin.test:" + origin.port() + "/a?b HTTP/1.1\r\nX-b: 1\r\nhost: other.test\r\n"
                    + "Proxy-Authorization: Basic Z3Vlc3Q6c2VjcmV0\r\nProxy-Connection: keep-alive\r\n"
                    + "Connection: X-hop, Content-Length\r\nX-hop: 1\r\nX-A:2 \r\n\r\n");
            try (Peer server = origin.accept()) {
                assertThat(server.head())
                        .isEqualTo("GET /a?b HTTP/1.1\r\nX-b: 1\r\nhost: Origin.test:" + origin.port()
                                + "\r\nX-A:2 \r\n\r\n");
                server.send("HTTP/1.1 200 Fine\r\nsEt-Cookie: a\r\nContent-Length: 5\r\nsEt-Cookie: b\r\n\r\nhello");
                assertThat(guest.head())
                        .isEqualTo("HTTP/1.1 200 Fine\r\nsEt-Cookie: a\r\nContent-Length: 5\r\nsEt-Cookie: b\r\n\r\n");
                assertThat(guest.read(5)).isEqualTo("hello");
                // both connections are used again
                guest.send("HEAD http://origin.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(server.head()).startsWith("HEAD / HTTP/1.1\r\n");
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                assertThat(guest.head()).contains("Content-Length: 5\r\n");
                guest.send("GET http://origin.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(server.head()).startsWith("GET / HTTP/1.1\r\n");
                server.send("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 304 ");
            }
            assertThat(origin.isUnvisited()).isTrue();
        }
    }

    @Test
    void requestsInOneSegmentAreAnsweredInTheirOrder() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(HttpProxyTest::serveLengths);
                Client guest = world.toProxy()) {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                all.append("POST http://a.test:" + origin.port() + "/" + i
                        + " HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
            }
            guest.send(all.toString());
            for (int i = 0; i < 20; i++) {
                assertThat(guest.head()).contains("X-Path: /" + i + "\r\n");
                assertThat(guest.read(3)).isEqualTo("abc");
            }
        }
    }

    /** Answers each request with its own body. */
    private static void serveLengths(Peer peer) throws Exception {
        for (String head = peer.head(); !head.isEmpty(); head = peer.head()) {
            int at = head.indexOf("Content-Length: ");
            int length = at < 0 ? 0 : Integer.parseInt(head.substring(at + 16, head.indexOf('\r', at)));
            String body = peer.read(length);
            peer.send("HTTP/1.1 200 OK\r\nX-Path: " + head.split(" ")[1] + "\r\nContent-Length: " + length + "\r\n\r\n"
                    + body);
        }
    }

    @Test
    void chunksAndTrailersPassAsTheyAre() throws Exception {
        String body = "5;a=\"b\"\r\nhello\r\n0003\r\nabc\r\n0\r\nDigest: x\r\n\r\n";
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
            try (Peer server = origin.accept()) {
                assertThat(server.head()).contains("TE: trailers\r\n", "Transfer-Encoding: chunked\r\n");
                assertThat(server.read(body.length())).isEqualTo(body);
                server.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
                guest.head();
                assertThat(guest.read(body.length())).isEqualTo(body);
                guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(server.head()).startsWith("GET / ");
                // a length beside chunks is a lie, and the connection is not to be trusted after it
                server.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
                assertThat(guest.head()).doesNotContain("Content-Length");
                assertThat(guest.read(body.length())).isEqualTo(body);
                assertThat(server.in().read()).isEqualTo(-1);
            }
        }
    }

    @Test
    void aGuestThatWaitsForPermissionGetsIt() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("PUT http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
            try (Peer server = origin.accept()) {
                assertThat(server.head()).contains("Expect: 100-continue\r\n");
                server.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 100 Continue\r\n\r\n");
                guest.send("body");
                assertThat(server.read(4)).isEqualTo("body");
                server.send("HTTP/1.1 204 No Content\r\n\r\n");
                assertThat(guest.head()).startsWith("HTTP/1.1 204 ");
            }
        }
    }

    /** It may keep its body then, or send it: only the connection's end leaves no doubt. */
    @Test
    void aGuestThatGetsAnAnswerInsteadOfPermissionIsToldThatItsConnectionEnds() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("PUT http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n");
                assertThat(guest.rest())
                        .isEqualTo("HTTP/1.1 401 Who\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                assertThat(server.in().read()).isEqualTo(-1);
            }
        }
    }

    /** RFC 9112 §9.3: a server that does not say that it closes reads the whole request. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void anUploadReachesAServerThatHasAnsweredFirst(boolean transparent) throws Exception {
        int bytes = 1_000_000;
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            if (transparent) {
                world.routes(_ -> List.of(new Route.Direct("no_proxy")), origin.port());
            }
            String start = transparent ? "/" : "http://a.test:" + origin.port() + "/";
            String rest = " HTTP/1.1\r\nHost: a.test:" + origin.port() + "\r\n";
            try (Client guest = transparent ? world.toWorld(origin.port()) : world.toProxy()) {
                guest.send("POST " + start + rest + "Content-Length: " + bytes + "\r\n\r\n");
                try (Peer server = origin.accept()) {
                    server.head();
                    server.send("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
                    assertThat(guest.head()).startsWith("HTTP/1.1 202 ").doesNotContain("close");
                    assertThat(guest.read(2)).isEqualTo("ok");
                    CompletableFuture<byte[]> sent = Async.async(() -> Bulk.pour(guest.out(), bytes, 1));
                    assertThat(digest(server, bytes)).isEqualTo(Async.get(sent));
                    guest.send("GET " + start + rest + "\r\n");
                    assertThat(server.head()).startsWith("GET ");
                }
            }
        }
    }

    @Test
    void aServerThatHasAnsweredFirstAndLeavesIsNotWaitedFor() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf");
            try (Peer server = origin.accept()) {
                server.head();
                assertThat(server.read(4)).isEqualTo("half");
                server.send("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok");
            }
            guest.head();
            assertThat(guest.rest()).isEqualTo("ok");
        }
    }

    @Test
    void anUpgradeBecomesATunnel() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
            try (Peer server = origin.accept()) {
                assertThat(server.head()).contains("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n");
                server.send(
                        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\u0081\u0002hi");
                assertThat(guest.head()).startsWith("HTTP/1.1 101 ").contains("Upgrade: websocket\r\n");
                assertThat(guest.read(4)).isEqualTo("\u0081\u0002hi");
                guest.send("\u0082\u0001x");
                assertThat(server.read(3)).isEqualTo("\u0082\u0001x");
                guest.connection.shutdownOutput();
                assertThat(server.in().read()).isEqualTo(-1);
                server.send("late");
                assertThat(guest.read(4)).isEqualTo("late");
            }
            assertThat(guest.in().read()).isEqualTo(-1);
        }
    }

    @Test
    void aTunnelIsAFlowWithTheNameThatWasAskedFor() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("CONNECT a.test:" + origin.port() + " HTTP/1.1\r\nHost: a.test\r\n\r\nearly");
            assertThat(guest.head()).isEqualTo("HTTP/1.1 200 Connection established\r\n\r\n");
            try (Peer server = origin.accept()) {
                assertThat(server.read(5)).isEqualTo("early");
                List<FlowInfo> flows = world.world.gateway.flows().list();
                assertThat(flows).hasSize(1);
                assertThat(flows.getFirst().names()).containsExactly("a.test");
                assertThat(flows.getFirst().hostPort()).isEqualTo(origin.port());
                while (world.world.gateway.status().proxy().active() > 0) {
                    Thread.onSpinWait(); // the session ends after its last word
                }
                assertThat(world.world.gateway.status().proxy().tunnels()).isEqualTo(1);
                server.socket.shutdownOutput();
                assertThat(guest.in().read()).isEqualTo(-1);
                guest.send("still here");
                assertThat(server.read(10)).isEqualTo("still here");
            }
        }
    }

    @Test
    void aBodyWithoutLengthEndsWithItsConnection() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.0 200 OK\r\n\r\nall of it");
            }
            assertThat(guest.head()).contains("Connection: close\r\n");
            assertThat(guest.rest()).isEqualTo("all of it");
        }
    }

    /** RFC 9112 §2.2, §5.1 and §5.2: what a proxy is to put right, and not to refuse. */
    @Test
    void anAnswerOfAnOldServerIsWrittenAsItShouldBe() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            for (int i = 0; i < 2; i++) {
                guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
            }
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.1 200 OK\nServer : old\r\nX: a;\r\n\tb\nContent-Length : 2\n\nok");
                assertThat(guest.head())
                        .isEqualTo("HTTP/1.1 200 OK\r\nServer: old\r\nX: a; b\r\nContent-Length: 2\r\n\r\n");
                assertThat(guest.read(2)).isEqualTo("ok");
                server.head();
                server.send("HTTP/1.1 204 OK\r\n\r\n");
                assertThat(guest.head()).isEqualTo("HTTP/1.1 204 OK\r\n\r\n");
            }
        }
    }

    @Test
    void aHeadOfAServerThatIsTooLongIsSaidToBe() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.1 200 OK\r\nX: " + "x".repeat(70_000) + "\r\n\r\n");
                assertThat(guest.rest()).startsWith("HTTP/1.1 502 ").contains("its head has more than 65536 bytes");
            }
        }
    }

    @Test
    void aGuestThatHasSaidAllStillHearsTheAnswer() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.0\r\n\r\n");
            guest.connection.shutdownOutput();
            try (Peer server = origin.accept()) {
                assertThat(server.head()).isEqualTo("GET / HTTP/1.0\r\nHost: a.test:" + origin.port() + "\r\n\r\n");
                server.send("HTTP/1.0 200 OK\r\n\r\nold");
            }
            assertThat(guest.rest()).endsWith("old");
        }
    }

    @Test
    void aConnectionThatWasClosedMeanwhileIsReplaced() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            for (int i = 0; i < 5; i++) {
                guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                try (Peer server = origin.accept()) {
                    server.head();
                    server.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + i);
                    guest.head();
                    assertThat(guest.read(1)).isEqualTo("" + i);
                } // and closed without a word
            }
        }
    }

    @Test
    void largeBodiesPassWholeBothWays() throws Exception {
        long bytes = 48L << 20;
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\nContent-Length: " + bytes
                    + "\r\n\r\n");
            CompletableFuture<byte[]> sent = Async.async(() -> Bulk.pour(guest.out(), bytes, 1));
            try (Peer server = origin.accept()) {
                server.head();
                byte[] got = digest(server, bytes);
                assertThat(got).isEqualTo(Async.get(sent));
                server.send("HTTP/1.1 200 OK\r\nContent-Length: " + bytes + "\r\n\r\n");
                CompletableFuture<byte[]> back = Async.async(() -> Bulk.pour(server.out(), bytes, 2));
                guest.head();
                assertThat(digest(guest, bytes)).isEqualTo(Async.get(back));
                guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(server.head()).startsWith("GET ");
            }
        }
    }

    private static byte[] digest(HttpWorld.Line line, long bytes) throws Exception {
        java.security.MessageDigest digest = Bulk.sha256();
        byte[] piece = new byte[64 << 10];
        for (long left = bytes; left > 0; ) {
            int n = line.in().read(piece, 0, (int) Math.min(left, piece.length));
            assertThat(n).isPositive();
            digest.update(piece, 0, n);
            left -= n;
        }
        return digest.digest();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET http://a.test/ HTTP/1.1\nHost: a.test\n\n",
                "GET http://a.test/ HTTP/1.1\r\nHost : a.test\r\n\r\n",
                "GET http://a.test/ HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n",
                "GET http://a.test/ HTTP/1.1\r\n\r\n",
                "POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST http://a.test/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
                "GET http://u:p@a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
                "CONNECT a.test HTTP/1.1\r\nHost: a.test\r\n\r\n",
            })
    void whatCanBeMisunderstoodReachesNobody(String request) throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send(request.replace("a.test/", "a.test:" + origin.port() + "/") + "GET http://a.test:"
                    + origin.port() + "/smuggled HTTP/1.1\r\nHost: a.test\r\n\r\n");
            assertThat(guest.rest()).startsWith("HTTP/1.1 400 Bad Request\r\n").doesNotContain("200 OK");
            assertThat(origin.isUnvisited()).isTrue();
        }
    }

    @Test
    void chunksThatAreNoneEndTheRequestBeforeItsServerCanTakeItForWhole() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("POST http://a.test:" + origin.port()
                    + "/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n0\r\n\r\n");
            assertThat(guest.rest()).startsWith("HTTP/1.1 400 Bad Request\r\n");
            try (Peer server = origin.accept()) {
                assertThat(Async.async(server::rest)
                                .handle((text, failure) -> failure != null || !text.contains("0\r\n\r\n"))
                                .join())
                        .isTrue();
            }
        }
    }

    @Test
    void whatCannotBeReachedIsExplained() throws Exception {
        int closed;
        try (Server gone = new Server()) {
            closed = gone.port();
        }
        try (HttpWorld world = new HttpWorld()) {
            assertThat(page(world, "http://a.test:" + closed + "/<b>"))
                    .startsWith("HTTP/1.1 502 Bad Gateway\r\n")
                    .contains("a.test:" + closed, "refuses connections", "no proxy is set", "Please check")
                    .doesNotContain("<b>");
            assertThat(page(world, "http://no.test/")).contains("there is no host no.test");
            assertThat(page(world, "http://127.0.0.1:" + closed + "/")).contains("not for guests to reach");
            assertThat(page(world, "http://192.168.65.1:53/")).contains("not for guests to reach");
            assertThat(page(world, "http://[::1]:" + closed + "/")).contains("not for guests to reach");
            assertThat(page(world, "http://[::ffff:127.0.0.1]:" + closed + "/")).contains("not for guests to reach");
            assertThat(page(world, "ftp://a.test/")).startsWith("HTTP/1.1 501 ");
            world.routes(_ -> List.of(new Route.Refused("Not here.", "rule 7")));
            assertThat(page(world, "http://a.test/"))
                    .startsWith("HTTP/1.1 403 Forbidden\r\n")
                    .contains("Not here.", "rule 7");
        }
    }

    /** As the host's sockets take it: else a rule for the one would not be asked about the other. */
    @Test
    void anAddressOfIpv4InsideIpv6IsThatOfIpv4_whereANameLeadsToIt() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            world.world.gateway.dns().known(_ -> List.of(Ipv6Address.mapped(HttpWorld.WORLD)));
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
            try (Peer server = origin.accept()) {
                assertThat(server.head()).startsWith("GET / ");
            }
        }
    }

    @Test
    void aGuestThatLeavesIsNoFaultOfAnyServer() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server()) {
            String request = "GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n";
            try (Client guest = world.toProxy()) { // while its server thinks
                guest.send(request);
                try (Peer server = origin.accept()) {
                    server.head();
                    guest.connection.abort();
                    awaitNoSession(world);
                }
            }
            try (Client guest = world.toProxy()) { // before it is connected
                world.routes(_ -> {
                    guest.connection.abort();
                    return whenFlowsHaveEnded(world, new Route.Direct("rule 1"));
                });
                guest.send(request);
                while (world.world.gateway.status().proxy().sessions() < 2) {
                    Thread.onSpinWait();
                }
                awaitNoSession(world);
            }
            assertThat(world.world.gateway.status().proxy().badResponses()).isZero();
            assertThat(world.world.gateway.status().proxy().connectFailures()).isZero();
        }
    }

    private static List<Route> whenFlowsHaveEnded(HttpWorld world, Route route) {
        try {
            while (!world.world.gateway.flows().list().isEmpty()) {
                Thread.onSpinWait();
            }
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return List.of(route);
    }

    private static void awaitNoSession(HttpWorld world) throws IOException {
        while (world.world.gateway.status().proxy().active() > 0) {
            Thread.onSpinWait();
        }
    }

    private static String page(HttpWorld world, String url) throws Exception {
        try (Client guest = world.toProxy()) {
            guest.send("GET " + url + " HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n");
            return guest.rest();
        }
    }

    @Test
    void aHeadThatNeverEndsIsGivenUp() throws Exception {
        Limits limits = Limits.defaults().change().proxyHeadSeconds(1).build();
        try (HttpWorld world = new HttpWorld(limits);
                Client slow = world.toProxy();
                Client silent = world.toProxy()) {
            slow.send("GET http://a.test/ HTTP/1.1\r\n");
            assertThat(slow.rest()).startsWith("HTTP/1.1 408 ");
            assertThat(world.world.gateway.status().proxy().timeouts()).isEqualTo(1);
            assertThat(silent.connection.isOpen()).isTrue();
        }
    }

    @Test
    void aHeadThatIsTooLargeIsRefused() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Client huge = world.toProxy()) {
            huge.send("GET http://a.test/ HTTP/1.1\r\nX: " + "y".repeat(70_000));
            assertThat(huge.rest()).startsWith("HTTP/1.1 431 ");
        }
    }

    @Test
    void aGuestWithTooManyConnectionsIsToldSo() throws Exception {
        Limits limits = Limits.defaults().change().proxySessions(4).build();
        try (HttpWorld world = new HttpWorld(limits);
                Server origin = new Server(HttpProxyTest::serveLengths);
                Client one = world.toProxy();
                Client two = world.toProxy()) {
            // two of four are a guest's share
            try (Client three = world.toProxy()) {
                assertThat(three.rest()).startsWith("HTTP/1.1 503 ");
            }
            assertThat(world.world.gateway.status().proxy().sessionsRefused()).isEqualTo(1);
            one.send("CONNECT a.test:" + origin.port() + " HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(one.head()).startsWith("HTTP/1.1 200 ");
            while (world.world.gateway.status().proxy().active() > 1) {
                Thread.onSpinWait();
            }
            try (Client three = world.toProxy()) { // a tunnel does not count
                three.send("GET http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                assertThat(three.head()).startsWith("HTTP/1.1 200 ");
            }
            assertThat(two.connection.isOpen()).isTrue();
        }
    }

    /** Wherever either side leaves, the other is not left waiting, and a neighbour notices nothing. */
    @Test
    void aConnectionMayEndAtEveryByte() throws Exception {
        String request =
                "POST http://a.test:%d/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        String response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        try (HttpWorld world = new HttpWorld();
                Server neighbours = new Server(HttpProxyTest::serveLengths);
                Client neighbour = world.toProxy()) {
            try (Server origin = new Server(HttpProxyTest::swallow)) {
                String text = request.formatted(origin.port());
                for (int cut = 0; cut < text.length(); cut++) {
                    try (Client guest = world.toProxy()) {
                        guest.send(text.substring(0, cut));
                        guest.connection.shutdownOutput();
                        assertThat(guest.rest()).as("cut at %d", cut).doesNotContain(" 200 ");
                    }
                    Client guest = world.toProxy();
                    guest.send(text.substring(0, cut));
                    guest.connection.abort();
                }
            }
            for (int cut = 0; cut <= response.length(); cut++) {
                String part = response.substring(0, cut);
                try (Server origin = new Server(peer -> {
                            peer.head();
                            peer.read(13);
                            peer.send(part);
                        });
                        Client guest = world.toProxy()) {
                    guest.send(request.formatted(origin.port()));
                    if (cut < response.indexOf("3\r\n")) {
                        assertThat(guest.rest()).as("cut at %d", cut).startsWith("HTTP/1.1 502 ");
                    } else if (cut < response.length()) {
                        assertThat(guest.rest()).as("cut at %d", cut).isEqualTo(part);
                    } else {
                        assertThat(guest.read(cut)).isEqualTo(response);
                    }
                }
            }
            neighbour.send("GET http://a.test:" + neighbours.port() + "/n HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(neighbour.head()).contains("X-Path: /n\r\n");
            while (world.world.gateway.status().proxy().active() > 1) {
                Thread.onSpinWait(); // every session ends
            }
        }
    }

    /** Answers only what is whole. */
    private static void swallow(Peer peer) throws Exception {
        peer.head();
        if (peer.read(13).length() == 13) {
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    }

    @Test
    void theProxyIsAtOtherPortsFromNowOnWithoutHarmToWhatIsUnderWay() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(HttpProxyTest::serveLengths);
                Client guest = world.toProxy()) {
            guest.send("CONNECT a.test:" + origin.port() + " HTTP/1.1\r\nHost: x\r\n\r\n");
            assertThat(guest.head()).startsWith("HTTP/1.1 200 ");
            world.world.gateway.proxy(world.world.gateway.proxy().withPorts(List.of()));
            assertThat(Async.async(world::toProxy)
                            .handle((_, failure) -> failure != null)
                            .join())
                    .isTrue();
            guest.send("GET /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
            assertThat(guest.head()).contains("X-Path: /x\r\n");
        }
    }

    /** Answers without a body could else pile up, as each is done as soon as it is handed over. */
    @Test
    void aGuestThatReadsNoAnswersGetsNoMore() throws Exception {
        int requests = 3000;
        AtomicInteger served = new AtomicInteger();
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server(peer -> {
                    while (!peer.head().isEmpty()) {
                        served.incrementAndGet();
                        peer.send("HTTP/1.1 200 OK\r\nX: " + "x".repeat(12_000) + "\r\nContent-Length: 1\r\n\r\n");
                    }
                });
                Server other = new Server(HttpProxyTest::serveLengths);
                Client guest = world.toProxy();
                Client neighbour = world.toProxy()) {
            String all = ("HEAD http://a.test:" + origin.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n").repeat(requests);
            CompletableFuture<?> sending = Async.async(() -> {
                guest.send(all);
                return true;
            });
            int before;
            do {
                before = served.get();
                for (int i = 0; i < 50; i++) {
                    neighbour.send("GET http://b.test:" + other.port() + "/ HTTP/1.1\r\nHost: x\r\n\r\n");
                    assertThat(neighbour.head()).startsWith("HTTP/1.1 200 ");
                }
            } while (served.get() != before || before == 0);
            assertThat(before).isLessThan(requests);
            for (int i = 0; i < 3; i++) {
                assertThat(guest.head()).startsWith("HTTP/1.1 200 OK\r\nX: xxx");
            }
            guest.close();
            sending.handle((_, _) -> true).join();
        }
    }

    /** Its length is known by its end alone. */
    @Test
    void aResponseThatEndsWithItsConnectionAndIsResetDoesNotLookWhole() throws Exception {
        try (HttpWorld world = new HttpWorld();
                Server origin = new Server();
                Client guest = world.toProxy()) {
            guest.send("GET http://a.test:" + origin.port() + "/ HTTP/1.0\r\n\r\n");
            try (Peer server = origin.accept()) {
                server.head();
                server.send("HTTP/1.0 200 OK\r\n\r\nhalf");
                assertThat(guest.head()).contains(" 200 ");
                assertThat(guest.read(4)).isEqualTo("half");
                server.socket.setSoLinger(true, 0);
            }
            assertThatThrownBy(() -> guest.rest()).isInstanceOf(NetException.Reset.class);
        }
    }

    /** Whatever goes wrong inside, a guest must not wait for an answer that nobody will give. */
    @Test
    void aSessionThatFailsInsideEndsItsConnection() throws Exception {
        try (HttpWorld world = new HttpWorld()) {
            for (Error fault :
                    List.of(new StackOverflowError("as the test wants it"), new AssertionError("the same"))) {
                world.routes(_ -> {
                    throw fault;
                });
                try (Client guest = world.toProxy()) {
                    guest.send("GET http://a.test/ HTTP/1.1\r\nHost: x\r\n\r\n");
                    try {
                        assertThat(guest.in().read()).isEqualTo(-1);
                    } catch (IOException e) {
                        assertThat(e).hasMessageContaining("reset"); // as it should be
                    }
                }
            }
        }
    }
}
