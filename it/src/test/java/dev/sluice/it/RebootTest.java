package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.FramePort;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.link.Framing;
import dev.sluice.link.StreamLink;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpServer;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What a published port does while its guest is away, and when it is back. */
class RebootTest {
    private static final MacAddress MAC = MacAddress.parse("52:54:00:00:00:11");

    @Test
    void aForwardSurvivesItsGuestsReboot() throws IOException {
        try (Lab lab = Lab.open("nc")) {
            Path socket = lab.folder().resolve("vm.sock");
            Program serve = lab.serve("-l", "qemu:" + socket, "-p", "18500:80", "-p", "18501:192.168.65.3:80");
            assertThat(answer(lab, "127.0.0.1", 18_500)).as("no guest yet").isEmpty();
            for (String boot : new String[] {"first", "second", "third"}) {
                try (NetStack guest = guest(socket);
                        TcpServer server = guest.tcp()
                                .serve(
                                        80,
                                        16,
                                        connection ->
                                                connection.write((boot + "\n").getBytes(StandardCharsets.US_ASCII)))) {
                    assertThat(server.port()).isEqualTo(80);
                    assertThat(guest.address()).hasToString("192.168.65.3/24");
                    for (int port : new int[] {18_500, 18_501}) {
                        assertThat(answer(lab, "127.0.0.1", port)).isEqualTo(boot + "\n");
                        assertThat(answer(lab, Lab.HOST, port)).isEqualTo(boot + "\n");
                    }
                }
                Await.until(
                        "sluice noticed that it is gone",
                        serve::toString,
                        () -> lab.sluice("guests", "--pid", "" + serve.pid())
                                .output()
                                .lines()
                                .noneMatch(line -> line.startsWith("192.168.65.3 ")));
                assertThat(answer(lab, "127.0.0.1", 18_500))
                        .as("the client is not left waiting")
                        .isEmpty();
            }
            serve.signal("TERM");
            assertThat(serve.exitCode()).as(serve.toString()).isZero();
            lab.awaitNothingLeft();
        }
    }

    private static NetStack guest(Path socket) throws IOException {
        int fd = FramePort.qemu(socket).fd();
        return NetStack.open(
                loop -> new StreamLink(loop, fd, fd, "guest", 1500, Framing.BE32),
                NetConfig.dhcp().with(MAC));
    }

    private static String answer(Lab lab, String host, int port) {
        return lab.onHost("nc", "-N", host, "" + port).outputAtEnd();
    }
}
