package dev.sluice.gateway.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.TlsHello;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What is read of TLS: the name, and no byte more than there is. */
class ClientHelloTest {
    @Test
    void theNameIsFoundHoweverItIsCut() throws Exception {
        byte[] message = TlsHello.withName("WWW.Example.com.");
        for (int size = 1; size <= message.length; size++) {
            byte[] bytes = TlsHello.inRecords(message, size);
            assertThat(ClientHello.of(bytes)).isEqualTo(new ClientHello.Hello("www.example.com"));
        }
        byte[] whole = TlsHello.inRecords(message, 20);
        for (int length = 0; length < whole.length; length++) {
            assertThat(ClientHello.of(Arrays.copyOf(whole, length)))
                    .as("first %d", length)
                    .isEqualTo(new ClientHello.More());
        }
    }

    @Test
    void aHelloWithoutANameHasNone() throws Exception {
        assertThat(ClientHello.of(TlsHello.inRecords(TlsHello.withName(null), 100)))
                .isEqualTo(new ClientHello.Hello(""));
    }

    @Test
    void namesThatAreNoneAreNone() throws Exception {
        for (String name : new String[] {"a b", "a\r\nb", "a..b", ".", "a:443", "x/y", "", "a@b"}) {
            assertThat(ClientHello.of(TlsHello.inRecords(TlsHello.withName(name), 1000)))
                    .as(name)
                    .isEqualTo(new ClientHello.Hello(""));
        }
    }

    @Test
    void whatIsNoTlsIsTold() {
        assertThat(ClientHello.of("GET / HTTP/1.1".getBytes())).isEqualTo(new ClientHello.Other());
        assertThat(ClientHello.of(new byte[] {22, 9, 1, 0, 5})).isEqualTo(new ClientHello.Other());
        assertThat(ClientHello.of(new byte[] {22, 3, 1, 0, 0})).isEqualTo(new ClientHello.Other());
        assertThat(ClientHello.of(new byte[] {22, 3, 1, 0, 4, 2, 0, 0, 0})).isEqualTo(new ClientHello.Other());
        assertThat(ClientHello.of(new byte[] {22, 3, 1, 0, 4, 1, 2, 0, 0})).isEqualTo(new ClientHello.Other());
    }

    @Test
    void randomHellosNeverThrow() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        byte[] base = TlsHello.inRecords(TlsHello.withName("a.example"), 50);
        for (int round = 0; round < 50_000; round++) {
            byte[] bytes = Arrays.copyOf(base, random.nextInt(base.length + 20));
            for (int n = random.nextInt(5); n > 0 && bytes.length > 0; n--) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            try {
                ClientHello.of(bytes);
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
    }
}
