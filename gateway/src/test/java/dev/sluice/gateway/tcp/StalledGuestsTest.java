package dev.sluice.gateway.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.NoHost;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.host.HostError;
import dev.sluice.host.StreamSocket;
import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.stack.tcp.NativeMemory;
import dev.sluice.stack.tcp.TcpShard;
import dev.sluice.testkit.NowhereLink;
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
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Guests whose connections stand still, both ways: they read nothing, and neither do their servers. Others, and those who come later, are
 * served all the same. Guests, servers and time are simulated.
 */
class StalledGuestsTest {
    private static final long MILLISECOND = 1_000_000;
    private static final long SECOND = 1000 * MILLISECOND;
    private static final int IP = EthernetHeader.LENGTH;
    private static final int TRANSPORT = IP + Ipv4Header.MIN_LENGTH;
    private static final int MEGABYTE = 1 << 20;
    private static final int BUDGET = 32 * MEGABYTE;
    private static final int PIECE = 30_000;
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
    private static final Ipv4Address SERVER = Ipv4Address.parse("198.51.100.1");

    private final VirtualLoop loop = new VirtualLoop(SECOND);
    private final Counters counters = new Counters();
    private final Servers servers = new Servers();
    private final TcpShard shard = new TcpShard(NativeMemory.ofArenas(), BUDGET, new Random(1));
    private final Shares shares = new Shares(
            Limits.defaults().change().bufferBytes(BUDGET).build(),
            shard.buffers().whole().share());
    private final TcpFlows flows = new TcpFlows(
            loop,
            servers,
            PLAN,
            shares,
            counters,
            new Events(counters, () -> 0),
            FlowPolicy.of(PLAN),
            new GuestSide(),
            shard,
            3);
    /** By the guest's port, which no other has. */
    private final List<Conversation> conversations = new ArrayList<>();

    StalledGuestsTest() {
        loop.atEndOfTurn(flows::endTurn);
    }

    @AfterEach
    void everythingIsGivenBack() {
        flows.close();
        loop.settle();
        assertThat(flows.size()).isZero();
        assertThat(shard.buffers().inUse()).isZero();
        assertThat(shares.all().tcpFlows.held()).isZero();
        assertThat(shares.all().tcpHalfOpen.held()).isZero();
        shard.close();
    }

    @Test
    void aGuestThatStallsAThousandConnectionsBothWaysKeepsNobodyOut() {
        Machine greedy = new Machine(3, new Cable());
        List<Conversation> stalled = stall(greedy, 1000);
        loop.advance(SECOND);
        assertThat(shard.buffers().inUse())
                .as("alone, it has nearly everything")
                .isGreaterThan(BUDGET * 9L / 10);
        Machine modest = new Machine(4, new Cable());
        for (int i = 0; i < 50; i++) {
            assertServedWithin(20 * MILLISECOND, modest);
        }
        assertThat(stalled).noneMatch(conversation -> conversation.reset);
        assertThat(counters.dropped(Drop.TCP_FLOW_EVICTED)).isZero();
        // Those that move again are served, too.
        Conversation first = stalled.getFirst();
        first.server.reads = true;
        first.server.events.onWritable();
        loop.settle();
        assertThat(first.server.written).isEqualTo(first.sent());
    }

    @Test
    void whoeverComesWhenNothingIsLeftGetsWhatIsGuaranteedFromWhoHoldsMost() {
        Machine greediest = new Machine(3, new Cable());
        Conversation moving = stall(greediest, 1).getFirst();
        Conversation trickling = stall(greediest, 1).getFirst();
        List<Conversation> still = stall(greediest, 800);
        List<Conversation> others = new ArrayList<>();
        for (int number = 4; number < 10; number++) {
            others.addAll(stall(new Machine(number, new Cable()), 100));
        }
        for (int second = 0; second < 11; second++) {
            loop.advance(SECOND);
            moving.acknowledgeAll();
            moving.server.reads = !moving.server.reads;
            moving.server.events.onWritable();
            trickling.acknowledge(1);
        }
        for (int number = 20; number < 30; number++) {
            Machine late = new Machine(number, new Cable());
            others.addAll(stall(late, 1));
            assertServedWithin(SECOND, late);
        }
        assertThat(others).noneMatch(conversation -> conversation.reset);
        assertThat(moving.reset).isFalse();
        assertThat(trickling.reset).as("a byte a second is no getting on").isTrue();
        long evicted = still.stream().filter(conversation -> conversation.reset).count();
        assertThat(evicted).isPositive();
        assertThat(still.subList(0, (int) evicted))
                .as("the ones that stood still for longest")
                .allMatch(conversation -> conversation.reset && conversation.server.reset);
        assertThat(counters.dropped(Drop.TCP_FLOW_EVICTED)).isEqualTo(evicted + 1);
        assertThat(shares.of(greediest.guest).evictions).isEqualTo(evicted + 1);
        assertThat(shares.of(greediest.guest).buffers.held())
                .as("no more than was due to the others")
                .isGreaterThan(BUDGET / 2);
    }

