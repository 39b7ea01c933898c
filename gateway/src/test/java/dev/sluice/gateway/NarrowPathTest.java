package dev.sluice.gateway;

import static dev.sluice.gateway.GuestWorld.LONG;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.RawFrames6;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A guest that routes into something narrower says so by ICMP, and its flows' segments become smaller (RFC 1191, RFC 8201, RFC 5927). */
@Timeout(180)
class NarrowPathTest implements LinkHandler {
    private static final MacAddress MAC = MacAddress.parse("02:50:00:00:00:09");
    private static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.9");
    private static final Ipv6Address GUEST6 = Ipv6Address.parse("fd00:5109:5ce::9");
    private static final Ipv4Address HOST = Ipv4Address.parse("192.168.65.2");
    private static final Ipv6Address HOST6 = Ipv6Address.parse("fd00:5109:5ce::2");
    private static final int GUEST_PORT = 4000;

    private final RawFrames four = new RawFrames(AddressPlan.DEFAULT_MAC, MAC, GUEST);
    private final RawFrames6 six = new RawFrames6(AddressPlan.DEFAULT_MAC, MAC, GUEST6);
    private final LinkedBlockingQueue<byte[]> segments = new LinkedBlockingQueue<>();
    private final MemorySegment memory = Arena.ofShared().allocate(4096, 8);
    private Gateway gateway;
    private MemoryLink link;
    private MemoryLink near;
    private boolean ipv4;
    private int port;
    private int sent;
    private int received;

    @AfterEach
    void close() {
        gateway.close();
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, frame.headLength);
        if (frame.bodyLength > 0) {
            MemorySegment.copy(
                    frame.body, ValueLayout.JAVA_BYTE, frame.bodyAt, bytes, frame.headLength, frame.bodyLength);
        }
        MemorySegment s = MemorySegment.ofArray(bytes);
        boolean tcp = bytes[12] == 8 && bytes[13] == 0 && Ipv4Header.protocol(s, 14) == 6
                || bytes[12] == (byte) 0x86 && bytes[20] == 6;
        if (tcp) {
            segments.add(bytes);
        }
    }

    @Override
    public void onRoom(Link from) {}

    @Override
    public void onClosed(Link from, String reason) {}

    private void inject(byte[] frame) throws Exception {
        var done = new java.util.concurrent.CompletableFuture<Boolean>();
        gateway.loop().execute(() -> {
            MemorySegment.copy(frame, 0, memory, ValueLayout.JAVA_BYTE, 0, frame.length);
            done.complete(link.send(new Frame().set(memory, 0, frame.length)));
        });
        assertThat(done.get(60, TimeUnit.SECONDS)).isTrue();
        while (arriving() > 0) {
            Thread.yield();
        }
    }

    /** Bytes on their way to the gateway. */
    private long arriving() throws Exception {
        var bytes = new java.util.concurrent.CompletableFuture<Long>();
        gateway.loop().execute(() -> bytes.complete((long) near.arrivingBytes()));
        return bytes.get(60, TimeUnit.SECONDS);
    }

    private void tcp(int flags) throws Exception {
        inject(
                ipv4
                        ? four.tcp(HOST, GUEST_PORT, port, sent, received, flags, new byte[0])
                        : six.tcp(HOST6, GUEST_PORT, port, sent, received, flags, new byte[0]));
    }

    private void tooBig(int mtu, byte[] about) throws Exception {
        inject(
                ipv4
                        ? four.icmpError(
                                HOST, IcmpHeader.DESTINATION_UNREACHABLE, IcmpHeader.FRAGMENTATION_NEEDED, mtu, about)
                        : six.icmpError(HOST6, Icmpv6Header.PACKET_TOO_BIG, 0, mtu, about));
    }

    private byte[] next() throws InterruptedException {
        byte[] frame = segments.poll(LONG.toSeconds(), TimeUnit.SECONDS);
        assertThat(frame).as("a segment").isNotNull();
        return frame;
    }

    /** Length of the packet in a frame. */
    private int packet(byte[] frame) {
        return IpHeader.totalLength(MemorySegment.ofArray(frame), 14);
    }

    private int at() {
        return 14 + IpHeader.length(ipv4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReportOfANarrowPathMakesAFlowsSegmentsSmallerIfItCanBeTrue(boolean overIpv4) throws Exception {
        ipv4 = overIpv4;
        gateway = Gateway.builder()
                .plan(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true)
                        .withIpv6(Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true)))
                .limits(Limits.defaults())
                .start();
        MemoryLink.Pair cable = MemoryLink.pair(gateway.loop(), 1500, false);
        link = cable.right();
        near = cable.left();
        gateway.attach(near);
        gateway.loop().execute(() -> link.start(this));
        try (ServerSocket server = GuestWorld.server()) {
            port = server.getLocalPort();
            sent = 1000;
            tcp(TcpHeader.SYN);
            byte[] synAck = next();
            try (Socket socket = server.accept()) {
                received = TcpHeader.sequence(MemorySegment.ofArray(synAck), at()) + 1;
                sent++;
                tcp(TcpHeader.ACK);
                socket.getOutputStream().write(new byte[4000]);
                byte[] first;
                do {
                    first = next(); // past a SYN-ACK that was sent again, if this guest was late
                } while (packet(first) <= 1400);
                // Not what can't be: an impossible MTU, nothing in flight, another flow.
                tooBig(ipv4 ? 575 : 1279, first);
                tooBig(1500, first);
                byte[] old = first.clone();
                Bytes.put32(MemorySegment.ofArray(old), at() + 4, received - 5000);
                tooBig(1300, old);
                byte[] other = first.clone();
                Bytes.put16(MemorySegment.ofArray(other), at() + 2, GUEST_PORT + 1);
                tooBig(1300, other);
                assertThat(gateway.status().drops()).containsEntry("bad-icmp", 4L);
                tooBig(1300, first);
                byte[] again;
                do {
                    again = next(); // past those that were on their way
                } while (packet(again) > 1300 || TcpHeader.sequence(MemorySegment.ofArray(again), at()) != received);
                assertThat(packet(again)).isBetween(1250, 1300);
                assertThat(TcpHeader.sequence(MemorySegment.ofArray(again), at()))
                        .isEqualTo(received);
                assertThat(gateway.status().drops()).containsEntry("bad-icmp", 4L);
            }
        }
    }
}
