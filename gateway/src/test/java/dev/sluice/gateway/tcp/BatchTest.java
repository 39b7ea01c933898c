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
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.testkit.RawFrames;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** When a guest that sends in bulk gets its ACK, frame by frame. */
class BatchTest {
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;
    private static final long MILLISECOND = SECOND / 1000;
    private static final int BULK = 40_000;
    private static final int PORT = 5000;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.3");
    private static final Ipv4Address SERVER = Ipv4Address.parse("198.51.100.1");

    private final ManualLoop loop = new ManualLoop(Long.MAX_VALUE - 100 * SECOND);
    private final Counters counters = new Counters();
    private final GuestSide side = new GuestSide();
    private final BusyLink link = new BusyLink();
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
    /** What has been acknowledged before the part that matters. */
    private int base = 1001;

    @BeforeEach
    void connect() {
        segment(TcpHeader.SYN, 0);
        server.events().onConnected();
        acknowledgment = TcpHeader.sequence(MemorySegment.ofArray(link.frames.getFirst()), TRANSPORT) + 1;
        sequence++;
        segment(TcpHeader.ACK, 0);
        flows.onBatchEnd();
        flows.endTurn();
        link.frames.clear();
    }

    /** The guest learns of the whole window, which its SYN could not be told. */
    private void openWindow() {
        bulk();
        link.frames.clear();
        base = sequence;
    }

    private void segment(int flags, int payload) {
        byte[] frame = raw.tcp(SERVER, PORT, 80, sequence, acknowledgment, flags, new byte[payload]);
        sequence += payload;
        flows.onSegment(guest, MemorySegment.ofArray(frame), IP, TRANSPORT, frame.length - TRANSPORT, loop.now());
    }

    private void bulk() {
        segment(TcpHeader.ACK | TcpHeader.PSH, BULK);
        flows.onBatchEnd();
    }

    /** Bytes acknowledged by each frame to the guest since this was last asked. */
    private List<Integer> acknowledged() {
        List<Integer> to = link.frames.stream()
                .map(f -> TcpHeader.acknowledgment(MemorySegment.ofArray(f), TRANSPORT) - base)
                .toList();
        link.frames.clear();
        return to;
    }

    /** RFC 6864 §4.1: what is never cut needs no identification; a counter would tell a guest how much others get. */
    @Test
    void segmentsAreNotToBeCutAndNotNumbered() {
        openWindow();
        bulk();
        bulk();
        assertThat(link.frames).isNotEmpty().allSatisfy(frame -> {
            MemorySegment s = MemorySegment.ofArray(frame);
            assertThat(Ipv4Header.identification(s, IP)).isZero();
            assertThat(Bytes.u16(s, IP + 6)).isEqualTo(Ipv4Header.DONT_FRAGMENT);
        });
    }

    @Test
    void anAckOfBulkWaitsWhileMoreFramesAreAtHand_andCoversThem() {
        openWindow();
        link.more = true;
        bulk();
        bulk();
        flows.endTurn();
        bulk();
        assertThat(acknowledged()).isEmpty();
        link.more = false;
        flows.endTurn();
        assertThat(acknowledged()).containsExactly(3 * BULK);
        flows.endTurn();
        assertThat(acknowledged()).isEmpty();
    }

    @Test
    void itWaitsForTwoMillisecondsAtMost() {
        openWindow();
        link.more = true;
        bulk();
        loop.advance(MILLISECOND);
        bulk();
        flows.endTurn();
        assertThat(acknowledged()).isEmpty();
        loop.advance(MILLISECOND);
        flows.endTurn();
        assertThat(acknowledged()).containsExactly(2 * BULK);
        bulk();
        flows.endTurn();
        assertThat(acknowledged()).as("the next one waits anew").isEmpty();
    }

    @Test
    void aGuestThatHasUsedHalfItsWindowDoesNotWait() {
        link.more = true;
        bulk();
        assertThat(acknowledged())
                .as("40,000 of the 65,535 bytes that a SYN can be told")
                .containsExactly(BULK);
    }

    @Test
    void theLastFrameIsAcknowledgedAtTheEndOfItsBatch() {
        bulk();
        assertThat(acknowledged()).containsExactly(BULK);
    }

    @Test
    void halfOfAWindowIsAcknowledgedAtOnce() {
        openWindow();
        link.more = true;
        for (int i = 0; i < 14; i++) {
            bulk();
        }
        assertThat(acknowledged()).containsExactly(13 * BULK);
        link.more = false;
        flows.endTurn();
        assertThat(acknowledged()).containsExactly(14 * BULK);
    }

    @Test
    void whoSentLittleDoesNotWait() {
        link.more = true;
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        segment(TcpHeader.ACK | TcpHeader.PSH, 1000);
        flows.onBatchEnd();
        assertThat(acknowledged())
                .as("the second full segment (RFC 9293 §3.8.6.3)")
                .hasSizeLessThanOrEqualTo(1);
        loop.advance(SECOND);
        assertThat(counters.tcpBytesToHost).isEqualTo(2000);
    }

    @Test
    void dataToTheGuestTakesTheAckAlong() {
        openWindow();
        link.more = true;
        bulk();
        server.toRead = 100;
        server.events().onReadable();
        assertThat(acknowledged()).containsExactly(BULK);
        link.more = false;
        flows.endTurn();
        assertThat(acknowledged()).isEmpty();
    }

    @Test
    void aFlowThatEndsMeanwhileOwesNothing() {
        link.more = true;
        bulk();
        segment(TcpHeader.RST, 0);
        flows.onBatchEnd();
        link.frames.clear();
        link.more = false;
        flows.endTurn();
        assertThat(acknowledged()).isEmpty();
        assertThat(flows.size()).isZero();
    }

    private static final class BusyLink extends RecordingLink {
        private boolean more;

        BusyLink() {
            super("busy");
        }

        @Override
        public boolean mayHoldMore() {
            return more;
        }
    }

    /** A host with one server that takes everything. */
    private static final class Server extends NoHost implements StreamSocket {
        private StreamSocket.@Nullable Events events;
        private int toRead;

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
            int n = Math.min(toRead, length);
            toRead -= n;
            return n == 0 ? WOULD_BLOCK : n;
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
            return length + wrapLength;
        }

        @Override
        public boolean mayHoldMore() {
            return false;
        }

        @Override
        public boolean broken() {
            return false;
        }

        @Override
        public void shutdownOutput() {}

        @Override
        public void close() {}

        @Override
        public void reset() {}

        @Override
        public HostError error() {
            return HostError.OTHER;
        }
    }
}
