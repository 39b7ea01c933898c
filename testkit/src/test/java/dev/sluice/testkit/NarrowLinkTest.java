package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkHandler;
import dev.sluice.link.WrappedLink;
import dev.sluice.net.NetLimits;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.net.UdpSocket;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.EthernetHeader;
import dev.sluice.wire.Ipv4Header;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A host whose link takes little at a time: whoever sends much takes turns with whoever sends little, and no turn is without end. */
class NarrowLinkTest {
    /** What the link takes between two times that it has room. */
    private static final int ROOM = 64 << 10;

    private static final int BULK = 9000;
    private static final int SMALL = 9001;
    /** A turn for each that waits, the bulk's segment that was too long for its own, and the one in which it is asked. */
    private static final int FEW = 4;

    private static final class Narrow extends WrappedLink {
        private int room = Integer.MAX_VALUE;
        private boolean started;
        /** Bytes of frames sent, by their destination port. */
        private final int[] sent = new int[0x10000];

        Narrow(Link link) {
            super(link);
        }

        @Override
        public boolean congested() {
            return room <= 0 || super.congested();
        }

        @Override
        public boolean send(Frame frame) {
            room -= frame.length();
            if (EthernetHeader.type(frame.head, frame.headAt) == EthernetHeader.TYPE_IPV4) {
                int ports = EthernetHeader.LENGTH + Ipv4Header.headerLength(frame.head, frame.headAt + 14);
                sent[Bytes.u16(frame.head, frame.headAt + ports + 2)] += frame.length();
            }
            return super.send(frame);
        }

        @Override
        public void start(LinkHandler handler) {
            super.start(handler);
            started = true;
        }

        void grant() {
            room = ROOM;
            if (started) {
                onRoom(this);
            }
        }
    }

    private final VirtualLoop loop = new VirtualLoop(1_000_000_000L);
    private final MemoryLink.Pair cable = MemoryLink.pair(loop, 1500, true);
    private final Narrow narrow = new Narrow(cable.left());
    private final List<AutoCloseable> open = new ArrayList<>();
    /** Of those who send and read all the time. */
    private final List<Thread> threads = new ArrayList<>();

    private NetStack alice;
    private TcpConnection bulk;
    private TcpConnection small;

    /** Runs turns until {@code future} is done; the link has room in each. */
    private <T> T settle(CompletableFuture<T> future) {
        while (!future.isDone()) {
            narrow.grant();
            loop.turn();
            Thread.yield();
        }
        return future.join();
    }

    private interface Task {
        void run() throws Exception;
    }

    private void start(Task task) {
        threads.add(Thread.startVirtualThread(() -> {
            try {
                task.run();
            } catch (Exception e) {
                // the test is over
            }
        }));
    }

    /**
     * Runs turns until all threads wait for what no turn brings: the senders for room, which would take as long as the test, and the
     * readers, who have read all, for more of it. So nothing but the link holds anybody up, however late the threads come.
     */
    private void untilAllWait() {
        // Who waits for the loop is woken by a turn, so who waits after several waits for room.
        for (int waiting = 0; waiting < 5; ) {
            loop.turn();
            Thread.yield();
            assertThat(threads).extracting(Thread::getState).doesNotContain(Thread.State.TERMINATED);
            waiting = threads.stream().allMatch(each -> each.getState() == Thread.State.WAITING) ? waiting + 1 : 0;
        }
    }

    private TcpConnection connect(NetStack bob, int port) throws Exception {
        TcpListener listener = settle(async(() -> bob.tcp().listen(port, 1)));
        CompletableFuture<TcpConnection> accepting = async(() -> listener.accept(TwoHosts.LONG));
        TcpConnection connection = settle(async(() -> alice.tcp().connect(TwoHosts.BOB, port, TwoHosts.LONG)));
        TcpConnection accepted = settle(accepting);
        start(() -> accepted.inputStream().transferTo(java.io.OutputStream.nullOutputStream()));
        return connection;
    }

