package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.wire.JsonReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measurements run, and their results have the documented shape. What they say is no test's business. */
class BenchTest {
    /** All but virtual machines, which boot for too long, and stream links, which module bench tests. */
    private static final List<String> FIGURES = List.of("tcp", "latency", "proxy", "udp", "forwards", "flows", "start");

    @Test
    void aShortRunMeasuresItsFiguresAndWritesItsReport(@TempDir Path folder) throws IOException {
        Needs.check(Files.exists(Path.of("/usr/include/stdio.h")), "needs the C library's headers (libc6-dev)");
        try (Lab lab = Lab.open("python3", "iperf3", "cc", "curl")) {
            String program = "" + Lab.launcher().resolveSibling("bench").resolve("run");
            String sluice = "SLUICE=" + Lab.launcher();
            String little =
                    "--streams 1 --directions in --mtu 1500 --idle-flows 100 --idle 1 --warm-up 0 --seconds 0.1";
            String what = "--quick --only sluice --figures " + String.join(",", FIGURES);
            Program run =
                    lab.onHost(join((little + " " + what).split(" "), "env", sluice, program, "--output", "" + folder));
            assertThat(run.exitCode(Duration.ofMinutes(5))).as(run.toString()).isZero();
        }
        Map<?, ?> results = (Map<?, ?>) JsonReader.read(Files.readString(folder.resolve("results.json")));
        assertThat(results).isNotNull();
        assertThat(results.get("failures")).as("what could not be measured").isEqualTo(List.of());
        assertThat((Map<?, ?>) results.get("machine")).extracting("kernel").isNotNull();
        List<?> rows = (List<?>) results.get("results");
        for (String figure : FIGURES) {
            assertThat(rows).as(figure).anySatisfy(row -> {
                Map<?, ?> one = (Map<?, ?>) row;
                assertThat(one.get("figure")).isEqualTo(figure);
                assertThat(one.get("contender")).isEqualTo("sluice");
                assertThat(((Number) one.get("median")).doubleValue()).isPositive();
            });
            assertThat(folder.resolve(figure + ".svg"))
                    .content()
                    .startsWith("<svg")
                    .endsWith("</svg>\n");
        }
        assertThat(folder.resolve("results.md")).content().contains("## TCP throughput", "](tcp.svg)");
    }

    private static String[] join(String[] last, String... first) {
        return Stream.concat(Stream.of(first), Stream.of(last)).toArray(String[]::new);
    }
}
