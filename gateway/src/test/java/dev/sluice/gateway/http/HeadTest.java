package dev.sluice.gateway.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads: what is kept, and what is no head. */
class HeadTest {
    private static RequestHead request(String text) throws BadMessage {
        return RequestHead.parse(text.getBytes(ISO_8859_1));
    }

    private static int status(String text) {
        try {
            request(text);
            return 0;
        } catch (BadMessage e) {
            return e.status();
        }
    }

    /** Where the scan says that the head ends; -1 if it wants more. */
    private static int end(byte[] bytes) {
        return end(new HeadScan(), bytes);
    }

    private static int end(HeadScan scan, byte[] bytes) {
        for (int i = 0; i < bytes.length; i++) {
            if (scan.ends(bytes[i])) {
                return i + 1;
            }
        }
        return -1;
    }

    @Test
    void aHeadIsWrittenAsItWasRead() throws Exception {
        String text =
                "GET /a?b=%20 HTTP/1.1\r\nhOsT:  Example.COM \r\nX-One:a\r\nx-two: \r\nX-One:\tb\u00e4 , c\r\n\r\n";
        assertThat(new String(request(text).bytes(), ISO_8859_1)).isEqualTo(text);
        String response = "HTTP/1.1 200 Sehr sch\u00f6n\r\nSet-Cookie: a\r\nset-cookie: b\r\n\r\n";
        ResponseHead head = ResponseHead.parse(response.getBytes(ISO_8859_1));
        assertThat(new String(head.bytes(), ISO_8859_1)).isEqualTo(response);
        assertThat(head.fields().all("SET-COOKIE")).containsExactly("a", "b");
    }

    @Test
    void aResponseNeedsNoReason() throws Exception {
        ResponseHead head = ResponseHead.parse("HTTP/1.0 404\r\n\r\n".getBytes(ISO_8859_1));
        assertThat(head.status()).isEqualTo(404);
        assertThat(head.reason()).isEmpty();
        assertThat(head.minor()).isZero();
    }

