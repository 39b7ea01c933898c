package dev.sluice.control;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.control.diagnose.TarWriter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Captures and diagnoses over the API. */
@Timeout(180)
class CapturesApiTest {
    @TempDir
    private Path directory;

    private ApiFixture api;

    @BeforeEach
    void start() throws Exception {
        api = new ApiFixture(directory);
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private byte[] body(String path) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (ControlStream stream = api.client().stream(path)) {
            assertThat(stream.copyTo(out)).isTrue();
        }
        return out.toByteArray();
    }

    private static Map<String, byte[]> untar(byte[] tar) throws IOException {
        Map<String, byte[]> files = new LinkedHashMap<>();
        ByteArrayInputStream in = new ByteArrayInputStream(tar);
        while (true) {
            byte[] header = in.readNBytes(512);
            if (header[0] == 0) {
                assertThat(in.readAllBytes()).containsOnly(0).hasSize(512);
                return files;
            }
            String name = new String(header, 0, 100, ISO_8859_1).replace("\0", "");
            int size = Integer.parseInt(new String(header, 124, 11, ISO_8859_1), 8);
            files.put(name, in.readNBytes(size));
            in.skipNBytes(-size & 511);
        }
    }

    @Test
    void aLiveCaptureBeginsAtOnceAndEndsWhenItsClientLeaves() throws Exception {
        try (ControlStream stream = api.client().stream("/v1/captures/live?format=pcap&filter=tcp%20port%2080")) {
            ByteArrayOutputStream out = new ByteArrayOutputStream() {
                @Override
                public synchronized void flush() {
                    if (size() == 24) { // the file's header
                        stream.close();
                    }
                }
            };
            assertThat(stream.copyTo(out)).isFalse();
            assertThat(out.toByteArray()).startsWith(0x4d, 0x3c, 0xb2, 0xa1);
        }
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!api.captures().status().readers().isEmpty() && System.nanoTime() - deadline < 0) {
            Thread.sleep(1);
        }
        assertThat(api.captures().status().readers()).isEmpty();
    }

    /** Told at once, not when the server or the client has lost its patience: this test has less. */
    @Test
    void aFilterThatCanNotBeReadIsToldBeforeAnythingIsSent() throws Exception {
        Path patient = directory.resolve("2.sock");
        api.server.open(patient, Duration.ofMinutes(10));
        ControlClient client = new ControlClient(patient, Duration.ofMinutes(10));
        assertThatThrownBy(() -> client.stream("/v1/captures/live?filter=tcp+port"))
                .isInstanceOf(ControlException.class)
                .hasMessageContaining("can't be read");
        assertThatThrownBy(() -> client.stream("/v1/captures/rings/x"))
                .hasMessageContaining("there are all, dns, ntp, icmp, http-proxy, bad");
        assertThatThrownBy(() -> client.stream("/v1/captures/live?count=-1")).hasMessageContaining("'count'");
    }

    @Test
    void ringsAreKeptFromTheFirstQuestion() throws IOException {
        assertThat(api.client().get("/v1/captures")).contains("\"rings\": []");
        assertThat(new String(body("/v1/captures/rings/dns"), ISO_8859_1)).startsWith("\n\r\r\n");
        assertThat(api.client().get("/v1/captures")).contains("\"http-proxy\"", "\"bad\"");
    }

    @Test
    void aDiagnosisHoldsStateLogThreadsRecordingAndRingsButNoSecrets() throws Exception {
        api.captures().keepRings();
        byte[] tar = body("/v1/diagnose?seconds=1");
        Map<String, byte[]> files = untar(tar);
        assertThat(files.keySet())
                .contains(
                        "README.txt",
                        "machine.txt",
                        "settings.json",
                        "log.txt",
                        "state/status.json",
                        "state/flows.json",
                        "state/forwards.json",
                        "state/dns-zones.json",
                        "state/captures.json",
                        "state/metrics.txt",
                        "threads.txt",
                        "capture/bad.pcapng",
                        "recording.jfr")
                .noneMatch(name -> name.endsWith(".missing.txt"));
        assertThat(new String(files.get("threads.txt"), ISO_8859_1)).contains("sluice-loop");
        assertThat(new String(files.get("machine.txt"), ISO_8859_1)).contains("Max open files", "java.vm.version");
        assertThat(new String(files.get("settings.json"), ISO_8859_1)).contains("(secret)", "1500", "PATH");
        assertThat(new String(tar, ISO_8859_1)).doesNotContain("canary");
        Path recording = Files.write(directory.resolve("r.jfr"), files.get("recording.jfr"));
        assertThat(jdk.jfr.consumer.RecordingFile.readAllEvents(recording))
                .extracting(event -> event.getEventType().getName())
                .doesNotContain("jdk.InitialEnvironmentVariable", "jdk.InitialSystemProperty", "jdk.JVMInformation");
        assertThat(untar(body("/v1/diagnose?seconds=0&captures=false")).keySet())
                .noneMatch(name -> name.startsWith("capture/") || name.startsWith("recording"));
    }

    @Test
    void aTarHasPaddedFilesAndAnEnd() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (TarWriter tar = new TarWriter(out)) {
            tar.add("a/b.txt", new byte[] {1, 2, 3}, 0);
            tar.add("empty", new byte[0], 1);
        }
        assertThat(out.size()).isEqualTo(512 + 512 + 512 + 1024);
        assertThat(untar(out.toByteArray())).containsKeys("a/b.txt", "empty");
    }
}
