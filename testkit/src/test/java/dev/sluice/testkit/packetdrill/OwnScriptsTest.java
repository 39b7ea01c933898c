package dev.sluice.testkit.packetdrill;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our own scripts, under src/test/resources/packetdrill: states × events, order, timers, windows, options, SACK, ends. */
class OwnScriptsTest {
    private static final int AT_LEAST = 300;

    private static List<Path> scripts() throws IOException, URISyntaxException {
        URL folder = Objects.requireNonNull(OwnScriptsTest.class.getResource("/packetdrill"));
        try (Stream<Path> all = Files.walk(Path.of(folder.toURI()))) {
            return all.filter(p -> p.toString().endsWith(".pkt")).sorted().toList();
        }
    }

    /** Also where sequence numbers change their sign and where they wrap. */
    @ParameterizedTest
    @CsvSource({"0, 0", "305419896, 1", "2147483646, -3", "-2, 2147483600", "-1, -1", "-70000, 2147418113"})
    void everyScriptPassesWithAnySequenceNumbers(int iss, int peerIss) throws Exception {
        Suite suite = new Suite(null, Map.of(), iss, peerIss, Budget.REAL_TIME);
        List<Verdict> bad = scripts().stream()
                .map(suite::run)
                .filter(v -> v.kind() != Verdict.Kind.PASSED)
                .toList();
        assertThat(bad).isEmpty();
    }

    @Test
    void theTableIsThere() throws Exception {
        assertThat(scripts().size()).isGreaterThanOrEqualTo(AT_LEAST);
    }
}
