package dev.sluice.gateway.tcp;

import static dev.sluice.gateway.flow.ManualLoop.SECOND;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.NoHost;
import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.ManualLoop;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Timer;
import dev.sluice.loop.Work;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.testkit.RawFrames;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What one side of a flow does, the other sees. Where the host's side breaks, the guest gets what it said before, then the reset, and no end
 * in between.
 */
class TwoSidesTest {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;
    private static final int PORT = 5000;
    /** More than the guest's window, which a SYN's 65,535 bytes are. */
    private static final int MUCH = 100_000;

    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.3");
    private static final Ipv4Address SERVER = Ipv4Address.parse("198.51.100.1");

    private final Turns loop = new Turns();
    private final Counters counters = new Counters();
    private final GuestSide side = new GuestSide();
    private final RecordingLink link = new RecordingLink("guest");
    private final Guest guest = new Guest(GUEST.bits(), 0x5254_0000_0001L, link);
    private final RawFrames raw = new RawFrames(PLAN.mac(), MacAddress.parse("52:54:00:00:00:01"), GUEST);
    private final Server server = new Server();
    private final TcpFlows flows = new TcpFlows(
            loop,
            server,
            PLAN,
            Limits.defaults(),
            counters,
            new Events(counters, () -> 0),
            FlowPolicy.of(PLAN),
            side,
            new TcpShard(NativeMemory.ofArenas(), 16 << 20, new Random(1)),
            3);
    private int sequence = 1000;
    private int acknowledgment;
    private int base;

    @BeforeEach
    void connect() {
        segment(TcpHeader.SYN, 0);
        server.events().onConnected();
        acknowledgment = TcpHeader.sequence(MemorySegment.ofArray(link.frames.getFirst()), TRANSPORT) + 1;
        base = acknowledgment;
        sequence++;
        segment(TcpHeader.ACK, 0);
        link.frames.clear();
    }

    private void segment(int flags, int payload) {
        byte[] frame = raw.tcp(SERVER, PORT, 80, sequence, acknowledgment, flags, new byte[payload]);
        sequence += payload;
        flows.onSegment(guest, MemorySegment.ofArray(frame), IP, TRANSPORT, frame.length - TRANSPORT, loop.now());
        flows.onBatchEnd();
        loop.run();
        flows.endTurn();
    }

    private void readable() {
        server.events().onReadable();
        loop.run();
    }

    /** Acknowledges what has come, until nothing comes any more; how many bytes of the stream there were since the handshake. */
    private int drink() {
        while (!link.frames.isEmpty()) {
            List<byte[]> frames = List.copyOf(link.frames);
            int before = acknowledgment;
            for (byte[] frame : frames) {
                MemorySegment s = MemorySegment.ofArray(frame);
                if ((TcpHeader.flags(s, TRANSPORT) & (TcpHeader.RST | TcpHeader.FIN)) != 0) {
                    return acknowledgment - base;
                }
                int end = TcpHeader.sequence(s, TRANSPORT)
                        + frame.length
                        - TRANSPORT
                        - TcpHeader.headerLength(s, TRANSPORT);
                acknowledgment = end - acknowledgment > 0 ? end : acknowledgment;
            }
            link.frames.subList(0, frames.size()).clear();
            if (acknowledgment != before) {
                segment(TcpHeader.ACK, 0);
            }
        }
        return acknowledgment - base;
    }

    private boolean hasCome(int flag) {
        return link.frames.stream()
                .anyMatch(frame -> (TcpHeader.flags(MemorySegment.ofArray(frame), TRANSPORT) & flag) != 0);
    }

