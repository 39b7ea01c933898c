package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.GUEST;
import static dev.sluice.gateway.dns.DnsBench.id;
import static dev.sluice.gateway.dns.DnsBench.parse;
import static dev.sluice.gateway.dns.DnsBench.query;
import static dev.sluice.gateway.dns.DnsBench.replyTo;
import static dev.sluice.gateway.dns.DnsBench.withId;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.flow.Limits;
import dev.sluice.wire.Ipv4Address;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

@Timeout(180)
class DnsTcpServiceTest {
    private static final Duration LONG = Duration.ofMinutes(10);

    /** Both ends of a stream: the guest's, and the one given to the service. */
    private static final class Stream implements AutoCloseable {
        final Socket guest;
        final Socket ours;
        final DataInputStream in;
        final DataOutputStream out;

        Stream() throws IOException {
            try (ServerSocket listener = new ServerSocket(0, 1, InetAddress.ofLiteral("127.0.0.1"))) {
                guest = new Socket();
                guest.setReceiveBufferSize(4096);
                guest.connect(listener.getLocalSocketAddress());
                ours = listener.accept();
                ours.setSendBufferSize(4096);
            }
            in = new DataInputStream(guest.getInputStream());
            out = new DataOutputStream(guest.getOutputStream());
        }

        void send(byte[] message) throws IOException {
            out.writeShort(message.length);
            out.write(message);
        }

        byte[] receive() throws IOException {
            byte[] message = new byte[in.readUnsignedShort()];
            in.readFully(message);
            return message;
        }

        void assertEnded() {
            assertThatThrownBy(() -> {
                        while (true) {
                            receive();
                        }
                    })
                    .isInstanceOf(IOException.class);
        }

        @Override
        public void close() throws IOException {
            guest.close();
            ours.close();
        }
    }

    private final NameServer upstream = NameServer.start(NameServer.SILENT);
    private final DnsService service = DnsBench.service(upstream);

    @AfterEach
    void stop() {
        service.close();
        upstream.close();
    }

    private static boolean open(DnsTcpService tcp, Stream stream) throws IOException {
        return tcp.open(GUEST, stream.ours.getInputStream(), stream.ours.getOutputStream());
    }

