package dev.sluice.gateway.dns;

import static dev.sluice.gateway.dns.DnsBench.query;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

@Timeout(60)
class DnsUdpServiceTest {
    /** A mailbox, emptied by the test. */
    private static final class Mailbox implements Loop {
        final BlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
        volatile boolean ended;

        @Override
        public void execute(Runnable task) {
            if (ended) {
                throw new RejectedExecutionException();
            }
            tasks.add(task);
        }

        @Override
        public long now() {
            return 0;
        }

        @Override
        public boolean isCurrent() {
            return true;
        }

        @Override
        public void schedule(Timer timer, long deadline) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void cancel(Timer timer) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void enqueue(Work work) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void atEndOfTurn(Runnable hook) {
            throw new UnsupportedOperationException();
        }
    }

    private record Sent(Guest guest, int port, byte[] message) {}

    private final Mailbox loop = new Mailbox();
    private final List<Sent> sent = new ArrayList<>();
    private final Guest guest = new Guest(0xc0a84103, 0, null);

    private DnsUdpService udp(DnsService service) {
        return new DnsUdpService(
                service, loop, null, (to, _, _, port, message) -> sent.add(new Sent(to, port, message)));
    }

    private void deliver(DnsUdpService udp, byte[] payload) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment frame = arena.allocate(payload.length + 42L);
            MemorySegment.copy(MemorySegment.ofArray(payload), 0, frame, 42, payload.length);
            udp.onDatagram(guest, 4444, 0, 1, frame, 42, payload.length);
            frame.fill((byte) 0xff); // the frame is used again as soon as the call is over
        }
    }

    @Test
    void aDatagramIsCopiedAndItsReplySentOnTheLoop() throws Exception {
        try (DnsService service = DnsBench.service(DnsBench.config(DnsBench.PATIENT, 1))) {
            deliver(udp(service), query("host.sluice.internal", Type.A));
            Runnable task = loop.tasks.take();
            assertThat(sent).isEmpty();
            task.run();
            assertThat(sent).singleElement().satisfies(reply -> {
                assertThat(reply.guest()).isSameAs(guest);
                assertThat(reply.port()).isEqualTo(4444);
                assertThat(DnsBench.parse(reply.message()).getSection(Section.ANSWER))
                        .hasSize(1);
            });
        }
    }

    @Test
    void anOverlongDatagramIsCutAndSoMalformed() throws Exception {
        byte[] query = query("host.sluice.internal", Type.A);
        byte[] padded = java.util.Arrays.copyOf(query, 65_507);
        DnsMessage.put16(padded, 10, 5_000); // additional records of eleven zero bytes up to the end
        try (DnsService service = DnsBench.service(DnsBench.config(DnsBench.PATIENT, 1))) {
            deliver(udp(service), padded);
            loop.tasks.take().run();
            assertThat(DnsBench.parse(sent.getFirst().message()).getRcode()).isEqualTo(Rcode.FORMERR);
        }
    }

    @Test
    void anEmptyDatagramGetsNothing() {
        try (DnsService service = DnsBench.service(DnsBench.config(DnsBench.PATIENT, 1))) {
            deliver(udp(service), new byte[0]);
            assertThat(loop.tasks).isEmpty();
            assertThat(service.counters().snapshot().malformed()).isEqualTo(1);
        }
    }

    @Test
    void aReplyAfterTheLoopsEndIsLostWithoutNoise() {
        try (DnsService service = DnsBench.service(DnsBench.config(DnsBench.PATIENT, 1))) {
            loop.ended = true;
            deliver(udp(service), new byte[12]);
            assertThat(sent).isEmpty();
        }
    }
}
