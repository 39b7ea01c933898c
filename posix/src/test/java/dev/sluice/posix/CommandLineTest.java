package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class CommandLineTest {
    private static final Charset ASCII = StandardCharsets.US_ASCII;

    @Test
    void whatTheLocaleDidNotKnowGoesOnAsItCame() {
        byte[] ours = "java\0-m\0run\0echo\0Grüße\0".getBytes(StandardCharsets.UTF_8);
        String lost = new String("Grüße".getBytes(StandardCharsets.UTF_8), ASCII);
        assertThat(texts(List.of("unshare", "sh", "echo", lost), ASCII, ours))
                .containsExactly("unshare", "sh", "echo", "Grüße");
    }

    @Test
    void bytesThatAreNoUtf8GoOnAsTheyCame() {
        byte[] ours = HexFormat.of().parseHex("6c73" + "00" + "ff" + "00");
        String lost = new String(new byte[] {(byte) 0xff}, StandardCharsets.UTF_8);
        assertThat(CommandLine.bytes(List.of("ls", lost), StandardCharsets.UTF_8, ours))
                .containsExactly("ls".getBytes(ASCII), new byte[] {(byte) 0xff});
    }

    @Test
    void wordsThatAreNotOursAreEncoded() {
        byte[] ours = "java\0Grüße\0".getBytes(StandardCharsets.UTF_8);
        assertThat(texts(List.of("Grüße", "b"), StandardCharsets.UTF_8, ours)).containsExactly("Grüße", "b");
        assertThat(texts(List.of("Grüße", "b"), StandardCharsets.UTF_8, new byte[0]))
                .containsExactly("Grüße", "b");
        assertThat(texts(List.of("5 €"), Charset.forName("ISO-8859-15"), ours)).containsExactly("5 \ufffd");
    }

    /** More words than this process has, and empty ones. */
    @Test
    void theEndOfOursIsTheEnd() {
        byte[] ours = "a\0\0b\0".getBytes(ASCII);
        assertThat(texts(List.of("x", "y", "a", "", "b"), ASCII, ours)).containsExactly("x", "y", "a", "", "b");
        assertThat(texts(List.of(), ASCII, ours)).isEmpty();
    }

    private static List<String> texts(List<String> words, Charset charset, byte[] ours) {
        return CommandLine.bytes(words, charset, ours).stream()
                .map(bytes -> new String(bytes, StandardCharsets.UTF_8))
                .toList();
    }
}
