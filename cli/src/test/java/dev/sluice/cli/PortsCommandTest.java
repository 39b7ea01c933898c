package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.view.Answer;
import org.junit.jupiter.api.Test;

class PortsCommandTest {
    /** By VPNKit's protocols a guest says where a forward leads. */
    @Test
    void whatAGuestChoseDoesNotSteerTheTerminal() {
        assertThat(PortsCommand.table(Answer.of("""
                        {"forwards": [{"protocol": "tcp", "listen": "unix:/tmp/\\u001b[2Ja", "guest": "agent/b\\n\\u009b1m",
                         "guestPort": 0}, {"protocol": "udp", "listen": "127.0.0.1:53", "guest": "", "guestPort": 53}]}
                        """))).isEqualTo("""
                        tcp  unix:/tmp/?[2Ja              → agent/b??1m:0
                        udp  127.0.0.1:53                 → 53
                        """);
        assertThat(PortsCommand.gatewayTable(Answer.of("""
                        {"forwards": [{"protocol": "tcp", "port": 80, "to": "unix:/a\\u001bb"}]}
                        """)))
                .isEqualTo("tcp  gateway:80                   → unix:/a?b\n");
    }
}
