package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.GATEWAY;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.testkit.RawFrames;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest's service that resets while its client reads slowly; of frames, as only so it is known what was acknowledged to it. */
@Timeout(120)
class GuestResetTest {
    private static final MacAddress MAC = MacAddress.parse("02:50:00:00:00:77");
    private static final Ipv4Address ADDRESS = Ipv4Address.parse("192.168.65.77");
    private static final int TCP = EthernetHeader.LENGTH + Ipv4Header.MIN_LENGTH;
    private static final int SEGMENT = 1460;
    private static final int FIRST = 5000;

    private final RawFrames raw = new RawFrames(AddressPlan.DEFAULT_MAC, MAC, ADDRESS);
    private GuestWorld world;
    private Station service;

    @Test
    void whatWasAcknowledgedReachesTheClientAndThenTheReset() throws Exception {
        try (GuestWorld made = new GuestWorld();
                Socket client = new Socket()) {
            world = made;
            service = new Station(world);
            service.send(new RawFrames(MacAddress.BROADCAST, MAC, ADDRESS).arpRequest(GATEWAY));
            settle();
            int port = world.gateway
                    .ports()
                    .add(ForwardSyntax.parse("127.0.0.1:0:" + ADDRESS + ":80"))
                    .getFirst()
                    .port();
            client.setReceiveBufferSize(4096);
            client.connect(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
            while (segments().isEmpty()) {
                Thread.yield();
            }
            MemorySegment syn = segments().getFirst();
            int from = TcpHeader.sourcePort(syn, TCP);
            int theirs = TcpHeader.sequence(syn, TCP) + 1;
            say(from, FIRST - 1, theirs, TcpHeader.SYN | TcpHeader.ACK, 0);
            int acknowledged = FIRST;
            int before;
            do {
                before = acknowledged;
                for (int i = 0; i < 40; i++) {
                    say(from, acknowledged + i * SEGMENT, theirs, TcpHeader.ACK | TcpHeader.PSH, SEGMENT);
                }
                acknowledged = TcpHeader.acknowledgment(segments().getLast(), TCP);
            } while (acknowledged != before);
            say(from, acknowledged, theirs, TcpHeader.RST, 0);
            assertThat(acknowledged - FIRST)
                    .as("more than a client's kernel takes")
                    .isGreaterThan(100_000);
            assertThat(readUntilReset(client)).isGreaterThanOrEqualTo(acknowledged - FIRST);
        }
    }

    private void say(int port, int sequence, int acknowledgment, int flags, int length) throws Exception {
        service.send(raw.tcp(GATEWAY, 80, port, sequence, acknowledgment, flags, new byte[length]));
        settle();
    }

    private void settle() throws Exception {
        while (world.onLoop(service::busy)) {
            Thread.yield();
        }
    }

    /** What the gateway has sent to the service. */
    private List<MemorySegment> segments() {
        return service.from(AddressPlan.DEFAULT_MAC).stream()
                .map(MemorySegment::ofArray)
                .filter(frame -> EthernetHeader.type(frame, 0) == EthernetHeader.TYPE_IPV4
                        && Ipv4Header.protocol(frame, EthernetHeader.LENGTH) == Ipv4Header.PROTOCOL_TCP)
                .toList();
    }

    private static long readUntilReset(Socket client) throws IOException {
        byte[] buffer = new byte[1 << 16];
        long total = 0;
        try {
            for (int n; (n = client.getInputStream().read(buffer)) >= 0; ) {
                total += n;
            }
        } catch (SocketException e) {
            assertThat(e).hasMessageContaining("reset");
            return total;
        }
        throw new AssertionError("ended in order after " + total + " bytes");
    }
}
