package dev.sluice.gateway.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.host.StreamSocket;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Clients of published ports that are joined to a service without frames; both sockets do as the test says. */
class ShortcutTest {
    private static final IpAddress ELSEWHERE = Ipv4Address.parse("203.0.113.7");
    /** What a PROXY header says of a client whose own end is not known. */
    private static final int HEADER = 16;

    private final OneFlow world = new OneFlow();
    private final TcpInbound inbound = new TcpInbound(world.flows);
    private final OneFlow.Server client = new OneFlow.Server();
    private final OneFlow.Server service = new OneFlow.Server();
    private StreamSocket.Events fromService;
    private StreamSocket.Events fromClient;

    /** A client comes, for a service that is still being connected to. */
    private void come(IpAddress peer, boolean proxy) {
        TcpForward forward = inbound.forward(
                events -> {
                    fromService = events;
                    return service;
                },
                8080,
                proxy);
        fromClient = forward.accept(client, peer, 40000);
    }

    @Test
    void aProxyHeaderForWhichThereIsNoRoomYetGoesBeforeAllElse() {
        service.room = 0;
        come(ELSEWHERE, true);
        fromService.onConnected();
        client.toRead = 100;
        fromClient.onReadable();
        service.room = 10;
        fromService.onWritable();
        assertThat(service.written).isEqualTo(10);
        assertThat(world.counters.tcpOpened).as("but the world's own").isOne();

        service.room = 1000;
        fromService.onWritable();
        assertThat(service.written).isEqualTo(HEADER + 100);
        assertThat(world.counters.tcpOpened).isEqualTo(2);
        assertThat(service.reset || client.reset).isFalse();
    }

    @Test
    void aServiceThatBreaksBeforeItHasTheProxyHeaderResetsTheClient() {
        service.room = 0;
        come(ELSEWHERE, true);
        fromService.onConnected();
        service.write = StreamSocket.FAILED;
        fromService.onWritable();
        assertThat(client.reset).isTrue();
        assertThat(inbound.size()).isZero();
    }

    @Test
    void aClientFromElsewhereIsAskedWhetherItIsStillThere() {
        come(ELSEWHERE, false);
        fromService.onConnected();
        assertThat(client.keptAlive).containsExactly(300);
        assertThat(service.keptAlive).isEmpty();
    }

    @Test
    void aClientOfThisHostIsNotAsked() {
        come(Ipv4Address.LOOPBACK, false);
        fromService.onConnected();
        assertThat(client.keptAlive).isEmpty();
    }

    @Test
    void itsEndIsToldWithEverythingThatWentAndHowItCame() throws InterruptedException {
        Subscription heard = world.events.subscribe(Set.of(Event.Kind.FLOW_CLOSE));
        come(ELSEWHERE, false);
        fromService.onConnected();
        client.toRead = 100;
        client.afterwards = StreamSocket.FAILED;
        fromClient.onReadable();
        Events.FlowEnd end = (Events.FlowEnd) heard.next(Duration.ofSeconds(60)).data();
        assertThat(end.flow().bytesToGuest()).isEqualTo(100);
        assertThat(end.reason()).isEqualTo("reset");
    }
}
