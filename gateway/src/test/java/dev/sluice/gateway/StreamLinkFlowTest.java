package dev.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.host.StreamSocket;
import dev.sluice.link.Framing;
import dev.sluice.link.StreamLink;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Poll;
import dev.sluice.posix.Sockets;
import dev.sluice.testkit.RawFrames;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** TCP over a real stream link where one side is fast and the other late; the guest is made of single frames. */
@Timeout(180)
class StreamLinkFlowTest {
    private static final int GUEST_PORT = 40_001;
    private static final int ISS = Integer.MAX_VALUE - 1000;
    private static final int IP = 14;
    private static final int TCP = 34;
    private static final int OPTIONS = 54;

    /** Less than what a link's buffer takes. */
    private static final long ALMOST_FULL = 400_000;

    /** Wide enough for what the host's sockets leave over of what is sent here. */
    private static final int WINDOW = 4 << 20;

    /** Less than the gateway's, which counts from the first segment. */
    private static final long RTO_MIN_NANOS = 150_000_000L;

    private final RawFrames frames = new RawFrames(AddressPlan.DEFAULT_MAC, GuestWorld.GUEST_MAC, GuestWorld.GUEST);
    private final MemorySegment memory = Arena.ofAuto().allocate(4 << 20);
    private Gateway gateway;
    private StreamLink link;
    private ServerSocket server;
    /** The guest's end of the link. */
    private int fd = -1;
    /** Of the gateway's next segment. */
    private int acknowledgment;

    @AfterEach
    void end() throws IOException {
        server.close();
        gateway.close();
        Io.close(fd);
    }

