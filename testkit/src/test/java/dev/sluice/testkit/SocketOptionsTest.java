package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.MILLI;
import static dev.sluice.testkit.Bystander.SECOND;
import static dev.sluice.testkit.Bystander.as;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a user can ask of a listener and a connection beside moving bytes: connections that speak first, writes that leave together. */
@Timeout(60)
class SocketOptionsTest {
    private static final int TCP = 34;
    private static final int ACK = TcpHeader.ACK;
    private static final int PSH = TcpHeader.PSH;

    private final Bystander bystander = new Bystander();
    private NetStack host;
    private TcpListener listener;

    @BeforeEach
    void open() throws Exception {
        host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        listener = bystander.settle(async(() -> host.tcp().listen(80, 2)));
    }

    // ---- the peer

    private final int[] acknowledged = new int[65536];

    private void segment(int port, int sequence, int flags, String text) {
        bystander.send(as(ADDRESS).tcp(HOST, port, 80, sequence, acknowledged[port], flags, text.getBytes(US_ASCII)));
    }

    private boolean syn(int port) {
        bystander.send(as(ADDRESS).tcp(HOST, port, 80, 100, TcpHeader.SYN, new byte[0]));
        List<Bystander.Seen> answers = bystander.take();
        if (answers.isEmpty()) {
            return false;
        }
        MemorySegment s = MemorySegment.ofArray(answers.getFirst().bytes());
        assertThat(TcpHeader.flags(s, TCP)).isEqualTo(TcpHeader.SYN | ACK);
        acknowledged[port] = TcpHeader.sequence(s, TCP) + 1;
        return true;
    }

    /** A client that has connected and says nothing. */
    private void connect(int port) {
        assertThat(syn(port)).isTrue();
        segment(port, 101, ACK, "");
        assertThat(bystander.take()).isEmpty();
    }

    /** Payload bytes of the segments that were seen, and their flags. */
    private List<String> seen() {
        return bystander.take().stream()
                .map(frame -> MemorySegment.ofArray(frame.bytes()))
                .map(s -> s.byteSize() - TCP - TcpHeader.headerLength(s, TCP) + " "
                        + (((TcpHeader.flags(s, TCP) & PSH) != 0) ? "P" : "")
                        + (((TcpHeader.flags(s, TCP) & TcpHeader.RST) != 0) ? "R" : "")
                        + (((TcpHeader.flags(s, TCP) & TcpHeader.FIN) != 0) ? "F" : ""))
                .toList();
    }

    private TcpConnection accepted(CompletableFuture<TcpConnection> accepting) {
        return bystander.settle(accepting);
    }

    /** Nobody is accepted for now. */
    private void assertNobody() {
        CompletableFuture<TcpConnection> accepting = async(() -> listener.accept(Duration.ZERO));
        assertThatThrownBy(() -> bystander.settle(accepting)).hasCauseInstanceOf(NetException.TimedOut.class);
    }

    // ---- connections that have something to say

    @Test
    void aSilentConnectionIsHandedOutWithItsFirstBytes() {
        listener.deferAccept(Duration.ofSeconds(5));
        connect(1000);
        assertNobody();
        bystander.loop.advance(3 * SECOND);
        assertNobody();
        CompletableFuture<TcpConnection> accepting = async(listener::accept);
        segment(1000, 101, ACK | PSH, "hello");
        TcpConnection connection = accepted(accepting);
        assertThat(connection.remotePort()).isEqualTo(1000);
        assertThat(connection.available()).isEqualTo(5);
    }

    @Test
    void dataWithTheLastSegmentOfTheHandshakeIsEnough() {
        listener.deferAccept(Duration.ofSeconds(5));
        assertThat(syn(1000)).isTrue();
        segment(1000, 101, ACK | PSH, "hello");
        assertThat(accepted(async(listener::accept)).available()).isEqualTo(5);
    }

