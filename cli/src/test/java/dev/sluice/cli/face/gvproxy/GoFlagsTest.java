package dev.sluice.cli.face.gvproxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole numbers of flags, as Go reads them. */
class GoFlagsTest {
    @ParameterizedTest
    @CsvSource({
        "1500, 1500",
        "0, 0",
        "-1, -1",
        "+7, 7",
        "0x5dc, 1500",
        "0X5DC, 1500",
        "0o17, 15",
        "017, 15",
        "0b101, 5",
        "-0x10, -16"
    })
    void aNumberMayHaveABase(String text, int value) {
        assertThat(GoFlags.integer(text)).isEqualTo(value);
    }

    @ParameterizedTest
    @CsvSource({
        "'', parse error",
        "x, parse error",
        "1.5, parse error",
        "08, parse error",
        "0x, parse error",
        "' 1', parse error",
        "99999999999, value out of range"
    })
    void whatIsNoneIsSaidInGosWords(String text, String message) {
        assertThatThrownBy(() -> GoFlags.integer(text)).hasMessage(message);
    }
}
