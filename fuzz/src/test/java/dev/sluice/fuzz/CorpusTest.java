package dev.sluice.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.sluice.gateway.dns.DnsTarget;
import dev.sluice.gateway.mux.MultiplexerTarget;
import dev.sluice.link.FramingsTarget;
import dev.sluice.link.capture.FiltersTarget;
import dev.sluice.testkit.packetdrill.ScriptTarget;
import dev.sluice.testkit.packetdrill.SegmentsTarget;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** That no target fails on its corpus, nor on changed copies of it; {@code tools/fuzz} looks for more. */
class CorpusTest {
    private static final Path CORPUS = Path.of("corpus");
    /** Changed copies of each input. */
    private static final int COPIES = Integer.getInteger("sluice.fuzz.copies", 20);

    private interface Target {
        void run(byte[] data);
    }

    private static final Map<String, Target> TARGETS = new TreeMap<>(Map.ofEntries(
            target("dhcp", DhcpMessages::fuzzerTestOneInput),
            target("dns", DnsTarget::fuzzerTestOneInput),
            target("filters", FiltersTarget::fuzzerTestOneInput),
            target("fragments", Fragments::fuzzerTestOneInput),
            target("framings", FramingsTarget::fuzzerTestOneInput),
            target("headers", Headers::fuzzerTestOneInput),
            target("host", HostFrames::fuzzerTestOneInput),
            target("http", Http::fuzzerTestOneInput),
            target("mux", MultiplexerTarget::fuzzerTestOneInput),
            target("ninep", Ninep::fuzzerTestOneInput),
            target("scripts", ScriptTarget::fuzzerTestOneInput),
            target("segments", SegmentsTarget::fuzzerTestOneInput),
            target("texts", Texts::fuzzerTestOneInput),
            target("vmnet", Vmnet::fuzzerTestOneInput)));

    private static Map.Entry<String, Target> target(String name, Target target) {
        return Map.entry(name, target);
    }

    static List<String> targets() {
        return List.copyOf(TARGETS.keySet());
    }

    @ParameterizedTest
    @MethodSource("targets")
    void theCorpusAndChangedCopiesOfItAreHarmless(String target) throws IOException {
        for (Path path : inputs(target)) {
            byte[] input = Files.readAllBytes(path);
            run(target, path + " as it is", input);
            for (int seed = 0; seed < COPIES; seed++) {
                run(target, path + " changed with seed " + seed, changed(input, new Random(seed)));
            }
        }
    }

    private static List<Path> inputs(String target) throws IOException {
        try (Stream<Path> files = Files.list(CORPUS.resolve(target))) {
            return files.sorted().toList();
        }
    }

    private static void run(String target, String what, byte[] input) {
        try {
            assertTimeoutPreemptively(
                    Duration.ofSeconds(60), () -> TARGETS.get(target).run(input));
        } catch (Throwable t) {
            throw new AssertionError(target + ": " + what + " (" + Arrays.toString(input) + ")", t);
        }
    }

    /** One to six bytes changed, left out, or repeated. */
    private static byte[] changed(byte[] input, Random random) {
        byte[] out = input.clone();
        for (int changes = 1 + random.nextInt(6); changes > 0 && out.length > 0; changes--) {
            int at = random.nextInt(out.length);
            switch (random.nextInt(4)) {
                case 0 -> out[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> out[at] = (byte) random.nextInt();
                case 2 -> out = join(Arrays.copyOf(out, at), Arrays.copyOfRange(out, at + 1, out.length));
                default -> out = join(Arrays.copyOf(out, at), Arrays.copyOfRange(out, at / 2, out.length));
            }
        }
        return out;
    }

    private static byte[] join(byte[] first, byte[] second) {
        byte[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    @Test
    void everyTargetHasACorpusAndEveryCorpusATarget() throws IOException {
        try (Stream<Path> folders = Files.list(CORPUS)) {
            assertThat(folders.map(p -> p.getFileName().toString()))
                    .containsExactlyInAnyOrderElementsOf(TARGETS.keySet());
        }
    }
}
