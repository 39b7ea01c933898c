package dev.sluice.gateway.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where bodies end. */
class BodyScanTest {
    private static final String CHUNKS =
            "5\r\nhello\r\n000A;x=\"y\"\r\n0123456789\r\n0;last\r\nT-One: a\r\nT-Two:\tb\r\n\r\n";

    private static ResponseHead response(String text) throws BadMessage {
        return ResponseHead.parse(text.getBytes(ISO_8859_1));
    }

    private static MemorySegment memory(String text) {
        return MemorySegment.ofArray(text.getBytes(ISO_8859_1));
    }

    private static BodyScan chunked() {
        BodyScan scan = new BodyScan();
        scan.begin(new Framing.Chunked());
        return scan;
    }

    @Test
    void aBodyEndsWhereItsLengthSays() {
        BodyScan scan = new BodyScan();
        scan.begin(new Framing.Length(5));
        assertThat(scan.take(memory("hel"), 0, 3)).isEqualTo(3);
        assertThat(scan.ahead()).isEqualTo(2);
        assertThat(scan.take(memory("loGET"), 0, 5)).isEqualTo(2);
        assertThat(scan.isDone()).isTrue();
        assertThat(scan.take(memory("GET"), 0, 3)).isZero();
    }

    @Test
    void chunksEndAfterTheirTrailersWhereverTheyAreCut() {
        MemorySegment whole = memory(CHUNKS + "GET / HTTP/1.1");
        for (int cut = 0; cut <= CHUNKS.length(); cut++) {
            BodyScan scan = chunked();
            assertThat(scan.take(whole, 0, cut)).isEqualTo(cut);
            assertThat(scan.isDone()).as("cut at %d", cut).isEqualTo(cut == CHUNKS.length());
            int rest = (int) whole.byteSize() - cut;
            assertThat(scan.take(whole, cut, rest)).isEqualTo(CHUNKS.length() - cut);
            assertThat(scan.isDone()).isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n",
                "x\r\n",
                " 5\r\n",
                "-5\r\n",
                "0x5\r\n",
                "5\n",
                "5\rx",
                "5x\r\n",
                "5;a\nb\r\n",
                "5\r\nhelloX",
                "5\r\nhello\n",
                "5\r\nhello\rX",
                "0\r\n x: y\r\n\r\n",
                "0\r\nA: b\n\r\n",
                "0\r\nA: b\r\r\n",
                "0\r\n\rX",
                "1234567890abcdef\r\n",
                "0000000000000000\r\n",
                "5;\u0000\r\n",
            })
    void whatIsNoChunkBreaksTheBody(String text) {
        BodyScan scan = chunked();
        int taken = scan.take(memory(text), 0, text.length());
        assertThat(scan.isBroken()).isTrue();
        assertThat(taken).isLessThan(text.length());
    }

    @Test
    void chunkLinesAndTrailersAreBounded() {
        String extension = "5;" + "a".repeat(BodyScan.MAX_CHUNK_LINE) + "\r\n";
        BodyScan scan = chunked();
        scan.take(memory(extension), 0, extension.length());
        assertThat(scan.isBroken()).isTrue();
        String trailers = "0\r\n" + "a: b\r\n".repeat(BodyScan.MAX_TRAILERS / 4 + 1) + "\r\n";
        BodyScan other = chunked();
        other.take(memory(trailers), 0, trailers.length());
        assertThat(other.isBroken()).isTrue();
    }

    /** A scan that is shown random pieces says the same as one that is shown all. */
    @Test
    void randomBodiesAreCutTheSameInAnyPieces() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 3000; round++) {
            byte[] bytes = CHUNKS.getBytes(ISO_8859_1);
            for (int n = random.nextInt(3); n > 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            MemorySegment memory = MemorySegment.ofArray(bytes);
            BodyScan whole = chunked();
            int expected = whole.take(memory, 0, bytes.length);
            BodyScan scan = chunked();
            int at = 0;
            while (at < bytes.length) {
                int length = 1 + random.nextInt(bytes.length - at);
                BodyScan before = new BodyScan();
                before.copy(scan);
                int n = scan.take(memory, at, length);
                assertThat(before.take(memory, at, length)).isEqualTo(n);
                at += n;
                if (n < length) {
                    break;
                }
            }
            assertThat(at).as("seed %d", seed).isEqualTo(expected);
            assertThat(scan.isDone()).as("seed %d", seed).isEqualTo(whole.isDone());
            assertThat(scan.isBroken()).as("seed %d", seed).isEqualTo(whole.isBroken());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET | 200 | Content-Length: 7 | Length[bytes=7]",
                "HEAD | 200 | Content-Length: 7 | Length[bytes=0]",
                "HEAD | 200 | Transfer-Encoding: chunked | Length[bytes=0]",
                "GET | 204 | Content-Length: 7 | Length[bytes=0]",
                "GET | 304 | Content-Length: 7 | Length[bytes=0]",
                "GET | 101 | X: y | Length[bytes=0]",
                "CONNECT | 200 | Content-Length: 7 | Length[bytes=0]",
                "CONNECT | 407 | Content-Length: 7 | Length[bytes=7]",
                "GET | 200 | Transfer-Encoding: chunked | Chunked[]",
                "GET | 200 | Transfer-Encoding: gzip, Chunked | Chunked[]",
                "GET | 200 | Transfer-Encoding: gzip | UntilClose[]",
                "GET | 200 | X: y | UntilClose[]",
            })
    void aResponseEndsAsItsRequestAndStatusSay(String method, String status, String field, String expected)
            throws Exception {
        ResponseHead head = response("HTTP/1.1 " + status + " x\r\n" + field + "\r\n\r\n");
        assertThat(Framing.ofResponse(head, method)).hasToString(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "HTTP/1.1 200 x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
                "HTTP/1.1 200 x\r\nContent-Length: five\r\n\r\n",
                "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
                "HTTP/1.0 200 x\r\nTransfer-Encoding: chunked\r\n\r\n",
            })
    void aServersMistakeIsABadGateway(String text) throws Exception {
        ResponseHead head = response(text);
        assertThatThrownBy(() -> Framing.ofResponse(head, "GET"))
                .isInstanceOfSatisfying(
                        BadMessage.class, e -> assertThat(e.status()).isEqualTo(502));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ICY 200 OK",
                "HTTP/1.1 20 x",
                "HTTP/1.1 2000 x",
                "HTTP/1.1  200",
                "HTTP/2.0 200 x",
                "HTTP/1.1 0xx"
            })
    void whatIsNoStatusLineIsABadGateway(String line) {
        assertThatThrownBy(() -> response(line + "\r\n\r\n"))
                .isInstanceOfSatisfying(
                        BadMessage.class, e -> assertThat(e.status()).isEqualTo(502));
    }
}
