package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.JsonReader;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonReaderTest {
    @Test
    void whatIsWrittenIsReadBack() {
        Map<String, Object> value = Map.of(
                "text",
                "ä\"\\\n\t\u001b[31m",
                "list",
                List.of(1L, -2L, true, Map.of(), List.of()),
                "object",
                Map.of("a", 1L));
        assertThat(JsonReader.read(Json.of(value))).isEqualTo(value);
    }

    @Test
    void everyKindOfValueIsRead() {
        assertThat(JsonReader.read(" [ null , 1.5e2 , \"\\u00e4\\/\" , false ] "))
                .isEqualTo(Arrays.asList(null, 150.0, "ä/", false));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "[1",
                "[1,",
                "{\"a\"}",
                "{\"a\":}",
                "\"a",
                "\"\\u12",
                "tru",
                "1 2",
                "-",
                "{a:1}",
                "99999999999999999999"
            })
    void whatIsNoJsonIsRefused(String text) {
        assertThatThrownBy(() -> JsonReader.read(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void damagedDocumentsAreReadOrRefused() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String original = Json.of(StatusFixture.status());
        for (int i = 0; i < 5000; i++) {
            StringBuilder text = new StringBuilder(original);
            for (int n = random.nextInt(4); n >= 0; n--) {
                text.setCharAt(random.nextInt(text.length()), "{}[]\",:\\u0-e tfn".charAt(random.nextInt(16)));
            }
            text.setLength(random.nextInt(text.length() + 1));
            try {
                JsonReader.read(text.toString());
            } catch (IllegalArgumentException e) {
                assertThat(e).as("seed " + seed).hasMessageStartingWith("no JSON at");
            }
        }
        assertThatThrownBy(() -> JsonReader.read("[".repeat(100_000))).hasMessageContaining("too deep");
    }

    @Test
    void compactTextHasNoSpaceOfItsOwn() {
        Map<String, Object> value = Map.of("a: b", List.of(1, Map.of(), "c, d"));
        assertThat(Json.compact(value)).isEqualTo("{\"a: b\":[1,{},\"c, d\"]}");
        assertThat(JsonReader.read(Json.compact(value))).isEqualTo(Map.of("a: b", List.of(1L, Map.of(), "c, d")));
    }
}
