package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ListeningPortsTest {
    private static final String HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n";

    @Test
    void listenersOfIpv4AndOfBothFamiliesCount() {
        String tcp = HEAD + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0\n"
                + "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0\n"
                + "   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  0\n";
        String tcp6 = HEAD
                + "   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 0:0\n"
                + "   2: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 0:0\n"
                + "   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 0:0\n";
        assertThat(ListeningPorts.of(tcp, tcp6)).containsExactly(80, 82, 443, 8080);
        assertThat(ListeningPorts.of(tcp, "")).containsExactly(80, 8080);
    }

    @Test
    void nonsenseIsNoPort() {
        assertThat(ListeningPorts.of("", "x\n\n y z\n1 2 3 0A\n")).isEmpty();
    }

    @Test
    void theKernelsOwnTableIsUnderstood() throws Exception {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            Path net = Path.of("/proc/self/net");
            assertThat(ListeningPorts.of(Files.readString(net.resolve("tcp")), Files.readString(net.resolve("tcp6"))))
                    .contains(server.getLocalPort());
            assertThat(PortOwner.find(server.getLocalPort(), false))
                    .hasValueSatisfying(owner -> assertThat(owner.pid())
                            .isEqualTo(ProcessHandle.current().pid()));
        }
        assertThat(PortOwner.find(1, true)).isEmpty();
    }
}
