package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.link.Frame;
import dev.sluice.link.LinkHandler;
import dev.sluice.testkit.Async;
import dev.sluice.testkit.NowhereLink;
import dev.sluice.testkit.RawFrames6;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest's IPv6 packets, byte by byte, before a real gateway with sockets of this machine's ::1. */
@Timeout(120)
class Ipv6GuestTest {
    private static final long MAC = 0x0250_0000_0003L;
    private static final Ipv6Address GUEST = Ipv6Address.parse("fd00:5109:5ce::77");
    private static final Ipv6Address GATEWAY = Ipv6Address.parse("fd00:5109:5ce::1");
    private static final Ipv6Address HOST = Ipv6Address.parse("fd00:5109:5ce::2");
    private static final Ipv6Address FAR = Ipv6Address.parse("2001:db8::9");
    private static final Ipv6Plan SIX = Ipv6Plan.of(Ipv6Plan.DEFAULT_PREFIX, AddressPlan.DEFAULT_MAC, true);
    private static final AddressPlan PLAN =
            AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true).withIpv6(SIX);
    private static final int ETHERNET = EthernetHeader.LENGTH;
    private static final int PAYLOAD = ETHERNET + Ipv6Header.LENGTH;

    private final MemorySegment memory = Arena.ofShared().allocate(70_000, 8);
    private final LinkedBlockingQueue<byte[]> received = new LinkedBlockingQueue<>();
    private final Cable cable = new Cable();
    private Gateway gateway;

    @BeforeEach
    void start() throws IOException {
        gateway = Gateway.builder().plan(PLAN).start();
        gateway.attach(cable);
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    /** Writes headers before a payload that lies at {@link #PAYLOAD} and sends all of it. */
    private void send(Ipv6Address from, Ipv6Address to, int next, int hopLimit, int length) throws Exception {
        EthernetHeader.write(memory, 0, PLAN.mac().bits(), MAC, EthernetHeader.TYPE_IPV6);
        Ipv6Header.write(memory, ETHERNET, 0, 0, length, next, hopLimit, from.high(), from.low(), to.high(), to.low());
        on(() -> {
            cable.handler.onFrame(cable, new Frame().set(memory, 0, PAYLOAD + length));
            cable.handler.onBatchEnd(cable);
            return true;
        });
    }

    private void checksum(Ipv6Address from, Ipv6Address to, int protocol, long at, int offset, int length) {
        Bytes.put16(memory, at + offset, 0);
        long pseudo = Checksum.pseudoHeader6(from.high(), from.low(), to.high(), to.low(), protocol, length);
        Bytes.put16(memory, at + offset, UdpHeader.checksumField(Checksum.add(pseudo, memory, at, length)));
    }

    private int udp(Ipv6Address from, Ipv6Address to, long at, int port, byte[] payload) {
        int length = UdpHeader.LENGTH + payload.length;
        UdpHeader.write(memory, at, 5000, port, length);
        MemorySegment.copy(payload, 0, memory, ValueLayout.JAVA_BYTE, at + UdpHeader.LENGTH, payload.length);
        checksum(from, to, 17, at, UdpHeader.CHECKSUM, length);
        return length;
    }

    private void sendUdp(Ipv6Address from, Ipv6Address to, int port, byte[] payload, int hopLimit) throws Exception {
        send(from, to, 17, hopLimit, udp(from, to, PAYLOAD, port, payload));
    }

    private void ping(Ipv6Address from, Ipv6Address to) throws Exception {
        IcmpHeader.write(memory, PAYLOAD, Icmpv6Header.ECHO_REQUEST, 0, 7 << 16 | 1);
        Bytes.put64(memory, PAYLOAD + 8, 0x0102030405060708L);
        checksum(from, to, 58, PAYLOAD, 2, 16);
        send(from, to, 58, 64, 16);
    }

    /** The next packet to the guest that is not about the neighbourhood, in words, its checksum checked. */
    private String next() throws InterruptedException {
        while (true) {
            byte[] bytes = received.poll(60, TimeUnit.SECONDS);
            if (bytes == null) {
                return "nothing";
            }
            MemorySegment f = MemorySegment.ofArray(bytes);
            if (EthernetHeader.type(f, 0) != EthernetHeader.TYPE_IPV6) {
                continue;
            }
            int length = Ipv6Header.payloadLength(f, ETHERNET);
            int protocol = Ipv6Header.nextHeader(f, ETHERNET);
            int type = IcmpHeader.type(f, PAYLOAD);
            if (protocol == 58 && type >= 133) {
                continue;
            }
            String from = Ipv6Header.source(f, ETHERNET) + " ";
            if (protocol == 44) {
                return from + "fragment of " + length;
            }
            long sum = Ipv6Header.pseudoHeader(f, ETHERNET, protocol, length);
            assertThat(Checksum.finish(Checksum.add(sum, f, PAYLOAD, length))).isZero();
            return from
                    + (protocol == 17
                            ? "udp " + new String(bytes, PAYLOAD + 8, length - 8)
                            : "icmp " + type + "/" + IcmpHeader.code(f, PAYLOAD) + " " + Bytes.i32(f, PAYLOAD + 4));
        }
    }

    private long dropped(String reason) throws IOException {
        Map<String, Long> drops = gateway.status().drops();
        return drops.getOrDefault(reason, 0L);
    }

    private <T> T on(Callable<T> task) throws Exception {
        return Async.on(gateway.loop(), task);
    }

    private static DatagramSocket server() {
        try {
            return new DatagramSocket(0, InetAddress.getByName("::1"));
        } catch (IOException e) {
            assumeTrue(false, "SKIPPED: this machine has no IPv6 loopback: " + e.getMessage());
            throw new AssertionError(e);
        }
    }

    @Test
    void theHostsLoopbackAnswersUnderTheHostsAddress() throws Exception {
        try (DatagramSocket server = server()) {
            sendUdp(GUEST, HOST, server.getLocalPort(), "ping".getBytes(), 64);
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            server.setSoTimeout(60_000);
            server.receive(packet);
            assertThat(packet.getAddress()).isEqualTo(InetAddress.getByName("::1"));
            server.send(new DatagramPacket("pong".getBytes(), 4, packet.getSocketAddress()));
            assertThat(next()).isEqualTo("fd00:5109:5ce::2 udp pong");
        }
    }

    @Test
    void fragmentsArriveWholeAndALargeAnswerIsCut() throws Exception {
        try (DatagramSocket server = server()) {
            byte[] large = new byte[3000];
            int length = udp(GUEST, HOST, 10_000, server.getLocalPort(), large);
            for (int done = 0; done < length; done += 1232) {
                int size = Math.min(1232, length - done);
                Bytes.put16(memory, PAYLOAD, 17 << 8);
                Bytes.put16(memory, PAYLOAD + 2, done | (done + size < length ? 1 : 0));
                Bytes.put32(memory, PAYLOAD + 4, 99);
                MemorySegment.copy(memory, 10_000 + done, memory, PAYLOAD + 8, size);
                send(GUEST, HOST, 44, 64, 8 + size);
            }
            DatagramPacket packet = new DatagramPacket(new byte[4000], 4000);
            server.setSoTimeout(60_000);
            server.receive(packet);
            assertThat(packet.getLength()).isEqualTo(3000);
            server.send(new DatagramPacket(large, 3000, packet.getSocketAddress()));
            assertThat(next()).isEqualTo("fd00:5109:5ce::2 fragment of 1456");
            assertThat(next()).isEqualTo("fd00:5109:5ce::2 fragment of 1456");
            assertThat(next()).startsWith("fd00:5109:5ce::2 fragment of ");
        }
    }

    @Test
    void extensionHeadersDoNotHideTheTransport() throws Exception {
        try (DatagramSocket server = server()) {
            Bytes.put64(memory, PAYLOAD, 0x1100_0104_0000_0000L); // destination options: padding
            int length = udp(GUEST, HOST, PAYLOAD + 8, server.getLocalPort(), "deep".getBytes());
            send(GUEST, HOST, 60, 64, 8 + length);
            DatagramPacket packet = new DatagramPacket(new byte[100], 100);
            server.setSoTimeout(60_000);
            server.receive(packet);
            assertThat(packet.getLength()).isEqualTo(4);
        }
    }

    @Test
    void gatewayAndHostAnswerPings() throws Exception {
        ping(GUEST, GATEWAY);
        assertThat(next()).isEqualTo("fd00:5109:5ce::1 icmp 129/0 " + (7 << 16 | 1));
        ping(GUEST, HOST);
        assertThat(next()).isEqualTo("fd00:5109:5ce::2 icmp 129/0 " + (7 << 16 | 1));
        Ipv6Address local = Ipv6Address.parse("fe80::50:ff:fe00:3");
        ping(local, SIX.linkLocal());
        assertThat(next()).isEqualTo("fe80::f416:36ff:febc:f9c6 icmp 129/0 " + (7 << 16 | 1));
    }

    @Test
    void errorsSayWhyAPacketWentNowhere() throws Exception {
        sendUdp(GUEST, GATEWAY, 9, new byte[4], 64);
        assertThat(next()).as("port").isEqualTo("fd00:5109:5ce::1 icmp 1/4 0");
        sendUdp(GUEST, FAR, 9, new byte[4], 1);
        assertThat(next()).as("hop limit").isEqualTo("fd00:5109:5ce::1 icmp 3/0 0");
        sendUdp(GUEST, Ipv6Address.parse("fd00:5109:5ce::abcd"), 9, new byte[4], 64);
        assertThat(next()).as("neighbour").isEqualTo("fd00:5109:5ce::1 icmp 1/3 0");
        send(GUEST, FAR, 132, 64, 16);
        assertThat(next()).as("protocol").isEqualTo("fd00:5109:5ce::1 icmp 4/1 6");
        Bytes.put64(memory, PAYLOAD, 0x1100_9e04_0000_0000L);
        send(GUEST, FAR, 60, 64, 16);
        assertThat(next()).as("option").isEqualTo("fd00:5109:5ce::1 icmp 4/2 42");
        sendUdp(Ipv6Address.parse("fe80::50:ff:fe00:3"), FAR, 9, new byte[4], 64);
        assertThat(next()).as("scope").isEqualTo("fd00:5109:5ce::1 icmp 1/2 0");
    }

    @Test
    void addressesThatNoWireMayCarryAreMartians() throws Exception {
        sendUdp(GUEST, Ipv6Address.LOOPBACK, 9, new byte[4], 64);
        sendUdp(GUEST, Ipv6Address.parse("::ffff:8.8.8.8"), 9, new byte[4], 64);
        sendUdp(GUEST, Ipv6Address.parse("::ffff:127.0.0.1"), 9, new byte[4], 64);
        sendUdp(GUEST, Ipv6Address.parse("::127.0.0.1"), 9, new byte[4], 64);
        sendUdp(GUEST, GUEST, 9, new byte[4], 64);
        sendUdp(Ipv6Address.parse("::ffff:192.168.65.3"), HOST, 9, new byte[4], 64);
        sendUdp(Ipv6Address.LOOPBACK, HOST, 9, new byte[4], 64);
        sendUdp(Ipv6Address.ANY, HOST, 9, new byte[4], 64);
        sendUdp(Ipv6Address.ALL_NODES, HOST, 9, new byte[4], 64);
        assertThat(dropped("martian")).isEqualTo(9);
    }

    @Test
    void sourcesThatAreNotTheGuestsAreSpoofs() throws Exception {
        sendUdp(FAR, HOST, 9, new byte[4], 64);
        sendUdp(GATEWAY, HOST, 9, new byte[4], 64);
        sendUdp(SIX.linkLocal(), HOST, 9, new byte[4], 64);
        sendUdp(SIX.prefix().address(), HOST, 9, new byte[4], 64);
        assertThat(dropped("spoofed-source")).isEqualTo(4);
    }

    @Test
    void aMachineHasSixteenAddressesAndNoMoreForNow() throws Exception {
        for (int i = 0; i < 20; i++) {
            ping(GUEST.plus(i), GATEWAY);
        }
        assertThat(dropped("guest-limit")).isEqualTo(4);
        assertThat(gateway.status().guests()).hasSize(GuestTable.ADDRESSES_PER_MAC);
    }

    @Test
    void withoutChecksumThereIsNoUdp() throws Exception {
        int length = udp(GUEST, HOST, PAYLOAD, 9, new byte[4]);
        Bytes.put16(memory, PAYLOAD + UdpHeader.CHECKSUM, 0);
        send(GUEST, HOST, 17, 64, length);
        assertThat(dropped("bad-udp-checksum")).isEqualTo(1);
    }

    @Test
    void listenerReportsAreTakenQuietly() throws Exception {
        Bytes.put64(memory, PAYLOAD, 0x3a00_0502_0000_0100L); // hop-by-hop: router alert
        Bytes.put64(memory, PAYLOAD + 8, 0x8f00_0000_0000_0000L);
        send(Ipv6Address.ANY, Ipv6Address.parse("ff02::16"), 0, 1, 16);
        assertThat(gateway.status().drops()).isEmpty();
    }

    @Test
    void aGuestAsksForItsSettingsByDhcp() throws Exception {
        Ipv6Address local = Ipv6Address.parse("fe80::50:ff:fe00:3");
        Ipv6Address servers = Ipv6Address.parse("ff02::1:2");
        byte[] information = {11, 0, 0, 1};
        int length = udp(local, servers, PAYLOAD, 547, information);
        UdpHeader.write(memory, PAYLOAD, 546, 547, length);
        send(local, servers, 17, 1, length);
        assertThat(next()).startsWith("fe80::f416:36ff:febc:f9c6 udp \u0007");
    }

    /** The compiler works beside the test, and on a busy machine now and then: it has time, not a number of packets. */
    private static long patience() {
        return System.nanoTime() + 60_000_000_000L;
    }

    @Test
    void aDatagramOnItsWayAllocatesNothing() throws Exception {
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        try (DatagramSocket server = server()) {
            int port = server.getLocalPort();
            Frame frame = new Frame();
            long perPacket = Long.MAX_VALUE;
            for (long until = patience(); perPacket >= 8 && System.nanoTime() < until; ) {
                sendUdp(GUEST, HOST, port, new byte[100], 64);
                perPacket = on(() -> {
                    long before = threads.getCurrentThreadAllocatedBytes();
                    for (int i = 0; i < 2000; i++) {
                        cable.handler.onFrame(cable, frame.set(memory, 0, PAYLOAD + 108));
                    }
                    return (threads.getCurrentThreadAllocatedBytes() - before) / 2000;
                });
            }
            assertThat(perPacket).as("bytes per datagram").isLessThan(8);
        }
    }

    /** Data in order, to the host's socket, and the acknowledgments back. */
    @Test
    void aSegmentOnItsWayAllocatesNothing() throws Exception {
        var threads = (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
        RawFrames6 guest = new RawFrames6(PLAN.mac(), new MacAddress(MAC), GUEST);
        int payload = 1000;
        int count = 200;
        try (ServerSocket server = GuestWorld.server()) {
            int port = server.getLocalPort();
            int sequence = 100;
            handle(guest.tcp(HOST, 4000, port, sequence++, 0, TcpHeader.SYN, new byte[0]));
            MemorySegment synAck;
            do {
                synAck = MemorySegment.ofArray(received.poll(60, TimeUnit.SECONDS));
            } while (Ipv6Header.nextHeader(synAck, ETHERNET) != 6);
            int ack = TcpHeader.sequence(synAck, PAYLOAD) + 1;
            handle(guest.tcp(HOST, 4000, port, sequence, ack, TcpHeader.ACK, new byte[0]));
            try (Socket socket = server.accept()) {
                cable.recording = false;
                byte[] sink = new byte[payload * count];
                Frame frame = new Frame();
                long perSegment = Long.MAX_VALUE;
                for (long until = patience(); perSegment >= 8 && System.nanoTime() < until; ) {
                    int from = sequence;
                    byte[] segment = guest.tcp(HOST, 4000, port, from, ack, TcpHeader.ACK, new byte[payload]);
                    perSegment = on(() -> {
                        MemorySegment.copy(segment, 0, memory, ValueLayout.JAVA_BYTE, 0, segment.length);
                        long before = threads.getCurrentThreadAllocatedBytes();
                        for (int i = 0; i < count; i++) {
                            Bytes.put32(memory, PAYLOAD + 4, from + i * payload);
                            frame.set(memory, 0, segment.length);
                            frame.checksumTrusted = true;
                            cable.handler.onFrame(cable, frame);
                            cable.handler.onBatchEnd(cable);
                        }
                        return (threads.getCurrentThreadAllocatedBytes() - before) / count;
                    });
                    sequence += payload * count;
                    assertThat(socket.getInputStream().readNBytes(sink, 0, sink.length))
                            .isEqualTo(sink.length);
                }
                assertThat(perSegment).as("bytes per segment").isLessThan(8);
            }
        }
    }

    private void handle(byte[] bytes) throws Exception {
        on(() -> {
            MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
            cable.handler.onFrame(cable, new Frame().set(memory, 0, bytes.length));
            cable.handler.onBatchEnd(cable);
            return true;
        });
    }

    @Test
    void withoutAPlanForItIpv6IsDropped() throws Exception {
        gateway.close();
        gateway = Gateway.builder()
                .plan(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true))
                .start();
        Cable other = new Cable();
        gateway.attach(other);
        EthernetHeader.write(memory, 0, PLAN.mac().bits(), MAC, EthernetHeader.TYPE_IPV6);
        on(() -> {
            other.handler.onFrame(other, new Frame().set(memory, 0, 60));
            return true;
        });
        assertThat(dropped("unknown-protocol")).isEqualTo(1);
    }

    /** Hands frames to the gateway and keeps those that come back. */
    private final class Cable extends NowhereLink {
        LinkHandler handler;
        boolean recording = true;

        @Override
        public void start(LinkHandler to) {
            handler = to;
        }

        @Override
        public boolean send(Frame frame) {
            if (!recording) {
                return true;
            }
            byte[] bytes = frame.head.asSlice(frame.headAt, frame.length()).toArray(ValueLayout.JAVA_BYTE);
            if (frame.checksumStart != 0) {
                MemorySegment f = MemorySegment.ofArray(bytes);
                long sum = Checksum.add(0, f, frame.checksumStart, bytes.length - frame.checksumStart);
                Bytes.put16(f, frame.checksumStart + frame.checksumOffset, UdpHeader.checksumField(sum));
            }
            received.add(bytes);
            return true;
        }
    }

    /** Some resolvers are told of the link-local address by the router's advertisement alone, and hear no other. */
    @Test
    void theNameServerAnswersFromTheAddressThatWasAsked() throws Exception {
        byte[] nothing = {0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        Ipv6Address local = Ipv6Address.linkLocal(new MacAddress(MAC));
        sendUdp(local, SIX.linkLocal(), 53, nothing, 64);
        assertThat(next()).startsWith(SIX.linkLocal() + " udp ");
        sendUdp(GUEST, GATEWAY, 53, nothing, 64);
        assertThat(next()).startsWith(GATEWAY + " udp ");
    }
}
