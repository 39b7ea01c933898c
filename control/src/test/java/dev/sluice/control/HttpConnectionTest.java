package dev.sluice.control;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What of HTTP is understood, over streams in memory: those of which nothing may be read beyond a request, and others. */
@Timeout(60)
class HttpConnectionTest {
    private static final String POST = "POST /a?b=c HTTP/1.1\r\nHost: x\r\n";
    private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n";
    private static final String LAST = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

    private final List<String> bodies = new ArrayList<>();

    private HttpResponse answer(HttpRequest request) {
        bodies.add(new String(request.body(), ISO_8859_1));
        HttpHead head = request.head();
        return request.head().path().equals("/stream")
                ? HttpResponse.stream("text/plain", sink -> {
                    sink.write(HttpResponse.utf8("one "));
                    sink.write(HttpResponse.utf8("two"));
                })
                : HttpResponse.of(200, "text/plain", HttpResponse.utf8(head.path() + "|" + head.query()));
    }

    /** What comes back for these bytes and then the end. */
    private String exchange(boolean shared, String requests) {
        return exchange(shared, requests, this::answer);
    }

    private static String exchange(boolean shared, String requests, HttpHandler handler) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        HttpStream memory = HttpStream.of(new ByteArrayInputStream(requests.getBytes(ISO_8859_1)), out);
        HttpStream stream = new HttpStream() {
            @Override
            public int read(ByteBuffer to) throws IOException {
                return memory.read(to);
            }

            @Override
            public void write(ByteBuffer from) throws IOException {
                memory.write(from);
            }

            @Override
            public void shutdownOutput() {}

            @Override
            public void close() {}

            @Override
            public boolean isShared() {
                return shared;
            }
        };
        try (HttpClients clients = new HttpClients(1, HttpServer.PATIENCE)) {
            clients.serve(stream, handler);
            assertThat(clients.cut()).isZero();
        }
        return out.toString(ISO_8859_1);
    }

    private static int statuses(String answers) {
        return answers.split("HTTP/1.1 [2-5]", -1).length - 1;
    }

    /** RFC 9112 §7.1: a recipient must be able to decode them; extensions and trailers mean nothing here. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aBodyMayComeInChunks(boolean shared) {
        String answers = exchange(
                shared,
                CHUNKED + "5\r\nhello\r\n0000000B;name=\"value\"\r\n, chunks \r\n\r\n1 \r\n!\r\n0\r\nDigest: x\r\n\r\n"
                        + CHUNKED + "0\r\n\r\n" + LAST);
        assertThat(bodies).containsExactly("hello, chunks \r\n!", "", "");
        assertThat(statuses(answers)).isEqualTo(3);
        assertThat(answers).contains("/a|b=c", "/last|");
    }

    @Test
    void manySmallChunksAreOneBody() {
        int bytes = HttpConnection.MAX_BODY / 8;
        exchange(false, CHUNKED + "1\r\nx\r\n".repeat(bytes) + "0\r\n\r\n");
        assertThat(bodies).containsExactly("x".repeat(bytes));
    }

    @Test
    void aBodyInChunksMayBeAsLargeAsAnyAndNoLarger() {
        String half = Integer.toHexString(HttpConnection.MAX_BODY / 2) + "\r\n"
                + "x".repeat(HttpConnection.MAX_BODY / 2) + "\r\n";
        assertThat(exchange(false, CHUNKED + half + half + "0\r\n\r\n")).startsWith("HTTP/1.1 200");
        assertThat(bodies.getFirst()).hasSize(HttpConnection.MAX_BODY);
        assertThat(exchange(false, CHUNKED + half + half + "1\r\nx\r\n0\r\n\r\n" + LAST))
                .startsWith("HTTP/1.1 413")
                .doesNotContain("200 OK");
        assertThat(exchange(true, CHUNKED + "fffffffffffffff\r\n" + LAST)).startsWith("HTTP/1.1 413");
        assertThat(bodies).hasSize(1);
    }

    @Test
    void aHandlerMayTakeSmallerBodies() {
        HttpHandler small = new HttpHandler() {
            @Override
            public HttpResponse handle(HttpRequest request) {
                return answer(request);
            }

            @Override
            public int maxBody() {
                return 8;
            }
        };
        assertThat(exchange(false, POST + "Content-Length: 8\r\n\r\n12345678" + LAST, small))
                .startsWith("HTTP/1.1 200");
        assertThat(exchange(false, POST + "Content-Length: 9\r\n\r\n123456789" + LAST, small))
                .startsWith("HTTP/1.1 413")
                .contains("a body may have 8 bytes, not 9");
        assertThat(exchange(true, CHUNKED + "5\r\n12345\r\n4\r\n6789\r\n0\r\n\r\n" + LAST, small))
                .startsWith("HTTP/1.1 413");
        assertThat(bodies).containsExactly("12345678", "");
    }

    @Test
    void aRequestThatEndsInAnErrorIsAnsweredAndTheNextOneServed() {
        String answers = exchange(false, POST + "Content-Length: 0\r\n\r\n" + LAST, request -> {
            if (request.head().path().equals("/a")) {
                throw new StackOverflowError();
            }
            return answer(request);
        });
        assertThat(answers).startsWith("HTTP/1.1 500").contains("HTTP/1.1 200", "/last|");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "x\r\n",
                "\r\n",
                "-1\r\nx\r\n",
                "0x1\r\nx\r\n",
                "1\nx\r\n",
                "1\r\nxx\r\n",
                "1\r\nx\n0\r\n\r\n",
                "10000000000000000\r\n",
                "0000000000000000\r\n",
                "1;a\u0000\r\nx\r\n",
                "0\r\n folded\r\n\r\n",
                "0\r\n\nX",
            })
    void whatIsNoChunkEndsTheConnectionWithAWord(String chunks) {
        for (boolean shared : new boolean[] {true, false}) {
            assertThat(exchange(shared, CHUNKED + chunks + LAST))
                    .startsWith("HTTP/1.1 400")
                    .contains("Connection: close")
                    .doesNotContain("200 OK");
        }
        assertThat(bodies).isEmpty();
    }

    @Test
    void aSizeLineOrTrailersWithoutEndAreNoChunk() {
        assertThat(exchange(false, CHUNKED + "1;" + "x".repeat(1 << 20))).startsWith("HTTP/1.1 400");
        assertThat(exchange(false, CHUNKED + "0\r\n" + "a: b\r\n".repeat(1 << 16)))
                .startsWith("HTTP/1.1 400");
        assertThat(bodies).isEmpty();
    }

    /** A client that has gone in the middle is told nothing, and nothing is done for it. */
    @ParameterizedTest
    @ValueSource(strings = {"", "5", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\n\r"})
    void aBodyThatBreaksOffIsNoRequest(String chunks) {
        assertThat(exchange(false, CHUNKED + chunks)).isEmpty();
        assertThat(bodies).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(textBlock = """
                    POST / HTTP/1.1 | Transfer-Encoding: gzip                           | 501
                    POST / HTTP/1.1 | Transfer-Encoding: gzip, chunked                  | 400
                    POST / HTTP/1.1 | Transfer-Encoding: chunked, chunked               | 400
                    POST / HTTP/1.0 | Transfer-Encoding: chunked                        | 400
                    GET * HTTP/1.1  | A: b                                              | 400
                    OPTIONS * HTTP/1.1 | A: b                                           | 400
                    CONNECT x:80 HTTP/1.1 | A: b                                        | 400
                    GET ftp://x/a HTTP/1.1 | A: b                                       | 400
                    GET http://u@x/a HTTP/1.1 | A: b                                    | 400
                    GET http:///a HTTP/1.1 | A: b                                       | 400
                    GET x HTTP/1.1  | A: b                                              | 400
                    GET / HTTP/0.9  | A: b                                              | 505
                    """, delimiter = '|')
    void whatHasNoOneMeaningIsRefused(String line, String field, int status) {
        assertThat(exchange(true, line + "\r\nHost: x\r\n" + field + "\r\n\r\n" + "0\r\n\r\n" + LAST))
                .startsWith("HTTP/1.1 " + status)
                .doesNotContain("200 OK");
    }

    /** A client that writes by hand is told so at once, and does not wait for its time to be up. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void linesThatEndWithLfAloneAreAnsweredBeforeTheirEnd(boolean shared) {
        assertThat(exchange(shared, "GET / HTTP/1.0\n\n"))
                .startsWith("HTTP/1.1 400")
                .contains("CR LF");
    }

    @Test
    void aLengthBesideChunksIsRefused() {
        assertThat(exchange(true, POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + LAST))
                .startsWith("HTTP/1.1 400")
                .doesNotContain("200 OK");
    }

    /** RFC 9112 §3.2.2: from a client that takes this for a proxy. */
    @Test
    void aUrlIsAsGoodAsItsPath() {
        String answers = exchange(
                true,
                "GET http://gateway.test/a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n"
                        + "GET HTTP://[fd00::1]:80?c HTTP/1.1\r\nHost: x\r\n\r\n" + LAST);
        assertThat(statuses(answers)).isEqualTo(3);
        assertThat(answers).contains("/a/b|c=d", "/|c");
    }

    /** An older client needs no Host, gets one answer, and would not understand chunks (RFC 9112 §6.1, §9.3). */
    @ParameterizedTest
    @ValueSource(strings = {"", "Host: x\r\n", "Connection: keep-alive\r\n", "Expect: 100-continue\r\n"})
    void aRequestOfHttp10IsTheOnlyOne(String fields) {
        String answers = exchange(false, "POST /old HTTP/1.0\r\n" + fields + "Content-Length: 2\r\n\r\nhi" + LAST);
        assertThat(answers)
                .startsWith("HTTP/1.1 200")
                .contains("Connection: close")
                .endsWith("/old|")
                .doesNotContain("/last", "100 Continue");
        assertThat(bodies).containsExactly("hi");
    }

    @Test
    void aBodyThatIsMadeAsItGoesEndsWithTheConnectionForHttp10() {
        assertThat(exchange(true, "GET /stream HTTP/1.0\r\n\r\n"))
                .doesNotContain("chunked")
                .contains("Connection: close")
                .endsWith("\r\n\r\none two");
        assertThat(exchange(true, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"))
                .contains("Transfer-Encoding: chunked")
                .endsWith("\r\n\r\n4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n");
    }

    @Test
    void whoWaitsForPermissionToSendChunksGetsIt() {
        assertThat(exchange(
                        true, POST + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"))
                .startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200");
        assertThat(bodies).containsExactly("x");
    }
}
