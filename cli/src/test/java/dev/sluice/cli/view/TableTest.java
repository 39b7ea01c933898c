package dev.sluice.cli.view;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TableTest {
    @Test
    void columnsAreAsWideAsTheirWidestCell() {
        Table table = new Table("NAME", ">BYTES", "REST").row("a", "1", "x").row("longer", "1000", "");
        assertThat(table.lines()).containsExactly("NAME    BYTES  REST", "a           1  x", "longer   1000");
    }

    @Test
    void whatOthersChoseDoesNotSteerTheTerminal() {
        assertThat(new Table("NAME").row("a\u001b[31m\u202eb\nc").lines()).containsExactly("NAME", "a?[31m?b?c");
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0 B",
        "999, 999 B",
        "1000, 1.0 kB",
        "999949, 999.9 kB",
        "999999, 1.0 MB",
        "2500000, 2.5 MB",
        "9223372036854775807, 9.2 EB",
    })
    void bytesHaveUnits(long bytes, String text) {
        assertThat(Units.bytes(bytes)).isEqualTo(text);
    }

    @ParameterizedTest
    @CsvSource({"119, 119 s", "120, 2 min", "7200, 2 h", "172800, 2 days"})
    void durationsHaveUnits(long seconds, String text) {
        assertThat(Units.duration(seconds)).isEqualTo(text);
    }

    @Test
    void anAddressOfIpv6WithAPortStandsInBrackets() {
        assertThat(Units.end("fd00::3", 80)).isEqualTo("[fd00::3]:80");
        assertThat(Units.end("192.0.2.1", 80)).isEqualTo("192.0.2.1:80");
        assertThat(Units.end("fd00::3", 0)).isEqualTo("fd00::3");
    }
}