    @Test
    void theEndOfThePeersSideIsEnough() {
        listener.deferAccept(Duration.ofSeconds(5));
        connect(1000);
        segment(1000, 101, ACK | TcpHeader.FIN, "");
        TcpConnection connection = accepted(async(listener::accept));
        assertThat(bystander.settle(async(() -> connection.read(new byte[1])))).isEqualTo(-1);
    }

    @Test
    void afterItsTimeASilentConnectionIsHandedOutToo() {
        listener.deferAccept(Duration.ofSeconds(5));
        connect(1000);
        bystander.loop.advance(SECOND);
        connect(1001);
        bystander.loop.advance(4 * SECOND - MILLI);
        assertNobody();
        bystander.loop.advance(2 * MILLI);
        assertThat(accepted(async(listener::accept)).remotePort()).isEqualTo(1000);
        assertNobody();
        bystander.loop.advance(SECOND);
        assertThat(accepted(async(listener::accept)).remotePort()).isEqualTo(1001);
    }

    @Test
    void whoIsResetWhileSilentIsNeverSeen() {
        listener.deferAccept(Duration.ofSeconds(5));
        connect(1000);
        segment(1000, 101, TcpHeader.RST, "");
        bystander.loop.advance(10 * SECOND);
        assertNobody();
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
    }

    /** A backlog of two: the third finds room after the oldest of the silent has been handed out. */
    @Test
    void silenceKeepsNobodyOut() {
        listener.deferAccept(Duration.ofHours(1));
        connect(1000);
        connect(1001);
        assertThat(syn(1002)).as("the backlog is full").isFalse();
        assertThat(accepted(async(listener::accept)).remotePort()).isEqualTo(1000);
        assertNobody();
        connect(1002);
        segment(1002, 101, ACK | PSH, "hello");
        assertThat(accepted(async(listener::accept)).remotePort()).isEqualTo(1002);
    }

    @Test
    void closingTheListenerResetsTheSilent() {
        listener.deferAccept(Duration.ofSeconds(5));
        connect(1000);
        listener.close();
        bystander.loop.settle();
        assertThat(seen()).containsExactly("0 R");
    }

    @Test
    void withoutDeferralWhoHasConnectedIsHandedOut() {
        listener.deferAccept(Duration.ofSeconds(5));
        listener.deferAccept(Duration.ZERO);
        connect(1000);
        assertThat(accepted(async(listener::accept)).remotePort()).isEqualTo(1000);
    }

    @Test
    void deferralsHaveBounds() {
        assertThatIllegalArgumentException().isThrownBy(() -> listener.deferAccept(Duration.ofNanos(-1)));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> listener.deferAccept(Duration.ofDays(1).plusNanos(1)));
    }

    // ---- writes that leave together

    private TcpConnection connected() {
        connect(1000);
        return accepted(async(listener::accept));
    }

    private void write(TcpConnection connection, int bytes) {
        bystander.settle(async(() -> {
            connection.write(new byte[bytes]);
            return true;
        }));
        bystander.loop.settle();
    }

    @Test
    void corkedWritesLeaveInFullSegmentsAndTheRestWhenTheCorkIsOff() {
        TcpConnection connection = connected();
        connection.noDelay(true);
        connection.cork(true);
        write(connection, 100);
        write(connection, 1000);
        assertThat(seen()).isEmpty();
        write(connection, 1000);
        assertThat(seen()).containsExactly("1460 ");
        connection.cork(false);
        bystander.loop.settle();
        assertThat(seen()).containsExactly("640 P");
    }

    @Test
    void theRestDoesNotWaitLongerThanATimeout() {
        TcpConnection connection = connected();
        connection.cork(true);
        write(connection, 100);
        bystander.loop.advance(190 * MILLI);
        assertThat(seen()).isEmpty();
        bystander.loop.advance(SECOND);
        assertThat(seen()).first().isEqualTo("100 P");
    }

    @Test
    void theEndTakesTheRestAlong() {
        TcpConnection connection = connected();
        connection.cork(true);
        write(connection, 100);
        connection.shutdownOutput();
        bystander.loop.settle();
        assertThat(seen()).containsExactly("100 PF");
    }
}