    @Test
    void emptyLinesBeforeARequestAreSkipped() throws Exception {
        String text = "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assertThat(end(text.getBytes(ISO_8859_1))).isEqualTo(text.length());
        assertThat(request(text).target()).isEqualTo("/");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '>', textBlock = """
                    HTTP/1.1 200 OK\\nA: b\\n\\n            > A: b
                    \\n\\r\\nHTTP/1.1 200 OK\\r\\nA: b\\n\\r\\n > A: b
                    HTTP/1.1 200 OK\\r\\nA \\t: b\\r\\n\\r\\n     > A: b
                    HTTP/1.1 200 OK\\r\\nA: b\\r\\n \\t c\\r\\n\\r\\n > A: b c
                    HTTP/1.1 200 OK\\nA: b:c\\n : d\\n\\n     > A: b:c : d
                    """)
    void whatOldServersSayIsUnderstood(String text, String field) throws Exception {
        byte[] bytes = text.replace("\\n", "\n")
                .replace("\\r", "\r")
                .replace("\\t", "\t")
                .getBytes(ISO_8859_1);
        assertThat(end(HeadScan.ofResponse(), bytes)).isEqualTo(bytes.length);
        assertThat(new String(ResponseHead.parse(bytes).bytes(), ISO_8859_1))
                .isEqualTo("HTTP/1.1 200 OK\r\n" + field + "\r\n\r\n");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: b\u0000\r\n\r\n",
                "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
                "HTTP/1.1 200 OK\n\tA: b\n\n",
                "HTTP/1.1 200 OK\n: b\n\n",
                "HTTP/1.1 200 OK\n : b\n\n",
                "HTTP/1.1 200 OK\nA\n\n",
                "HTTP/1.1 200 OK\nA B : c\n\n",
                "HTTP/1.1\n200 OK\n\n",
                "\n\n\n\n\n\n",
                "HTTP/1.1 200 OK\nA: b\n",
            })
    void whatNoServerSaysIsNoResponse(String text) {
        assertThatThrownBy(() -> ResponseHead.parse(text.getBytes(ISO_8859_1)))
                .isInstanceOfSatisfying(
                        BadMessage.class, e -> assertThat(e.status()).isEqualTo(502));
    }

    /** Each could be read in two ways by two readers, or is no HTTP at all. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\nHost: a\n\n",
                "GET / HTTP/1.1\r\nHost: a\n\r\n",
                "GET / HTTP/1.1\rHost: a\r\r",
                "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
                "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\tc: d\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX\u0000: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: b\u0000\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX(y): b\r\n\r\n",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                "GET /\r\nHost: a\r\n\r\n",
                "GET / http/1.1\r\nHost: a\r\n\r\n",
                "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u000bchunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
            })
    void whatCanBeMisunderstoodIsRefused(String text) {
        assertThat(status(text)).isEqualTo(400);
        // and nobody waits for more of it
        assertThat(end(text.getBytes(ISO_8859_1))).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"HTTP/2.0,505", "HTTP/1.2,505", "HTTP/11,400"})
    void otherVersionsAreRefused(String version, int status) {
        assertThat(status("GET / " + version + "\r\nHost: a\r\n\r\n")).isEqualTo(status);
    }

    @Test
    void aCodingNobodyKnowsIsNotImplemented() {
        assertThat(status("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"))
                .isEqualTo(501);
    }

    @Test
    void tooManyFieldsAreRefused() {
        assertThat(status("GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n".repeat(256) + "\r\n"))
                .isEqualTo(431);
    }

    @Test
    void aHeadCutOffAnywhereIsNoHead() {
        byte[] whole = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n".getBytes(ISO_8859_1);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = java.util.Arrays.copyOf(whole, length);
            assertThat(end(part)).as("at %d", length).isEqualTo(-1);
            assertThatThrownBy(() -> RequestHead.parse(part)).isInstanceOf(BadMessage.class);
            assertThatThrownBy(() -> ResponseHead.parse(part)).isInstanceOf(BadMessage.class);
        }
        assertThat(end(whole)).isEqualTo(whole.length);
    }

    /** Nothing throws but BadMessage, and what is accepted is written as it was read and accepted again. */
    @Test
    void randomChangesNeverBreakTheParser() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        byte[] base = ("POST http://a.example:81/x HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n"
                        + "Connection: close, x\r\nUpgrade: h2c\r\n\r\n")
                .getBytes(ISO_8859_1);
        String spice = "\r\n\t :;,\u0000\u007f\u0085/HTP1.0";
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = base.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] = random.nextBoolean()
                        ? (byte) random.nextInt(256)
                        : (byte) spice.charAt(random.nextInt(spice.length()));
            }
            try {
                RequestHead head = RequestHead.parse(bytes);
                assertThat(head.bytes()).as("seed %d", seed).isEqualTo(bytes);
                assertThat(end(bytes)).as("seed %d", seed).isEqualTo(bytes.length);
                RequestTarget.of(head);
            } catch (BadMessage e) {
                assertThat(e.status()).isBetween(400, 505);
            }
        }
    }

    /** However a response came, what is written of it is read in the same way by whoever is strict. */
    @Test
    void whatWasPutRightNeedsItNoMore() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        byte[] base = "HTTP/1.1 200 OK\nServer : x\r\nA: b;\r\n c\nTransfer-Encoding: chunked\n\n".getBytes(ISO_8859_1);
        String spice = "\r\n\t :;,\u0000\u007f\u0085/HTP1.0";
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = base.clone();
            for (int n = random.nextInt(4); n >= 0; n--) {
                bytes[random.nextInt(bytes.length)] = random.nextBoolean()
                        ? (byte) random.nextInt(256)
                        : (byte) spice.charAt(random.nextInt(spice.length()));
            }
            try {
                byte[] written = ResponseHead.parse(bytes).bytes();
                assertThat(HeadLines.of(written).start()).as("seed %d", seed).startsWith("HTTP/1.");
                assertThat(ResponseHead.parse(written).bytes())
                        .as("seed %d", seed)
                        .isEqualTo(written);
                assertThat(end(HeadScan.ofResponse(), bytes))
                        .as("seed %d", seed)
                        .isEqualTo(bytes.length);
            } catch (BadMessage e) {
                assertThat(e.status()).as("seed %d: %s", seed, e.reason()).isEqualTo(502);
            }
        }
    }

    @Test
    void anotherProtocolIsToldByItsFirstBytes() {
        for (String other :
                new String[] {"SSH-2.0-OpenSSH_9\r\n", "\u0016\u0003\u0001", "PRI * HTTP/2.0\r\n", "EHLO\r\n"}) {
            assertThat(RequestHead.mayBegin(other.getBytes(ISO_8859_1), other.length()))
                    .as(other)
                    .isFalse();
        }
        String http = "GET /a b HTTP/1.1\r\nX"; // wrong, but HTTP
        for (int length = 0; length <= http.length(); length++) {
            assertThat(RequestHead.mayBegin(http.getBytes(ISO_8859_1), length))
                    .as("first %d", length)
                    .isTrue();
        }
    }

    @Test
    void targetsHaveFourForms() throws Exception {
        assertThat(RequestTarget.of(request("GET /x?y HTTP/1.1\r\nHost: a\r\n\r\n")))
                .isEqualTo(new RequestTarget.Origin("/x?y"));
        assertThat(RequestTarget.of(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")))
                .isEqualTo(new RequestTarget.Server());
        assertThat(RequestTarget.of(request("CONNECT [::1]:443 HTTP/1.1\r\nHost: a\r\n\r\n")))
                .isEqualTo(new RequestTarget.Tunnel(new Authority("::1", 443)));
        assertThat(RequestTarget.of(request("GET HTTP://A.example.:8080?q HTTP/1.1\r\nHost: a\r\n\r\n")))
                .isEqualTo(
                        new RequestTarget.Absolute("http", new Authority("a.example", 8080), "A.example.:8080", "/?q"));
        assertThat(RequestTarget.of(request("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n")))
                .isEqualTo(new RequestTarget.Absolute("http", new Authority("a", 0), "a", "*"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "CONNECT a HTTP/1.1",
                "CONNECT a:0 HTTP/1.1",
                "CONNECT a:70000 HTTP/1.1",
                "CONNECT a:8x HTTP/1.1",
                "CONNECT /x HTTP/1.1",
                "GET * HTTP/1.1",
                "GET a HTTP/1.1",
                "GET http:///x HTTP/1.1",
                "GET http://u:p@a/ HTTP/1.1",
                "GET http://a/#x HTTP/1.1",
                "GET http://a:b/ HTTP/1.1",
                "GET http://[::1/ HTTP/1.1",
                "GET http://[x]/ HTTP/1.1",
                "GET http://a..b/ HTTP/1.1",
                "GET http://a\"b/ HTTP/1.1",
                "GET http://[::1]x/ HTTP/1.1",
            })
    void targetsThatLeadNowhereAreRefused(String line) {
        assertThatThrownBy(() -> RequestTarget.of(request(line + "\r\nHost: a\r\n\r\n")))
                .isInstanceOf(BadMessage.class);
    }
}
