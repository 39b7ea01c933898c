package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.TestServers;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** The laboratory itself, without sluice: what fails here is no fault of sluice. */
class LabTest {
    @Test
    void theHostReachesEveryServerAndNothingStays() {
        Lab lab = Lab.open("curl", "dig", "dnsmasq", "traceroute");
        try (lab) {
            lab.server(TestServers.class);
            Dns.start(lab);
            assertThat(lab.onHost("sh", "-c", "curl -s http://" + Lab.SERVER + "/bytes/1/100000 | sha256sum")
                            .output())
                    .startsWith(TestServers.digest(1, 100000));
            assertThat(lab.onHost("dig", "+short", "www.example.test").output()).isEqualTo(Lab.SERVER + "\n");
            assertThat(lab.onHost("traceroute", "-n", "-q1", "-w30", Lab.SERVER).output())
                    .contains(Lab.ROUTER, " " + Lab.SERVER);
            lab.awaitNothingLeft();
        }
        assertThat(lab.hostNamespace()).doesNotExist();
        assertThat(Files.exists(lab.folder())).isFalse();
    }
}
