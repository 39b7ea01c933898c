package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.as;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.wire.DhcpMessage;
import dev.sluice.wire.DhcpOptions;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A host that gets its IPv4 address from a server that is the test, in virtual time. */
@Timeout(60)
class DhcpHostTest {
    private static final int IP = 14;
    private static final int UDP = 34;

    private final Bystander bystander = new Bystander();

    private static boolean isDhcp(Bystander.Seen seen) {
        MemorySegment s = MemorySegment.ofArray(seen.bytes());
        return seen.type() == EthernetHeader.TYPE_IPV4
                && Ipv4Header.protocol(s, IP) == Ipv4Header.PROTOCOL_UDP
                && UdpHeader.destinationPort(s, UDP) == DhcpMessage.SERVER_PORT;
    }

    private static DhcpMessage message(Bystander.Seen seen) {
        int at = UDP + UdpHeader.LENGTH;
        var decoded = DhcpMessage.decode(MemorySegment.ofArray(seen.bytes()), at, seen.bytes().length - at);
        return ((DhcpMessage.Decoded.Message) decoded).message();
    }

    /** Waits for a message of {@code type}, and answers it. */
    private void answer(CompletableFuture<NetStack> opening, int type, int with) {
        while (bystander.seen.stream()
                .noneMatch(seen -> isDhcp(seen) && message(seen).type() == type)) {
            if (bystander.rests(opening)) {
                bystander.loop.advance(Bystander.MILLI);
            } else {
                Thread.yield();
            }
        }
        DhcpMessage asked = message(bystander.take().getLast());
        DhcpOptions.Builder options = DhcpOptions.builder()
                .messageType(with)
                .address(DhcpOptions.SERVER_IDENTIFIER, Bystander.ADDRESS)
                .address(DhcpOptions.SUBNET_MASK, Ipv4Address.parse("255.255.255.0"))
                .number32(DhcpOptions.LEASE_TIME, 3600);
        DhcpMessage answer = new DhcpMessage(
                DhcpMessage.BOOTREPLY,
                0,
                asked.transaction(),
                0,
                false,
                Ipv4Address.ANY,
                HOST,
                Bystander.ADDRESS,
                Ipv4Address.ANY,
                asked.hardwareAddress(),
                "",
                "",
                options.build());
        byte[] bytes = new byte[600];
        int length = answer.encode(MemorySegment.ofArray(bytes), 0, bytes.length);
        bystander.send(as(Bystander.ADDRESS)
                .udp(HOST, DhcpMessage.SERVER_PORT, DhcpMessage.CLIENT_PORT, java.util.Arrays.copyOf(bytes, length)));
    }

    /** Nobody on the link has answered to ARP, and after that the host has no address to ask from. */
    @Test
    void aLeaseIsGivenBackThoughTheServersHardwareAddressWasNeverAskedFor() throws Exception {
        NetConfig config = NetConfig.dhcp().with(ConflictDetection.none()).with(Bystander.HOST_MAC);
        CompletableFuture<NetStack> opening = async(() -> NetStack.open(bystander.loop, bystander.hostLink, config));
        answer(opening, DhcpMessage.DISCOVER, DhcpMessage.OFFER);
        answer(opening, DhcpMessage.REQUEST, DhcpMessage.ACK);
        NetStack host = bystander.run(opening);
        bystander.take();
        host.close();
        bystander.loop.settle();
        List<Bystander.Seen> released =
                bystander.take().stream().filter(DhcpHostTest::isDhcp).toList();
        assertThat(released).hasSize(1);
        assertThat(message(released.getFirst()).type()).isEqualTo(DhcpMessage.RELEASE);
        assertThat(message(released.getFirst()).clientAddress()).isEqualTo(HOST);
        assertThat(released.getFirst().destination()).isEqualTo(Bystander.MAC);
        MemorySegment s = MemorySegment.ofArray(released.getFirst().bytes());
        assertThat(Ipv4Header.destination(s, IP)).isEqualTo(Bystander.ADDRESS.bits());
    }
}