    /** A connection with much to send, whose congestion window is far wider than the link. */
    @BeforeEach
    void open() throws Exception {
        NetLimits limits = NetLimits.defaults();
        alice = settle(
                async(() -> NetStack.open(loop, narrow, TwoHosts.config("10.0.0.1/24", "02:00:00:00:00:01", limits))));
        NetStack bob = settle(async(
                () -> NetStack.open(loop, cable.right(), TwoHosts.config("10.0.0.2/24", "02:00:00:00:00:02", limits))));
        open.addAll(List.of(alice, bob));
        bulk = connect(bob, BULK);
        settle(async(() -> {
            bulk.write(new byte[16 << 20]);
            return true;
        }));
        small = connect(bob, SMALL);
        small.noDelay(true); // no time passes here, so nothing is acknowledged late
        narrow.room = 0;
        // More than it will ever get rid of: its rings are full then, and it waits for room.
        start(() -> bulk.write(new byte[64 << 20]));
        untilAllWait();
        narrow.sent[BULK] = 0;
        narrow.sent[SMALL] = 0;
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable host : open) {
            host.close();
        }
    }

    /** How many times the link must have room until something leaves for the port. */
    private int roomsUntil(int port) {
        int rooms = 0;
        while (narrow.sent[port] == 0) {
            assertThat(++rooms)
                    .as("rooms while %d bytes of the other left", narrow.sent[BULK])
                    .isLessThan(100);
            narrow.grant();
            loop.turn();
        }
        return rooms;
    }

    @Test
    void aConnectionWithLittleToSayTakesTurnsWithABusyOne() throws Exception {
        for (int i = 0; i < 10; i++) {
            untilAllWait();
            narrow.sent[SMALL] = 0;
            narrow.sent[BULK] = 0;
            CompletableFuture<Boolean> said = async(() -> {
                small.write(new byte[10]);
                return true;
            });
            while (!said.isDone()) {
                loop.turn(); // without room
                Thread.yield();
            }
            loop.turn();
            assertThat(roomsUntil(SMALL)).isLessThanOrEqualTo(FEW);
            assertThat(narrow.sent[BULK]).as("the busy one is busy").isPositive();
        }
    }

    @Test
    void aDatagramTakesTurnsWithABusyConnection() throws Exception {
        UdpSocket socket = settle(async(() -> alice.udp().bind(1000)));
        narrow.room = 0;
        for (int i = 0; i < 10; i++) {
            untilAllWait();
            narrow.sent[SMALL] = 0;
            CompletableFuture<Boolean> said = async(() -> {
                socket.send(TwoHosts.BOB, SMALL, new byte[10]);
                return true;
            });
            while (!said.isDone()) {
                loop.turn();
                Thread.yield();
            }
            loop.turn();
            assertThat(roomsUntil(SMALL)).isLessThanOrEqualTo(FEW);
        }
    }

    @Test
    void aConnectionTakesTurnsWithASocketThatSendsManyDatagrams() throws Exception {
        UdpSocket socket = settle(async(() -> alice.udp().bind(1000)));
        narrow.room = 0;
        start(() -> {
            for (int i = 0; i < 10_000; i++) {
                socket.send(TwoHosts.BOB, 9, new byte[10_000]);
            }
        });
        untilAllWait();
        narrow.sent[BULK] = 0;
        assertThat(roomsUntil(BULK)).isLessThanOrEqualTo(FEW);
    }

    /** However much there is to send and however wide the link: a turn ends, and timers are on time. */
    @Test
    void noTurnSendsMoreThanItsShare() {
        int most = 0;
        for (int i = 0; i < 50; i++) {
            narrow.sent[BULK] = 0;
            narrow.room = Integer.MAX_VALUE;
            narrow.onRoom(narrow);
            loop.turn();
            Thread.yield();
            most = Math.max(most, narrow.sent[BULK]);
        }
        assertThat(most).isBetween(ROOM, 5 << 20);
    }
}
