package dev.sluice.cli.face.gvproxy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Numbers of guests' connections. */
class ConnectionNumbersTest {
    private final ConnectionNumbers numbers = new ConnectionNumbers();

    @Test
    void theyBeginWithNoughtAndStay() {
        assertThat(numbers.of(List.of("a"))).isEqualTo(Map.of("a", 0));
        assertThat(numbers.of(List.of("a", "b"))).isEqualTo(Map.of("a", 0, "b", 1));
        assertThat(numbers.of(List.of("b", "c"))).isEqualTo(Map.of("b", 1, "c", 2));
    }

    @Test
    void noneIsGivenTwice() {
        assertThat(numbers.of(List.of("a"))).isEqualTo(Map.of("a", 0));
        assertThat(numbers.of(List.of())).isEmpty();
        assertThat(numbers.of(List.of("a"))).isEqualTo(Map.of("a", 1));
    }
}