    /** A guest with a connection to a server of the host. */
    private Socket connected(int mtu, int hostReceiveBuffer) throws Exception {
        gateway = Gateway.builder()
                .plan(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, mtu, true))
                .limits(Limits.defaults().change().flowBufferBytes(WINDOW).build())
                .start();
        int[] ends = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        fd = ends[0];
        link = new StreamLink(gateway.loop(), ends[1], ends[1], "guest", mtu, Framing.BE32);
        gateway.attach(link);
        server = new ServerSocket();
        server.setReceiveBufferSize(hostReceiveBuffer);
        server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        byte[] syn = tcp(0, TcpHeader.SYN, new byte[0]);
        MemorySegment s = MemorySegment.ofArray(syn);
        Bytes.put16(s, OPTIONS + 2, mtu - 40);
        Bytes.put16(s, TCP + TcpHeader.CHECKSUM, 0);
        long pseudo = Checksum.pseudoHeader(
                GuestWorld.GUEST.bits(), GuestWorld.HOST.bits(), Ipv4Header.PROTOCOL_TCP, syn.length - TCP);
        Bytes.put16(s, TCP + TcpHeader.CHECKSUM, Checksum.finish(Checksum.add(pseudo, s, TCP, syn.length - TCP)));
        write(syn);
        acknowledgment = readSynAck() + 1;
        write(tcp(1, TcpHeader.ACK, new byte[0]));
        Socket host = server.accept();
        host.setSoTimeout(60_000); // what was lost does not come again
        return host;
    }

    @Test
    void everyByteOfBatchesLongerThanAGatheredWriteReachesALateReader() throws Exception {
        int segments = 150;
        int payload = 1200;
        int first = 50; // as many as the window of a SYN allows (RFC 7323 §2.2)
        int total = first + 35 * segments; // more than the sockets hold, less than that and the window
        assertThat(segments).isGreaterThan(2 * StreamSocket.MAX_PIECES);
        byte[] data = new byte[total * payload];
        new Random(7).nextBytes(data);
        try (Socket reader = connected(1500, 131_072)) {
            for (int sent = 0; sent < total; ) {
                int count = sent == 0 ? first : segments;
                sendAsOneBatch(data, sent * payload, count, payload);
                sent += count;
                while (framesRead() < 2 + sent) {
                    Thread.onSpinWait();
                }
            }
            assertThat(gateway.status().tcp().bytesToHost())
                    .as("part of it waits for the reader")
                    .isLessThan(data.length);
            byte[] received = reader.getInputStream().readNBytes(data.length);
            assertThat(Arrays.mismatch(received, data)).isEqualTo(-1);
        }
    }

    @Test
    void aFullLinkToALateGuestLosesNothingAtTheLargestMtu() throws Exception {
        int total = 3 << 20;
        try (Socket writer = connected(65_520, 131_072)) {
            OutputStream out = writer.getOutputStream();
            Thread.startVirtualThread(() -> {
                try {
                    out.write(new byte[total]);
                } catch (IOException e) {
                    // The test has ended before.
                }
            });
            GatewayStatus.LinkStatus now;
            long before = -1;
            long start = System.nanoTime();
            // The guest reads nothing until the gateway stands still.
            while ((now = gateway.status().links().getFirst()).bytesToGuest() != before || before < ALMOST_FULL) {
                before = now.bytesToGuest();
                Thread.sleep(20);
            }
            long silent = System.nanoTime() - start;
            readPayload(total);
            assertThat(gateway.status().links().getFirst().dropped()).isZero();
            // To a guest that was silent for longer than the shortest timeout they are sent again, as they should be
            // (RFC 6298 §5).
            if (silent < RTO_MIN_NANOS) {
                assertThat(gateway.status().tcp().segmentsRetransmitted()).isZero();
            }
        }
    }

    /** As of a process that has ended while its system still holds what it said last. */
    @Test
    void whatAGuestSaidLastIsAwaitedWhileItMoves() throws Exception {
        int payload = 1200;
        int first = 50;
        int total = first + 35 * 150;
        byte[] data = new byte[total * payload];
        new Random(9).nextBytes(data);
        try (Socket reader = connected(1500, 131_072)) {
            for (int sent = 0; sent < total; ) {
                int count = sent == 0 ? first : 150;
                sendAsOneBatch(data, sent * payload, count, payload);
                sent += count;
                while (framesRead() < 2 + sent) {
                    Thread.onSpinWait();
                }
            }
            write(tcp(1 + data.length, TcpHeader.FIN | TcpHeader.ACK, new byte[0]));
            assertThat(gateway.flows().awaitSent(Duration.ofMillis(100), Duration.ofSeconds(30)))
                    .as("the reader takes nothing")
                    .isOne();
            CompletableFuture<byte[]> received = new CompletableFuture<>();
            Thread.startVirtualThread(() -> {
                try {
                    received.complete(reader.getInputStream().readAllBytes());
                } catch (IOException e) {
                    received.completeExceptionally(e);
                }
            });
            assertThat(gateway.flows().awaitSent(Duration.ofSeconds(30), Duration.ofSeconds(60)))
                    .isZero();
            gateway.close();
            assertThat(Arrays.mismatch(received.get(30, TimeUnit.SECONDS), data))
                    .as("all of it, and its end")
                    .isEqualTo(-1);
        }
    }

    /** The system goes on sending what its socket holds, unless that is thrown away by a reset. */
    @Test
    void aFlowWhoseGuestHasSaidAllEndsInOrderWithTheGateway() throws Exception {
        byte[] data = new byte[1000];
        new Random(11).nextBytes(data);
        try (Socket reader = connected(1500, 131_072)) {
            write(
                    tcp(1, TcpHeader.ACK | TcpHeader.PSH, data),
                    tcp(1 + data.length, TcpHeader.FIN | TcpHeader.ACK, new byte[0]));
            assertThat(gateway.flows().awaitSent(Duration.ofSeconds(30), Duration.ofSeconds(60)))
                    .isZero();
            gateway.close();
            assertThat(reader.getInputStream().readAllBytes()).isEqualTo(data);
        }
    }

    @Test
    void aFlowWhoseGuestHadMoreToSayIsReset() throws Exception {
        try (Socket reader = connected(1500, 131_072)) {
            write(tcp(1, TcpHeader.ACK | TcpHeader.PSH, new byte[1000]));
            assertThat(gateway.flows().awaitSent(Duration.ofMillis(100), Duration.ofSeconds(30)))
                    .isOne();
            gateway.close();
            assertThatThrownBy(() -> reader.getInputStream().readAllBytes()).isInstanceOf(SocketException.class);
        }
    }

    private long framesRead() {
        CompletableFuture<Long> frames = new CompletableFuture<>();
        gateway.loop().execute(() -> frames.complete(link.counters().framesIn));
        return frames.join();
    }

    private byte[] tcp(int offset, int flags, byte[] payload) {
        return frames.tcp(
                GuestWorld.HOST, GUEST_PORT, server.getLocalPort(), ISS + offset, acknowledgment, flags, payload);
    }

    /** The loop stands still until the whole batch waits in the socket, so that it takes all of it with one read. */
    private void sendAsOneBatch(byte[] data, int from, int segments, int length) throws Exception {
        CountDownLatch standing = new CountDownLatch(1);
        CountDownLatch written = new CountDownLatch(1);
        gateway.loop().execute(() -> {
            standing.countDown();
            try {
                written.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        });
        standing.await();
        try {
            byte[][] batch = new byte[segments][];
            for (int i = 0; i < segments; i++) {
                int at = from + i * length;
                batch[i] = tcp(1 + at, TcpHeader.ACK, Arrays.copyOfRange(data, at, at + length));
            }
            write(batch);
            while (Io.read(fd, memory, 0, memory.byteSize()) > 0) {
                // Acknowledgments: the window is wide enough for all that this guest sends.
            }
        } finally {
            written.countDown();
        }
    }

    private void write(byte[]... batch) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        for (byte[] frame : batch) {
            out.writeInt(frame.length);
            out.write(frame);
        }
        MemorySegment.copy(bytes.toByteArray(), 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.size());
        assertThat(Io.write(fd, memory, 0, bytes.size()))
                .as("the socket takes it at once")
                .isEqualTo(bytes.size());
    }

    /** The sequence number of the gateway's SYN. */
    private int readSynAck() {
        while (true) {
            readFully(4);
            int length = Bytes.i32(memory, 0);
            readFully(length);
            if (Bytes.u8(memory, IP + 9) == Ipv4Header.PROTOCOL_TCP) {
                assertThat(TcpHeader.flags(memory, TCP)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK);
                return TcpHeader.sequence(memory, TCP);
            }
        }
    }

    /** Reads segments, all in order but for those sent again, and acknowledges each until {@code total} bytes have come. */
    private void readPayload(int total) throws IOException {
        for (int held = 0; held < total; ) {
            readFully(4);
            int length = Bytes.i32(memory, 0);
            readFully(length);
            int payload = length - TCP - TcpHeader.headerLength(memory, TCP);
            if (Bytes.u8(memory, IP + 9) == Ipv4Header.PROTOCOL_TCP && payload > 0) {
                int fresh = payload - (acknowledgment - TcpHeader.sequence(memory, TCP));
                assertThat(fresh).as("bytes that are new, without a gap").isLessThanOrEqualTo(payload);
                acknowledgment += Math.max(0, fresh);
                held += Math.max(0, fresh);
                write(tcp(1, TcpHeader.ACK, new byte[0]));
            }
        }
    }

    private void readFully(int length) {
        for (int done = 0; done < length; ) {
            assertThat(Poll.await(fd, Poll.IN, (int) GuestWorld.LONG.toMillis()))
                    .as("frames come")
                    .isPositive();
            int n = Io.read(fd, memory, done, length - done);
            assertThat(n).as(n < 0 ? Errno.text(-n) : "the link's end").isPositive();
            done += n;
        }
    }
}