    @Test
    void beforeTheyHaveStoodStillForAWhileNoneIsEvicted() {
        stall(new Machine(3, new Cable()), 800);
        for (int number = 4; number < 10; number++) {
            stall(new Machine(number, new Cable()), 100);
        }
        loop.advance(Holders.PATIENCE - SECOND);
        assertThat(shard.buffers().inUse()).isGreaterThan(BUDGET - MEGABYTE);
        assertThat(counters.dropped(Drop.TCP_FLOW_EVICTED)).isZero();
        loop.advance(2 * SECOND);
        assertThat(counters.dropped(Drop.TCP_FLOW_EVICTED)).isPositive();
    }

    /** What a guest said before it broke off waits for its server, and counts with what the guest holds. */
    @Test
    void whatWaitsForServersOfAGuestThatIsGoneIsStillTheGuests() {
        Machine greedy = new Machine(3, new Cable());
        List<Conversation> left = stall(greedy, 200);
        left.forEach(Conversation::breakOff);
        loop.settle();
        assertThat(flows.size()).isZero();
        long held = shares.of(greedy.guest).buffers.held();
        assertThat(held).isPositive().isEqualTo(shard.buffers().inUse());
        assertServedWithin(20 * MILLISECOND, new Machine(4, new Cable()));
        for (Conversation conversation : left) {
            conversation.server.reads = true;
            conversation.server.events.onWritable();
        }
        loop.settle();
        assertThat(left).allMatch(conversation -> conversation.server.reset);
        assertThat(shares.of(greedy.guest).buffers.held()).isZero();
    }

    @Test
    void machinesThatAGuestMakesUpGetItNothingOfAnothers() {
        Cable crowded = new Cable();
        for (int number = 3; number < 103; number++) {
            stall(new Machine(number, crowded), 10);
        }
        loop.advance(SECOND);
        long held = shares.of(new Machine(3, crowded).guest).buffers.whole().held();
        assertThat(held).isBetween(BUDGET * 8L / 10, BUDGET * 97L / 100);
        for (int i = 0; i < 20; i++) {
            assertServedWithin(20 * MILLISECOND, new Machine(200, new Cable()));
        }
    }

