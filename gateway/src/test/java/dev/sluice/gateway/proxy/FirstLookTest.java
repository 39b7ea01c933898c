package dev.sluice.gateway.proxy;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.http.RequestHead;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How much of a connection is waited for before its server is asked. */
class FirstLookTest {
    /** Up to where the look goes. */
    private static byte[] seen(String said) {
        byte[] bytes = said.getBytes(ISO_8859_1);
        FirstLook look = new FirstLook();
        for (int i = 0; i < bytes.length; i++) {
            if (look.ends(bytes[i])) {
                return Arrays.copyOf(bytes, i + 1);
            }
        }
        throw new AssertionError("it would wait for more");
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "\u0016", "abc \u0001", "a b\u0000", "GET /\t", "QUERY \u007f", "x1", "SSH-2"})
    void whatIsNoTextIsKnownForAnotherProtocolAtOnce(String said) {
        byte[] seen = seen(said + "and more");
        assertThat(seen).hasSize(said.length());
        assertThat(RequestHead.mayBegin(seen, seen.length)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET / HTTP/1.1\r\n",
                "\r\nM-SEARCH * HTTP/1.1\n",
                "GET /\u00fc\u0080 HTTP/1.0\r\n",
                "GET  HTTP/1.1\r\n"
            })
    void aRequestIsKnownByItsFirstLine(String said) {
        byte[] seen = seen(said + "Host: a\r\n");
        assertThat(seen).hasSize(said.length());
        assertThat(RequestHead.mayBegin(seen, seen.length)).isTrue();
    }
}