    @Test
    void queriesInOneSegmentAreAnsweredOutOfOrder() throws Exception {
        CountDownLatch slow = new CountDownLatch(1);
        upstream.script((query, replier) -> {
            if (parse(query.message()).getQuestion().getName().toString().startsWith("slow")) {
                slow.await();
            }
            replier.send(replyTo(query.message()).toWire());
        });
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            stream.send(withId(query("slow.example", Type.A), 1));
            stream.send(withId(query("quick.example", Type.A), 2));
            stream.send(withId(query("host.sluice.internal", Type.A), 3));
            Set<Integer> first = new HashSet<>(List.of(id(stream.receive()), id(stream.receive())));
            assertThat(first).containsExactlyInAnyOrder(2, 3);
            slow.countDown();
            assertThat(id(stream.receive())).isEqualTo(1);
        }
    }

    /** Else the guest would wait for the rest of its zone until the session is idle, and hold a place of it for good. */
    @Test
    void aTransferThatFailsInsideBreaksTheStream() throws Exception {
        try (DnsService faulty = DnsBench.uncached(
                        DnsBench.PLAN,
                        DnsNames.defaults(),
                        Limits.defaults(),
                        () -> {
                            throw new IllegalStateException("no settings");
                        },
                        DnsBench.NO_HOSTS);
                DnsTcpService tcp = new DnsTcpService(faulty, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            stream.send(query("zone.example", Type.AXFR));
            stream.assertEnded();
        }
    }

    @Test
    void aMessageMayArriveByteByByte() throws Exception {
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            stream.guest.setTcpNoDelay(true);
            open(tcp, stream);
            byte[] query = query("host.sluice.internal", Type.A);
            stream.out.write(0);
            stream.out.write(query.length);
            for (byte b : query) {
                stream.out.write(b);
            }
            assertThat(parse(stream.receive()).getSection(Section.ANSWER)).hasSize(1);
        }
    }

    @Test
    void aGuestThatHalfClosesStillGetsItsRepliesAndThenTheEnd() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        upstream.script((query, replier) -> {
            go.await();
            replier.send(replyTo(query.message()).toWire());
        });
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            for (int i = 0; i < 5; i++) {
                stream.send(query(i + ".example", Type.A));
            }
            stream.guest.shutdownOutput();
            go.countDown();
            for (int i = 0; i < 5; i++) {
                assertThat(parse(stream.receive()).getRcode()).isEqualTo(Rcode.NOERROR);
            }
            assertThatThrownBy(stream::receive).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void aMalformedMessageIsFormerrAndTheSessionGoesOn() throws Exception {
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            byte[] bad = withId(query("a.example", Type.A), 9);
            bad[5] = 7;
            stream.send(bad);
            assertThat(parse(stream.receive()).getRcode()).isEqualTo(Rcode.FORMERR);
            byte[] response = query("a.example", Type.A);
            response[2] |= (byte) 0x80;
            for (int i = 0; i <= DnsTcpSession.MAX_IN_FLIGHT; i++) {
                stream.send(response); // gets no reply, and takes up no place
            }
            stream.send(withId(query("host.sluice.internal", Type.A), 10));
            assertThat(id(stream.receive())).isEqualTo(10);
        }
    }

    @Test
    void aLengthThatIsNoMessageEndsTheSession() throws Exception {
        try (DnsTcpService tcp = new DnsTcpService(service, LONG)) {
            for (int length : new int[] {0, 1, 11}) {
                try (Stream stream = new Stream()) {
                    open(tcp, stream);
                    stream.out.writeShort(length);
                    stream.assertEnded();
                }
            }
            assertThat(service.counters().snapshot().tcpSessionsCut()).isEqualTo(3);
        }
    }

    @Test
    void theLongestMessageIsTakenAndACutOneIsNot() throws Exception {
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            stream.send(new byte[65535]);
            assertThat(parse(stream.receive()).getRcode()).isEqualTo(Rcode.FORMERR);
            stream.out.writeShort(65535);
            stream.out.write(new byte[100]);
            stream.guest.shutdownOutput();
            assertThatThrownBy(stream::receive).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void queriesAboveTheBoundWaitInTheStream() throws Exception {
        int bound = DnsTcpSession.MAX_IN_FLIGHT;
        CountDownLatch go = new CountDownLatch(1);
        upstream.script((query, replier) -> {
            go.await();
            replier.send(replyTo(query.message()).toWire());
        });
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream stream = new Stream()) {
            open(tcp, stream);
            for (int i = 0; i < bound + 10; i++) {
                stream.send(query(i + ".example", Type.A));
            }
            while (upstream.queries().size() < bound) {
                Thread.onSpinWait();
            }
            assertThat(service.counters().snapshot().queries()).isEqualTo(bound);
            go.countDown();
            for (int i = 0; i < bound + 10; i++) {
                assertThat(parse(stream.receive()).getRcode()).isEqualTo(Rcode.NOERROR);
            }
        }
    }

    @Test
    void anIdleSessionIsCutAndABusyOneIsNot() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        upstream.script((query, replier) -> {
            go.await();
            replier.send(replyTo(query.message()).toWire());
        });
        try (DnsTcpService tcp = new DnsTcpService(service, Duration.ofMillis(1500));
                Stream busy = new Stream();
                Stream idle = new Stream()) {
            open(tcp, busy);
            busy.send(query("slow.example", Type.A));
            while (upstream.queries().isEmpty()) {
                Thread.onSpinWait();
            }
            open(tcp, idle);
            idle.assertEnded();
            go.countDown();
            assertThat(parse(busy.receive()).getRcode()).isEqualTo(Rcode.NOERROR);
            busy.assertEnded();
            assertThat(service.counters().snapshot().tcpSessionsCut()).isEqualTo(2);
        }
    }

    @Test
    void aGuestThatDoesNotReadIsCutAndItsMemoryFreed() throws Exception {
        upstream.script((query, replier) -> replier.send(DnsBench.bigReply(query.message(), 250)));
        try (DnsTcpService tcp = new DnsTcpService(service, LONG);
                Stream deaf = new Stream();
                Stream other = new Stream()) {
            open(tcp, deaf);
            for (int i = 0; i < DnsTcpSession.MAX_IN_FLIGHT; i++) {
                deaf.send(query(i + ".example", Type.TXT));
            }
            while (service.counters().snapshot().tcpSessionsCut() == 0) {
                Thread.onSpinWait();
            }
            deaf.assertEnded();
            open(tcp, other);
            other.send(query("host.sluice.internal", Type.A));
            assertThat(parse(other.receive()).getSection(Section.ANSWER)).hasSize(1);
        }
    }

    @Test
    void aStuckWriteIsCutAfterTheIdleTime() throws Exception {
        upstream.script((query, replier) -> replier.send(DnsBench.bigReply(query.message(), 250)));
        try (DnsTcpService tcp = new DnsTcpService(service, Duration.ofMillis(50));
                Stream deaf = new Stream()) {
            for (int i = 0; i < 6; i++) {
                deaf.send(query(i + ".example", Type.TXT)); // before the idle time begins
            }
            open(tcp, deaf);
            while (service.counters().snapshot().tcpSessionsCut() == 0) {
                Thread.onSpinWait();
            }
            deaf.assertEnded();
        }
    }

    @Test
    void sessionsAreBoundedPerGuestAndInAll() throws Exception {
        List<Stream> streams = new ArrayList<>();
        try (DnsTcpService tcp = new DnsTcpService(service, LONG)) {
            for (int i = 0; i < DnsTcpService.MAX_SESSIONS + 1; i++) {
                Stream stream = new Stream();
                streams.add(stream);
                Ipv4Address guest = new Ipv4Address(100 + i / DnsTcpService.MAX_SESSIONS_PER_GUEST);
                assertThat(tcp.open(guest, stream.ours.getInputStream(), stream.ours.getOutputStream()))
                        .isEqualTo(i < DnsTcpService.MAX_SESSIONS);
            }
            streams.getFirst().close();
            Stream again = new Stream();
            streams.add(again);
            // Its place is free as soon as the session has noticed.
            while (!tcp.open(new Ipv4Address(100), again.ours.getInputStream(), again.ours.getOutputStream())) {
                Thread.onSpinWait();
            }
            Stream tooMany = new Stream();
            streams.add(tooMany);
            streams.get(40).close();
            while (!tcp.open(new Ipv4Address(7), tooMany.ours.getInputStream(), tooMany.ours.getOutputStream())) {
                Thread.onSpinWait();
            }
            Stream ofFullGuest = new Stream();
            streams.add(ofFullGuest);
            streams.get(41).close();
            assertThat(tcp.open(
                            new Ipv4Address(100),
                            ofFullGuest.ours.getInputStream(),
                            ofFullGuest.ours.getOutputStream()))
                    .isFalse();
        } finally {
            for (Stream stream : streams) {
                stream.close();
            }
        }
    }

    @Test
    void closingEndsAllSessionsAndRefusesMore() throws Exception {
        try (Stream one = new Stream();
                Stream two = new Stream()) {
            DnsTcpService tcp = new DnsTcpService(service, LONG);
            open(tcp, one);
            tcp.close();
            one.assertEnded();
            assertThat(open(tcp, two)).isFalse();
            assertThat(two.ours.isClosed()).isFalse();
        }
    }
}