    @Test
    void whatTheHostSaidBeforeItsResetReachesAGuestWhoseWindowWasFull() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.FAILED;
        readable();
        assertThat(hasCome(TcpHeader.RST)).as("with a part still to be sent").isFalse();
        assertThat(drink()).isEqualTo(MUCH);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flows.size()).isZero();
        assertThat(server.reset).isTrue();
    }

    /** A server that answers and closes before it has read everything: its answer lies in the socket when a write first meets the reset. */
    @Test
    void aWriteThatMeetsTheResetLosesNothingOfWhatTheHostSaid() {
        server.toRead = 500;
        server.afterwards = StreamSocket.END; // the write has taken the error, so reads see an end (tcp(7))
        server.write = StreamSocket.FAILED;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        assertThat(drink()).isEqualTo(500);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(hasCome(TcpHeader.FIN))
                .as("half an answer must not look whole")
                .isFalse();
        assertThat(flows.size()).isZero();
    }

    @Test
    void aGuestThatGoesOnWritingMeanwhileIsNotHeldUp() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.FAILED;
        server.write = StreamSocket.FAILED;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        assertThat(drink()).isEqualTo(MUCH);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flows.size()).isZero();
    }

    @Test
    void aResetAfterTheHostsEndIsToldAsWell() {
        server.toRead = 500;
        server.afterwards = StreamSocket.END;
        readable();
        assertThat(drink()).isEqualTo(500);
        assertThat(hasCome(TcpHeader.FIN)).isTrue();
        link.frames.clear();
        acknowledgment++;
        segment(TcpHeader.ACK, 0);
        server.broken = true;
        readable();
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flows.size()).isZero();
    }

    @Test
    void aResetAfterTheHostsEndWaitsForWhatCameBeforeIt() {
        server.toRead = MUCH;
        server.afterwards = StreamSocket.END;
        readable();
        server.broken = true;
        readable();
        assertThat(hasCome(TcpHeader.RST)).isFalse();
        assertThat(drink()).isEqualTo(MUCH);
        acknowledgment++;
        segment(TcpHeader.ACK, 0);
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flows.size()).isZero();
    }

    @Test
    void withNothingUnderWayTheResetComesAtOnce() {
        server.afterwards = StreamSocket.FAILED;
        readable();
        assertThat(hasCome(TcpHeader.RST)).isTrue();
        assertThat(flows.size()).isZero();
    }

    /** Nobody in the world hears the probes that a guest sends, as we answer them: so it is ours to ask the world. */
    @Test
    void aGuestThatAsksWhetherTheOtherSideIsThereHasTheHostAskAtItsPace() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        loop.clock.advance(15 * SECOND + 300);
        probe(0);
        assertThat(hasCome(TcpHeader.ACK)).isTrue();
        assertThat(server.keptAlive).containsExactly(15);
    }

    @Test
    void probesWithTheByteBeforeCountAndTheHostIsNotAskedMoreOftenThanEveryTenSeconds() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        loop.clock.advance(SECOND);
        probe(1);
        assertThat(server.keptAlive).containsExactly(10);
    }

    @Test
    void aProbeOfAShutWindowAndWhatIsRepeatedAskForNothing() {
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        loop.clock.advance(15 * SECOND);
        sequence -= 1000;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        sequence -= 2;
        segment(TcpHeader.ACK, 0);
        sequence += 2;
        server.write = StreamSocket.WOULD_BLOCK;
        int window;
        do {
            segment(TcpHeader.ACK | TcpHeader.PSH, 1024);
            window = TcpHeader.window(MemorySegment.ofArray(link.frames.getLast()), TRANSPORT);
        } while (window > 0);
        loop.clock.advance(15 * SECOND);
        probe(0);
        assertThat(server.keptAlive).isEmpty();
    }

    private void probe(int bytes) {
        link.frames.clear();
        sequence--;
        segment(TcpHeader.ACK, bytes);
        sequence += 1 - bytes;
    }

    /** A loop whose tasks and work wait for their turn, as those of the real one do. */
    private static final class Turns implements Loop {
        private final ManualLoop clock = new ManualLoop(Long.MAX_VALUE - 100 * SECOND);
        private final Queue<Runnable> later = new ArrayDeque<>();

        void run() {
            for (Runnable task = later.poll(); task != null; task = later.poll()) {
                task.run();
            }
        }

        @Override
        public long now() {
            return clock.now();
        }

        @Override
        public boolean isCurrent() {
            return true;
        }

        @Override
        public void execute(Runnable task) {
            later.add(task);
        }

        @Override
        public void schedule(Timer timer, long deadline) {
            clock.schedule(timer, deadline);
        }

        @Override
        public void cancel(Timer timer) {
            clock.cancel(timer);
        }

        @Override
        public void enqueue(Work work) {
            if (work.markQueued()) {
                later.add(work::runQueued);
            }
        }

        @Override
        public void atEndOfTurn(Runnable hook) {
            throw new UnsupportedOperationException("no hooks here");
        }
    }

    /** A host with one server, whose socket ends as a test wants it. */
    private static final class Server extends NoHost implements StreamSocket {
        private StreamSocket.@Nullable Events events;
        private int toRead;
        private int afterwards = WOULD_BLOCK;
        private int write;
        private boolean broken;
        private boolean reset;
        private final List<Integer> keptAlive = new ArrayList<>();

        private StreamSocket.Events events() {
            if (events == null) {
                throw new AssertionError("nobody has connected");
            }
            return events;
        }

        @Override
        public StreamSocket connect(IpAddress address, int port, int timeToLive, StreamSocket.Events events) {
            this.events = events;
            return this;
        }

        @Override
        public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            int n = Math.min(toRead, length + wrapLength);
            toRead -= n;
            return n == 0 ? afterwards : n;
        }

        @Override
        public int peek(MemorySegment memory, long at, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void skip(MemorySegment memory, long at, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            return write < 0 ? write : length + wrapLength;
        }

        @Override
        public boolean mayHoldMore() {
            return true;
        }

        @Override
        public boolean broken() {
            return broken;
        }

        @Override
        public void keepAlive(int seconds) {
            keptAlive.add(seconds);
        }

        @Override
        public void shutdownOutput() {}

        @Override
        public void close() {}

        @Override
        public void reset() {
            reset = true;
        }

        @Override
        public HostError error() {
            return HostError.RESET;
        }
    }
}
