package dev.sluice.control;

import dev.sluice.control.diagnose.Evidence;
import dev.sluice.control.diagnose.TarWriter;
import dev.sluice.gateway.Captures;
import dev.sluice.link.capture.Capture;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Rule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** {@code /v1/diagnose}: everything that helps to find out what went wrong, as a tar archive that is made while it is sent. */
final class DiagnoseApi {
    private static final int MAX_SECONDS = 60;
    private static final int DEFAULT_SECONDS = 3;
    /** What the API's own answers tell, by name in the archive. */
    private static final Map<String, String> STATE = new LinkedHashMap<>();

    static {
        for (String name : new String[] {"status", "guests", "leases", "flows", "forwards", "limits", "captures"}) {
            STATE.put("state/" + name + ".json", "/v1/" + name);
        }
        STATE.put("state/dns-zones.json", "/v1/dns/zones");
        STATE.put("state/dns-records.json", "/v1/dns/records");
        STATE.put("state/metrics.txt", "/v1/metrics");
    }

    private final ControlBackend backend;

    DiagnoseApi(ControlBackend backend) {
        this.backend = backend;
    }

    void addTo(Router router) {
        router.on("GET", "/v1/diagnose", request -> {
            Query query = request.query();
            String seconds = query.text("seconds", Integer.toString(DEFAULT_SECONDS));
            boolean captures = switch (query.text("captures", "true")) {
                case "true" -> true;
                case "false" -> false;
                default -> throw HttpProblem.bad("'captures' is true or false", "captures");
            };
            query.end("seconds", "captures");
            if (!seconds.matches("[0-9]{1,3}") || Integer.parseInt(seconds) > MAX_SECONDS) {
                throw HttpProblem.bad("'seconds' must be a number from 0 to " + MAX_SECONDS, "seconds");
            }
            Duration recording = Duration.ofSeconds(Integer.parseInt(seconds));
            return HttpResponse.stream(
                    "application/x-tar", sink -> write(new Pieces(sink), router, recording, captures));
        });
    }

    /** Makes a part of the archive. */
    private interface Part {
        byte[] make() throws IOException, InterruptedException;
    }

    private void write(OutputStream out, Router router, Duration recording, boolean captures)
            throws IOException, InterruptedException {
        try (TarWriter tar = new TarWriter(out)) {
            add(tar, "README.txt", () -> utf8(README));
            add(tar, "machine.txt", () -> utf8(Evidence.machine()));
            add(tar, "settings.json", () -> utf8(Json.of(settings())));
            add(tar, "log.txt", () -> utf8(Evidence.log()));
            for (Map.Entry<String, String> part : STATE.entrySet()) {
                add(tar, part.getKey(), () -> ask(router, part.getValue()));
            }
            add(tar, "threads.txt", Evidence::threads);
            if (captures) {
                Captures held = backend.captures();
                for (Capture.RingStatus ring : held.status().rings()) {
                    add(tar, "capture/" + ring.name() + ".pcapng", () -> ring(held, Rule.of(ring.name())));
                }
            }
            if (recording.isPositive()) {
                add(tar, "recording.jfr", () -> Evidence.recording(recording));
            }
        }
    }

    private static void add(TarWriter tar, String name, Part part) throws IOException, InterruptedException {
        byte[] content;
        String as = name;
        try {
            content = part.make();
        } catch (IOException | RuntimeException e) {
            as = name + ".missing.txt";
            content = utf8("this part could not be had: " + e + "\n");
        }
        tar.add(as, content, System.currentTimeMillis() / 1000);
    }

    private Map<String, Object> settings() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("options", backend.settings());
        settings.put("environment", Evidence.environment(System.getenv()));
        return settings;
    }

    private static byte[] ask(Router router, String path) throws IOException {
        HttpResponse response = router.handle(new HttpRequest(HttpHead.get(path), new byte[0], Map.of()));
        if (response.status() != 200 || !(response.body() instanceof HttpResponse.Bytes(byte[] bytes))) {
            throw new IOException(path + " answered " + response.status());
        }
        return bytes;
    }

    private static byte[] ring(Captures captures, Rule rule) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (CaptureSession session = captures.ring(rule, "", false)) {
            session.run(CaptureFormat.PCAPNG, Channels.newChannel(out), 0);
        }
        return out.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** Hands on what is written piece by piece. */
    private static final class Pieces extends OutputStream {
        private final HttpResponse.Sink sink;

        Pieces(HttpResponse.Sink sink) {
            this.sink = sink;
        }

        @Override
        public void write(int b) throws IOException {
            write(new byte[] {(byte) b}, 0, 1);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            if (length > 0) { // an empty chunk would be the last
                sink.write(java.util.Arrays.copyOfRange(bytes, from, from + length));
            }
        }
    }

    private static final String README = """
            What a running sluice said about itself.

            machine.txt      kernel, JDK, limits
            settings.json    how it was started; what may be secret is left out: values of most environment variables,
                             arguments of a command that is run, users in URLs
            log.txt          what it said last
            state/           what its API answers: guests, leases, flows, forwards, names, counters
            threads.txt      what every thread does
            capture/         the last frames of guests by kind, with their content, if such rings were kept
                             (sluice serve --capture-rings); wireshark reads them
            recording.jfr    some seconds of the JVM's flight recorder; jfr summary reads it

            A part that could not be had is there as NAME.missing.txt, which says why.
            """;
}
