package dev.sluice.bench.streamlink;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The measurement runs: bytes pass both ways without a gap, and its result is a line of JSON. What it says is no test's business. */
@Timeout(60)
class StreamLinksTest {
    @ParameterizedTest
    @CsvSource({"QEMU, 1500", "VMNET, 65520"})
    void bothDirectionsAreMeasuredAndNothingIsMissing(GuestLink.Kind kind, int mtu, @TempDir Path folder)
            throws Exception {
        try (StreamLinks links = new StreamLinks(new InProcess(kind, mtu, folder))) {
            for (boolean inward : new boolean[] {false, true}) {
                StreamLinks.Row row = links.measure(inward, 0.1, 0.5);
                assertThat(row.gigabits()).isPositive();
                assertThat(row.loop()).isPositive();
                assertThat(row.json())
                        .startsWith("{\"row\": \"")
                        .contains("MTU " + mtu)
                        .endsWith("}");
            }
        }
    }
}
