package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.EventLoop;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a process of its own, as standard input and output are the process's. */
class StdioTest {
    /** Sends every frame back, and prints in between. */
    static final class Echo {
        private Echo() {}

        public static void main(String[] args) throws Exception {
            EventLoop loop = EventLoop.start("echo");
            CountDownLatch over = new CountDownLatch(1);
            VmnetTable none =
                    new VmnetTable(Ipv4Address.ANY, Ipv4Address.ANY, Set.of(), AddressClaims.NONE, UUID::randomUUID);
            try {
                LinkServer.open(
                        loop,
                        new LinkUrl.Stdio(),
                        1500,
                        none,
                        (link, _) -> link.start(new LinkHandler() {
                            @Override
                            public void onFrame(Link l, Frame frame) {
                                System.out.println("a line in the middle");
                                System.out.flush();
                                l.send(frame);
                            }

                            @Override
                            public void onRoom(Link l) {}

                            @Override
                            public void onClosed(Link l, String reason) {
                                System.err.println("closed: " + reason);
                                over.countDown();
                            }
                        }));
            } catch (IOException e) {
                System.err.println(e.getMessage());
                return;
            }
            over.await();
            loop.close();
        }
    }

    private static ProcessBuilder echo() {
        return new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Echo.class.getName());
    }

    @Test
    void framesPassAndWhatTheProcessPrintsDoesNotGetBetween(@TempDir Path directory) throws Exception {
        Path errors = directory.resolve("stderr");
        Process process = echo().redirectError(errors.toFile()).start();
        OutputStream out = process.getOutputStream();
        InputStream in = process.getInputStream();
        for (int length : new int[] {14, 60, 1514}) {
            byte[] framed = Peer.framed(Framing.LE16, Frames.ethernet(Frames.GATEWAY, Frames.GUEST, length));
            out.write(framed);
            out.flush();
            assertThat(in.readNBytes(framed.length)).isEqualTo(framed);
        }
        out.close();
        assertThat(in.readAllBytes()).isEmpty();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(errors).content().contains("a line in the middle").contains("closed: disconnected");
    }

    @Test
    void aFileInTheirPlaceIsRefusedWithAReason() throws Exception {
        Process process = echo().redirectInput(
                        Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(Redirect.DISCARD)
                .start();
        String said = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(said).contains("stdio: standard input can't carry frames").contains("over pipes or a socket");
    }
}