    /** Opens as many conversations, of which each then holds as much as it may, both ways. */
    private List<Conversation> stall(Machine machine, int count) {
        List<Conversation> opened = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Conversation made = new Conversation(machine);
            opened.add(made);
            made.server.reads = false;
            made.say(PIECE);
            made.say(PIECE);
            made.server.toSay = Long.MAX_VALUE;
            made.server.events.onReadable();
            loop.settle();
        }
        return opened;
    }

    /** A new connection carries a megabyte each way, and its server pauses once, so that what the guest says has to be kept. */
    private void assertServedWithin(long time, Machine machine) {
        long begun = loop.now();
        Conversation served = new Conversation(machine);
        served.server.reads = false;
        served.say(PIECE);
        await(() -> served.acknowledged == served.sequence, served::sayAgain);
        served.server.reads = true;
        served.server.events.onWritable();
        while (served.sent() < MEGABYTE) {
            served.say(PIECE);
        }
        loop.settle();
        assertThat(served.server.written).isEqualTo(served.sent());
        served.server.toSay = MEGABYTE;
        served.server.events.onReadable();
        loop.settle();
        await(() -> served.got() == MEGABYTE && served.server.toSay == 0, served::acknowledgeAll);
        served.acknowledgeAll();
        assertThat(loop.now() - begun).as("ns until all was served").isLessThanOrEqualTo(time);
        served.say(TcpHeader.RST | TcpHeader.ACK, 0);
    }

    /** As long as it is not so and this changes nothing, time passes. */
    private void await(BooleanSupplier condition, Runnable action) {
        for (int tries = 0; !condition.getAsBoolean(); tries++) {
            assertThat(tries).as("tries of %s", conversations.getLast()).isLessThan(1000);
            int before = progress();
            action.run();
            loop.settle();
            if (progress() == before) {
                loop.advance(5 * MILLISECOND);
            }
        }
    }

    private int progress() {
        Conversation last = conversations.getLast();
        return last.next + last.acknowledged;
    }

    /** A link that hands each frame to the conversation it is for. */
    private final class Cable extends NowhereLink {
        @Override
        public boolean offloads() {
            return true;
        }

        @Override
        public boolean send(Frame frame) {
            conversations
                    .get(TcpHeader.destinationPort(frame.head, frame.headAt + TRANSPORT) - 1)
                    .hear(frame);
            return true;
        }
    }

    private static final class Machine {
        final Guest guest;
        final RawFrames raw;

        Machine(int number, Link link) {
            Ipv4Address address = new Ipv4Address(PLAN.gateway().bits() - 1 + number);
            MacAddress mac = new MacAddress(0x0250_0000_0000L + number);
            guest = new Guest(address.bits(), mac.bits(), link);
            raw = new RawFrames(PLAN.mac(), mac, address);
        }
    }

    /** A guest's side of a connection. */
    private final class Conversation {
        private final Machine machine;
        private final int port;
        final Server server;
        private final int firstSequence = 1001;
        int sequence = firstSequence - 1;
        /** Of {@link #sequence}, up to where the gateway has it. */
        int acknowledged;
        /** The next byte that is to come, and up to where the gateway was told that all has come. */
        int next;

        private int told;
        private int firstNext;
        private int lastLength;
        boolean reset;

        Conversation(Machine machine) {
            this.machine = machine;
            conversations.add(this);
            port = conversations.size();
            say(TcpHeader.SYN, 0);
            sequence++;
            server = servers.latest();
            loop.settle();
            assertThat(next).as("the number after that of the SYN-ACK").isNotZero();
            firstNext = next;
            told = next;
            say(0);
        }

        void hear(Frame frame) {
            long at = frame.headAt + TRANSPORT;
            int flags = TcpHeader.flags(frame.head, at);
            if ((flags & TcpHeader.RST) != 0) {
                reset = true;
                return;
            }
            acknowledged = TcpHeader.acknowledgment(frame.head, at);
            int begin = TcpHeader.sequence(frame.head, at);
            if ((flags & TcpHeader.SYN) != 0) {
                next = begin + 1;
                return;
            }
            int end = begin + frame.length() - TRANSPORT - TcpHeader.headerLength(frame.head, at);
            assertThat(begin - next).as("what is missing").isLessThanOrEqualTo(0);
            next = end - next > 0 ? end : next;
        }

        void say(int length) {
            say(TcpHeader.ACK | (length > 0 ? TcpHeader.PSH : 0), length);
        }

        void sayAgain() {
            sequence -= lastLength;
            say(lastLength);
        }

        void say(int flags, int length) {
            byte[] frame = machine.raw.tcp(SERVER, port, 80, sequence, told, flags, new byte[length]);
            sequence += length;
            lastLength = length;
            flows.onSegment(
                    machine.guest, MemorySegment.ofArray(frame), IP, TRANSPORT, frame.length - TRANSPORT, loop.now());
            flows.onBatchEnd();
        }

        /** By a reset behind what the gateway has. */
        void breakOff() {
            sequence = acknowledged;
            say(TcpHeader.RST | TcpHeader.ACK, 0);
        }

        void acknowledgeAll() {
            told = next;
            say(0);
        }

        void acknowledge(int more) {
            told += more;
            say(0);
        }

        @Override
        public String toString() {
            return "the conversation of " + machine.guest.ipAddress() + ", whose machine holds "
                    + shares.of(machine.guest).buffers.held() + " of "
                    + shard.buffers().inUse() + ", and of which "
                    + acknowledged + " of " + sequence + " have gone to the server, and " + got() + " come; "
                    + server.toSay + " are left there, " + counters.dropped(Drop.TCP_FLOW_EVICTED)
                    + " conversations were evicted";
        }

        int sent() {
            return sequence - firstSequence;
        }

        int got() {
            return next - firstNext;
        }
    }

    private final class Servers extends NoHost {
        private @Nullable Server latest;

        Server latest() {
            if (latest == null) {
                throw new AssertionError("nobody has connected");
            }
            return latest;
        }

        @Override
        public StreamSocket connect(IpAddress address, int port, int timeToLive, StreamSocket.Events events) {
            Server made = new Server(events);
            latest = made;
            loop.execute(events::onConnected);
            return made;
        }
    }

    /** A server that says as much as it is to, and takes everything or nothing. */
    private static final class Server implements StreamSocket {
        final StreamSocket.Events events;
        long toSay;
        boolean reads = true;
        int written;
        boolean reset;

        Server(StreamSocket.Events events) {
            this.events = events;
        }

        @Override
        public int read(MemorySegment memory, long at, int length, long wrapAt, int wrapLength) {
            int n = (int) Math.min(toSay, length + wrapLength);
            toSay -= n;
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
            if (!reads) {
                return WOULD_BLOCK;
            }
            written += length + wrapLength;
            return length + wrapLength;
        }

        @Override
        public boolean mayHoldMore() {
            return toSay > 0;
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
        public void reset() {
            reset = true;
        }

        @Override
        public HostError error() {
            return HostError.OTHER;
        }
    }
}
