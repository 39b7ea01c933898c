package dev.sluice.proxy.pac;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PacFileTest {
    @TempDir
    Path folder;

    private final AtomicLong clock = new AtomicLong(1);

    private static String text(List<Route> routes) {
        return String.join(
                " | ",
                routes.stream()
                        .map(route -> switch (route) {
                            case Route.Direct(String rule) -> "direct (" + rule + ")";
                            case Route.Via(Upstream upstream, String rule) -> upstream.title() + " (" + rule + ")";
                            case Route.Refused(String _, String rule) -> "refused (" + rule + ")";
                        })
                        .toList());
    }

    private PacFile file(String place) {
        return file(place, PacHost.THIS, 30_000);
    }

    private PacFile file(String place, PacHost host, int millis) {
        return new PacFile(place, host, new PacLimits(millis, 64 << 20, 8), clock::get);
    }

    private static String ask(PacFile file, String host) {
        return text(file.routes(new ProxyTarget("http", host, 80)));
    }

    private static String returning(String answer) {
        return "function FindProxyForURL(url, host) {\n  return '" + answer + "';\n}\n";
    }

    @ParameterizedTest
    @CsvSource(delimiter = '~', textBlock = """
            PROXY a.test:1                          ~ http://a.test:1 (r)
            PROXY a.test:1; DIRECT                  ~ http://a.test:1 (r) | direct (r)
            proxy a.test:1;direct;                  ~ http://a.test:1 (r) | direct (r)
            HTTPS a.test:1; SOCKS b.test:2          ~ https://a.test:1 (r) | socks5://b.test:2 (r)
            SOCKS5 b.test; HTTP [fd00::1]:3         ~ socks5://b.test:1080 (r) | http://[fd00::1]:3 (r)
            SOCKS4 b.test:2; PROXY a.test:1         ~ http://a.test:1 (r)
            PROXY reject.docker.internal:any        ~ refused (r)
            PROXY reject.docker.internal:1234       ~ refused (r)
            PROXY                                   ~ direct (r, which names no proxy: 'PROXY')
            nonsense from a server                  ~ direct (r, which names no proxy: 'nonsense from a server')
            ''                                      ~ direct (r, which names no proxy: '')
            """)
    void answersAreReadAsBrowsersDo(String answer, String routes) {
        assertThat(text(PacRoutes.read(answer, "r"))).isEqualTo(routes);
    }

    @Test
    void aFileIsLookedAtWithEachQuestion_andItsLineIsTheRule() throws IOException {
        Path path = Files.writeString(folder.resolve("p.pac"), returning("PROXY a.test:1"));
        PacFile file = file(path.toString());
        assertThat(ask(file, "x.test")).isEqualTo("http://a.test:1 (p.pac line 2)");
        Path fresh = Files.writeString(folder.resolve("fresh"), "\n" + returning("DIRECT"));
        Files.move(fresh, path, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        assertThat(ask(file, "x.test")).isEqualTo("direct (p.pac line 3)");
        assertThat(ask(file(path.toUri().toString()), "x.test")).isEqualTo("direct (p.pac line 3)");
    }

    @Test
    void aBrokenFileKeepsTheLastGoodOne() throws IOException {
        Path path = Files.writeString(folder.resolve("p.pac"), returning("PROXY a.test:1"));
        PacFile file = file(path.toString());
        assertThat(ask(file, "x.test")).startsWith("http://a.test:1");
        Files.writeString(path, "function FindProxyForURL( {");
        assertThat(ask(file, "y.test")).startsWith("http://a.test:1");
        Files.delete(path);
        assertThat(ask(file, "z.test")).startsWith("http://a.test:1");
        Files.writeString(path, returning("PROXY b.test:1"));
        assertThat(ask(file, "x.test")).startsWith("http://b.test:1");
    }

    @Test
    void aFileThatNeverWasAnyGoodMeansDirect_andSaysLineAndReason() throws IOException {
        Path path = folder.resolve("p.pac");
        PacFile file = file(path.toString());
        assertThat(ask(file, "x.test")).contains("direct").contains("there is no such file");
        Files.writeString(path, "var x;\nfunction FindProxyForURL( {");
        assertThat(ask(file, "x.test")).contains("direct").contains("p.pac line 2");
        assertThat(ask(file, "x.test")).contains("p.pac line 2");
    }

    @Test
    void aByteThatIsNoUtf8DoesNotMakeAScriptUseless() throws IOException {
        Path path = Files.write(
                folder.resolve("p.pac"), ("// für alle\n" + returning("PROXY a.test:1")).getBytes(ISO_8859_1));
        assertThat(ask(file(path.toString()), "x.test")).isEqualTo("http://a.test:1 (p.pac line 3)");
    }

    @Test
    void theUrlOfAFileMayBeWrittenWithPercentSigns() throws IOException {
        for (String name : List.of("a b+c.pac", "100%.pac")) {
            Path path = Files.writeString(folder.resolve(name), returning("PROXY a.test:1"));
            assertThat(ask(file(path.toUri().toString()), "x.test")).startsWith("http://a.test:1");
            assertThat(ask(file("file://" + path), "x.test")).startsWith("http://a.test:1");
        }
    }

    @Test
    void aPortThatIsNoneMeansDirect() {
        assertThat(ask(file("http://127.0.0.1:99999/p.pac"), "x.test"))
                .isEqualTo("direct (direct, as http://127.0.0.1:99999/p.pac can't be used: "
                        + "'http://127.0.0.1:99999/p.pac' has a port that is none)");
    }

    @Test
    void answersAreKeptForAShortWhile() throws IOException {
        Path path = Files.writeString(
                folder.resolve("p.pac"),
                "function FindProxyForURL(url, host) { return 'PROXY a' + Math.floor(Math.random() * 1e9) + ':1'; }");
        PacFile file = file(path.toString());
        String first = ask(file, "x.test");
        assertThat(ask(file, "x.test")).isEqualTo(first);
        assertThat(ask(file, "y.test")).isNotEqualTo(first);
        clock.addAndGet(6_000_000_000L);
        assertThat(ask(file, "x.test")).isNotEqualTo(first);
    }

    @Test
    void afterAnEndlessScript_theNextQuestionsDoNotWait() throws IOException {
        Path path = Files.writeString(
                folder.resolve("p.pac"),
                "function FindProxyForURL(url, host) { dnsResolve('run.test'); while (host != 'good.test') {} }");
        AtomicInteger runs = new AtomicInteger();
        PacHost counting = PacHost.with(_ -> {
            runs.incrementAndGet();
            return List.of();
        });
        PacFile file = file(path.toString(), counting, 500);
        assertThat(ask(file, "x.test")).isEqualTo("direct (direct, as p.pac was stopped: it ran longer than 500 ms)");
        for (int i = 0; i < 20; i++) {
            assertThat(ask(file, i + ".test")).contains("was stopped");
        }
        assertThat(runs).as("times that it ran").hasValueLessThan(2);
    }

    private record Answer(int status, String tag, String body, boolean chunked) {
        static Answer of(String body) {
            return new Answer(200, "", body, false);
        }
    }

    /** A server that answers what it is told to. */
    private static final class Server implements AutoCloseable {
        final HttpServer http;
        final AtomicInteger asked = new AtomicInteger();
        volatile Answer answer = new Answer(200, "", "", false);

        Server() throws IOException {
            http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            http.createContext("/", exchange -> {
                asked.incrementAndGet();
                Answer now = answer; // all of one: the test may set the next meanwhile
                byte[] bytes = now.body.getBytes();
                if (exchange.getRequestURI().getPath().equals("/moved")) {
                    exchange.getResponseHeaders().add("Location", "/p.pac");
                    exchange.sendResponseHeaders(302, -1);
                } else if (!now.tag.isEmpty()
                        && now.tag.equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
                    exchange.sendResponseHeaders(304, -1);
                } else {
                    exchange.getResponseHeaders().add("ETag", now.tag);
                    exchange.sendResponseHeaders(now.status, bytes.length == 0 ? -1 : now.chunked ? 0 : bytes.length);
                    exchange.getResponseBody().write(bytes);
                }
                exchange.close();
            });
            http.start();
        }

        String url(String path) {
            return "http://127.0.0.1:" + http.getAddress().getPort() + path;
        }

        @Override
        public void close() {
            http.stop(0);
        }
    }

    private static void await(java.util.function.BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + 60_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    @Test
    void theServerOfAScriptIsFoundByTheNamesOfTheNetwork_andMayAnswerInChunks() throws Exception {
        PacHost names = PacHost.with(
                name -> name.equals("pac.corp.test") ? List.of(InetAddress.getLoopbackAddress()) : List.of());
        try (Server server = new Server()) {
            for (boolean chunked : new boolean[] {false, true}) {
                server.answer = new Answer(200, "", returning("PROXY a.test:1"), chunked);
                String url = server.url("/moved").replace("127.0.0.1", "pac.corp.test");
                assertThat(ask(file(url, names, 30_000), "x.test")).isEqualTo("http://a.test:1 (moved line 2)");
            }
        }
        assertThat(ask(file("http://nobody.corp.test/p.pac", names, 30_000), "x.test"))
                .contains("no such host: nobody.corp.test");
    }

    @Test
    void aUrlIsFetchedOnce_thenAgainAfterAMinuteWhileTheOldScriptAnswers() throws Exception {
        try (Server server = new Server()) {
            server.answer = new Answer(200, "\"1\"", returning("PROXY a.test:1"), false);
            PacFile file = file(server.url("/p.pac?x=y"));
            assertThat(ask(file, "x.test")).isEqualTo("http://a.test:1 (p.pac line 2)");
            clock.addAndGet(30_000_000_000L);
            ask(file, "x.test");
            assertThat(server.asked).hasValue(1);
            clock.addAndGet(31_000_000_000L);
            assertThat(ask(file, "x.test")).startsWith("http://a.test:1");
            await(() -> server.asked.get() == 2);
            server.answer = new Answer(200, "\"2\"", returning("PROXY b.test:1"), false);
            await(() -> {
                clock.addAndGet(61_000_000_000L);
                return ask(file, "x.test").startsWith("http://b.test:1");
            });
            server.answer = new Answer(500, "\"3\"", "", false);
            int before = server.asked.get();
            await(() -> {
                clock.addAndGet(61_000_000_000L);
                ask(file, "x.test");
                return server.asked.get() > before + 1;
            });
            assertThat(ask(file, "y.test")).startsWith("http://b.test:1");
        }
    }

    @Test
    void aUrlThatFailsMeansDirect_saysWhy_andIsTriedAgainAfterTenSeconds() throws Exception {
        try (Server server = new Server()) {
            server.answer = new Answer(404, "", "", false);
            PacFile file = file(server.url("/p.pac"));
            assertThat(ask(file, "x.test"))
                    .contains("direct, as http://127.0.0.1")
                    .contains("answered 404");
            ask(file, "x.test");
            assertThat(server.asked).hasValue(1);
            server.answer = Answer.of(returning("PROXY a.test:1"));
            clock.addAndGet(11_000_000_000L);
            assertThat(ask(file, "x.test")).startsWith("http://a.test:1");
        }
    }

    @Test
    void redirectsAreFollowed_andTooLongAScriptIsNoScript() throws Exception {
        try (Server server = new Server()) {
            server.answer = Answer.of(returning("PROXY a.test:1"));
            assertThat(ask(file(server.url("/moved")), "x.test")).startsWith("http://a.test:1");
            server.answer = Answer.of("//" + "x".repeat(1 << 20));
            assertThat(ask(file(server.url("/p.pac")), "x.test")).contains("more than 1048576 bytes");
        }
    }
}
