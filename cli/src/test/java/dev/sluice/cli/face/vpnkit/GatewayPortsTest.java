package dev.sluice.cli.face.vpnkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.FreePorts;
import dev.sluice.control.vpnkit.PortDoor;
import dev.sluice.control.vpnkit.PortSpec;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.wire.Ipv4Address;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Forwards of VPNKit's clients beside those that are opened and closed by other means. */
class GatewayPortsTest {
    @Test
    void aForwardThatWasClosedByOtherMeansIsOpenedAgainAndItsFirstOwnerDoesNotCloseIt() throws Exception {
        String text = "tcp:127.0.0.1:%d:tcp:192.168.65.3:80".formatted(FreePorts.next());
        try (Gateway gateway = Gateway.builder().start()) {
            GatewayPorts ports = new GatewayPorts(gateway, false, List.of(Ipv4Address.ANY));
            PortSpec first = ports.open(PortSpec.parse(text));
            assertThatThrownBy(() -> ports.open(PortSpec.parse(text))).isInstanceOf(PortDoor.PortRefusal.class);
            List<ForwardInfo> before = gateway.ports().list();
            String place = before.getFirst().listen();
            gateway.ports().remove(ForwardSyntax.listens(place), false);
            PortSpec second = ports.open(PortSpec.parse(text));
            assertThat(gateway.ports().list()).containsExactlyInAnyOrderElementsOf(before);
            ports.close(first);
            assertThat(gateway.ports().list()).containsExactlyInAnyOrderElementsOf(before);
            ports.close(second);
            assertThat(gateway.ports().list()).isEmpty();
        }
    }

    @Test
    void aPortThatLeadsElsewhereByOtherMeansStays() throws Exception {
        int port = FreePorts.next();
        try (Gateway gateway = Gateway.builder().start()) {
            GatewayPorts ports = new GatewayPorts(gateway, false, List.of(Ipv4Address.ANY));
            PortSpec opened = ports.open(PortSpec.parse("udp:127.0.0.1:%d:udp:192.168.65.3:80".formatted(port)));
            gateway.ports().remove(ForwardSyntax.listens("127.0.0.1:" + port + "/udp"), false);
            gateway.ports().add(ForwardSyntax.parse("127.0.0.1:" + port + ":192.168.65.3:81/udp"));
            ports.close(opened);
            assertThat(gateway.ports().list()).hasSize(1);
        }
    }
}
