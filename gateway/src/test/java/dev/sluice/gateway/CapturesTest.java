package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static dev.sluice.gateway.GuestWorld.LONG;
import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.link.capture.CaptureFile;
import dev.sluice.link.capture.CaptureFormat;
import dev.sluice.link.capture.CaptureSession;
import dev.sluice.link.capture.Rule;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Captures through the gateway's door. */
class CapturesTest {
    @TempDir
    private Path folder;

    private static String written(CaptureSession session) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        session.stop();
        session.run(CaptureFormat.PCAPNG, Channels.newChannel(out), 0);
        session.close();
        return out.toString(ISO_8859_1);
    }

    @Test
    void whatIsDroppedSaysWhyAndWhoseItWas() throws Exception {
        try (GuestWorld world = new GuestWorld()) {
            world.guest.icmp().ping(GATEWAY, LONG);
            CaptureSession session = world.gateway.captures().live("guest 192.168.65.3 and tcp", 200);
            byte[] frame = new byte[60];
            System.arraycopy(new byte[] {2, 0x50, 0, 0, 0, 3}, 0, frame, 6, 6);
            long gateway = world.gateway.plan().mac().bits();
            for (int i = 0; i < 6; i++) {
                frame[i] = (byte) (gateway >>> 40 - 8 * i);
            }
            byte[] packet = {8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 1, 2, (byte) 192, (byte) 168, 65, 3, 8, 8, 8, 8};
            System.arraycopy(packet, 0, frame, 12, packet.length);
            world.inject(List.of(frame));
            assertThat(world.gateway.captures().status().readers())
                    .singleElement()
                    .satisfies(reader -> assertThat(reader.what()).isEqualTo("guest 192.168.65.3 and tcp"));
            assertThat(written(session))
                    .contains("dropped: bad-ipv4-checksum", "memory-left", "192.168.65.3", "gateway.sluice.internal");
            assertThat(world.gateway.captures().status().readers()).isEmpty();
        }
    }

    @Test
    void ringsAreKeptFromTheFirstTimeOneIsAskedForOrFromTheStart() throws Exception {
        try (GuestWorld world = new GuestWorld()) {
            Captures captures = world.gateway.captures();
            assertThat(captures.status().rings()).isEmpty();
            written(captures.ring(Rule.ICMP, "", false));
            world.guest.icmp().ping(GATEWAY, LONG);
            assertThat(captures.status().rings())
                    .filteredOn(ring -> ring.name().equals("icmp"))
                    .singleElement()
                    .satisfies(ring -> assertThat(ring.frames()).isEqualTo(2));
            captures.keepRings();
            assertThat(captures.status().rings()).hasSize(Rule.values().length);
        }
    }

    @Test
    void thereIsALimitAndItIsSaid() throws Exception {
        try (GuestWorld world = new GuestWorld()) {
            Captures captures = world.gateway.captures();
            List<CaptureSession> sessions = new ArrayList<>();
            for (int i = 0; i < Captures.LIMIT; i++) {
                sessions.add(captures.live("", 64));
            }
            assertThatThrownBy(() -> captures.live("", 64)).hasMessageContaining("16 captures");
            assertThatThrownBy(() -> captures.check("")).hasMessageContaining("16 captures");
            sessions.getFirst().close();
            captures.check("");
            assertThatThrownBy(() -> captures.check("x")).isInstanceOf(IllegalArgumentException.class);
            sessions.forEach(CaptureSession::close);
        }
    }

    /** Its memory goes with it, so the loop must have let go of that. */
    @Test
    void aCaptureLeavesTheLoopAlsoWhenItsReaderIsInterrupted() throws Exception {
        try (GuestWorld world = new GuestWorld()) {
            CaptureSession session = world.gateway.captures().live("", 64);
            Thread.currentThread().interrupt();
            session.close();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(world.gateway.captures().status().readers()).isEmpty();
            world.guest.icmp().ping(GATEWAY, LONG);
            assertThat(world.gateway.loop().failures()).isZero();
        }
    }

    @Test
    void aFileOutlivesItsGatewayAndIsWhole() throws Exception {
        Path file = folder.resolve("a.pcapng");
        CaptureFile capture;
        try (GuestWorld world = new GuestWorld()) {
            capture = world.gateway.captures().file(file);
            world.guest.icmp().ping(GATEWAY, LONG);
        }
        capture.close();
        assertThat(capture.frames()).isGreaterThanOrEqualTo(4);
        assertThat(Files.readString(file, ISO_8859_1)).contains("memory-left");
    }
}
