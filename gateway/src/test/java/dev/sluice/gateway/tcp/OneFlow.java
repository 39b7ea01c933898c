package dev.sluice.gateway.tcp;

import dev.sluice.gateway.NoHost;
import dev.sluice.gateway.RecordingLink;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.link.Frame;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.testkit.RawFrames;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.MacAddress;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** A guest's connection to a server of the host, frame by frame in virtual time, which begins just before it wraps around. */
final class OneFlow {
    static final int IP = EthernetHeader.LENGTH;
    static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;
    static final long SECOND = 1_000_000_000L;

    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private static final Ipv4Address GUEST = Ipv4Address.parse("192.168.65.3");
    private static final Ipv4Address SERVER = Ipv4Address.parse("198.51.100.1");

    final VirtualLoop loop = new VirtualLoop(Long.MAX_VALUE - 100 * SECOND);
    final Counters counters = new Counters();
    final Events events = new Events(counters, () -> 0);
    final BusyLink link = new BusyLink();
    final Server server = new Server();
    final GuestSide side = new GuestSide();
    final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), 16 << 20, new Random(1));
    final TcpFlows flows = new TcpFlows(
            loop,
            server,
            PLAN,
            new Shares(Limits.defaults(), shard.buffers().whole().share()),
            counters,
            events,
            FlowPolicy.of(PLAN),
            side,
            shard,
            3);
    /** The guest's. */
    int port = 5000;
    /** Of the guest's next segment. */
    int sequence = 1000;

    int acknowledgment;

    private final Guest guest = new Guest(GUEST.bits(), 0x5254_0000_0001L, link);
    private final RawFrames raw = new RawFrames(PLAN.mac(), MacAddress.parse("52:54:00:00:00:01"), GUEST);

    /** One that is established. */
    OneFlow() {
        connect();
    }

    /** Establishes one more, from the port and sequence number of now. */
    void connect() {
        link.frames.clear();
        acknowledgment = 0;
        segment(TcpHeader.SYN, 0);
        endBatch();
        server.events().onConnected();
        loop.settle();
        acknowledgment = TcpHeader.sequence(MemorySegment.ofArray(link.frames.getFirst()), TRANSPORT) + 1;
        sequence++;
        segment(TcpHeader.ACK, 0);
        endBatch();
        endTurn();
        link.frames.clear();
    }

    /** A frame of the guest's. */
    void segment(int flags, int payload) {
        byte[] frame = raw.tcp(SERVER, port, 80, sequence, acknowledgment, flags, new byte[payload]);
        sequence += payload;
        flows.onSegment(guest, MemorySegment.ofArray(frame), IP, TRANSPORT, frame.length - TRANSPORT, loop.now());
    }

    /** Its link has no more for now. */
    void endBatch() {
        flows.onBatchEnd();
        loop.settle();
    }

    void endTurn() {
        flows.endTurn();
        loop.settle();
    }

    /** The server has said something, or its socket has broken. */
    void readable() {
        server.events().onReadable();
        loop.settle();
    }

    /** A guest's link that says whether more frames are at hand, and whether it has room. */
    static final class BusyLink extends RecordingLink {
        boolean more;
        boolean congested;
        boolean offloads = true;
        /** Frames that it fails on. */
        int failures;

        BusyLink() {
            super("busy");
        }

        @Override
        public boolean mayHoldMore() {
            return more;
        }

        @Override
        public boolean congested() {
            return congested;
        }

        @Override
        public boolean offloads() {
            return offloads;
        }

        @Override
        public boolean send(Frame frame) {
            if (failures > 0) {
                failures--;
                throw new IllegalStateException("expected by the test");
            }
            return super.send(frame);
        }
    }

    /** A host with one server, whose socket does as a test says; it takes everything if not told otherwise. */
    static final class Server extends NoHost implements StreamSocket {
        private StreamSocket.@Nullable Events events;
        /** Bytes that it has said. */
        int toRead;
        /** What reads say when all is read. */
        int afterwards = WOULD_BLOCK;
        /** What writes say; 0 for that they take what there is room for. */
        int write;
        /** Bytes that it takes yet; then it blocks. */
        int room = Integer.MAX_VALUE;
        /** Bytes that it has taken. */
        int written;

        boolean broken;
        boolean reset;
        boolean ended;
        final List<Integer> keptAlive = new ArrayList<>();

        StreamSocket.Events events() {
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
            int n = Math.min(toRead, length);
            return n == 0 ? afterwards : n;
        }

        @Override
        public void skip(MemorySegment memory, long at, int length) {
            toRead -= length;
        }

        @Override
        public int write(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            int n = Math.min(room, length + wrapLength);
            if (write < 0 || n == 0) {
                return write < 0 ? write : WOULD_BLOCK;
            }
            room -= n;
            written += n;
            return n;
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
        public void shutdownOutput() {
            ended = true;
        }

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
