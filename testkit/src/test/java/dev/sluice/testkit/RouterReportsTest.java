package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.as;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What ICMP says about TCP's segments, and what comes of it (RFC 5927, RFC 1191, RFC 9293 §3.9.2.2), in virtual time. */
@Timeout(60)
class RouterReportsTest {
    private static final int TCP = 34;
    private static final int UNREACHABLE = IcmpHeader.DESTINATION_UNREACHABLE;
    private static final int NARROW = IcmpHeader.FRAGMENTATION_NEEDED;

    private final Bystander bystander = new Bystander();
    private NetStack host;
    private CompletableFuture<TcpConnection> connecting;
    private TcpConnection connection;
    /** The host's segments so far end here. */
    private int next;

    private static MemorySegment segment(byte[] frame) {
        return MemorySegment.ofArray(frame);
    }

    private byte[] syn(Duration patience) throws Exception {
        if (host == null) {
            host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        }
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        connecting = async(() -> host.tcp().connect(ADDRESS, 80, patience));
        while (bystander.seen.isEmpty()) {
            bystander.loop.settle();
            Thread.yield();
        }
        return bystander.take().getFirst().bytes();
    }

    private void establish() throws Exception {
        byte[] syn = syn(Duration.ofSeconds(60));
        next = TcpHeader.sequence(segment(syn), TCP) + 1;
        bystander.send(as(ADDRESS).tcp(HOST, 80, port(syn), 999, next, TcpHeader.SYN | TcpHeader.ACK, new byte[0]));
        connection = bystander.settle(connecting);
        bystander.take();
    }

    private static int port(byte[] frame) {
        return TcpHeader.sourcePort(segment(frame), TCP);
    }

    private List<byte[]> sent() {
        return bystander.take().stream().map(Bystander.Seen::bytes).toList();
    }

    private List<byte[]> write(int count) {
        bystander.settle(async(() -> {
            connection.write(new byte[count]);
            return true;
        }));
        bystander.loop.settle();
        return sent();
    }

    private static int payload(byte[] frame) {
        MemorySegment s = segment(frame);
        return Ipv4Header.totalLength(s, 14) - 20 - TcpHeader.headerLength(s, TCP);
    }

    @ParameterizedTest
    @ValueSource(ints = {IcmpHeader.PORT_UNREACHABLE, IcmpHeader.PROTOCOL_UNREACHABLE, 9, 10, 13})
    void aRefusalEndsAHandshake(int code) throws Exception {
        byte[] syn = syn(Duration.ofSeconds(60));
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, code, 0, syn));
        assertThatThrownBy(() -> bystander.run(connecting))
                .isInstanceOf(NetException.Unreachable.class)
                .extracting(e -> ((NetException.Unreachable) e).code())
                .isEqualTo(code);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 6, 7, 8, 11, 12, -1})
    void aRouterWithoutAWayIsNoReasonToGiveUpButTheOneToTell(int code) throws Exception {
        byte[] syn = syn(Duration.ofSeconds(60));
        int type = code < 0 ? IcmpHeader.TIME_EXCEEDED : UNREACHABLE;
        bystander.send(as(ADDRESS).icmpError(HOST, type, Math.max(0, code), 0, syn));
        assertThat(connecting).isNotDone();
        bystander.loop.advance(1_100_000_000L);
        assertThat(sent()).hasSize(1); // it goes on trying
        byte[] synAck = as(ADDRESS)
                .tcp(
                        HOST,
                        80,
                        port(syn),
                        5,
                        TcpHeader.sequence(segment(syn), TCP) + 1,
                        TcpHeader.SYN | TcpHeader.ACK,
                        new byte[0]);
        bystander.send(synAck);
        assertThat(bystander.settle(connecting).softError()).isNotNull();
    }

    /** The clock of users is the real one: who had no patience until the router's word came is asked again, for longer. */
    @Test
    void anUnansweredHandshakeFailsWithWhatTheRouterSaid() throws Exception {
        Throwable failure = null;
        for (long millis = 200; millis < 20_000; millis *= 2) {
            byte[] syn = syn(Duration.ofMillis(millis));
            bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, 1, 0, syn));
            failure = catchThrowable(() -> bystander.settle(connecting));
            if (!(failure.getCause() instanceof NetException.TimedOut)) {
                break;
            }
        }
        assertThat(failure).hasCauseInstanceOf(NetException.Unreachable.class).hasMessageContaining("router");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3, 5, 9, 13})
    void nothingEndsAnEstablishedConnectionButTcpItself(int code) throws Exception {
        establish();
        byte[] data = write(100).getFirst();
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, code, 0, data));
        bystander.send(as(ADDRESS).icmpError(HOST, 4, 0, 0, data)); // source quench
        assertThat(connection.isOpen()).isTrue();
        assertThat(connection.softError()).contains("unreachable");
    }

    @Test
    void aNarrowPathMakesSegmentsSmallerAtOnceWithoutSlowingDown() throws Exception {
        establish();
        List<byte[]> first = write(4000);
        assertThat(payload(first.getFirst())).isGreaterThan(1400);
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, NARROW, 900, first.getFirst()));
        List<byte[]> again = sent();
        assertThat(again).isNotEmpty();
        assertThat(again)
                .allSatisfy(
                        f -> assertThat(Ipv4Header.totalLength(segment(f), 14)).isLessThanOrEqualTo(900));
        assertThat(TcpHeader.sequence(segment(again.getFirst()), TCP)).isEqualTo(next);
        // A later report of a wider path changes nothing.
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, NARROW, 1400, again.getFirst()));
        assertThat(sent()).isEmpty();
    }

    private int narrowedTo(int mtu) {
        byte[] data = write(4000).getFirst();
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, NARROW, mtu, data));
        return payload(sent().getFirst());
    }

    private int firstPayload() throws Exception {
        bystander.take();
        connecting = async(() -> host.tcp().connect(ADDRESS, 80, Duration.ofSeconds(60)));
        while (bystander.seen.isEmpty()) {
            bystander.loop.settle();
            Thread.yield();
        }
        byte[] syn = bystander.take().getFirst().bytes();
        next = TcpHeader.sequence(segment(syn), TCP) + 1;
        bystander.send(as(ADDRESS).tcp(HOST, 80, port(syn), 999, next, TcpHeader.SYN | TcpHeader.ACK, new byte[0]));
        connection = bystander.settle(connecting);
        bystander.take();
        return payload(write(4000).getFirst());
    }

    @Test
    void theNextConnectionKnowsANarrowPathAndTriesAnewAfterTenMinutes() throws Exception {
        establish();
        int narrow = narrowedTo(900);
        assertThat(narrow).isLessThanOrEqualTo(860);
        connection.abort();
        bystander.loop.settle();
        assertThat(firstPayload()).isEqualTo(narrow);
        connection.abort();
        bystander.loop.settle();
        bystander.loop.advance(601_000_000_000L);
        // The neighbour is asked for again after such a time.
        bystander.send(as(ADDRESS).arpRequest(HOST));
        assertThat(firstPayload()).isGreaterThan(1400);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 68, 575, 1500, 65535})
    void mtusThatCantBeAreNotBelieved(int mtu) throws Exception {
        establish();
        byte[] data = write(1400).getFirst();
        bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, NARROW, mtu, data));
        assertThat(sent()).isEmpty();
        assertThat(host.counters().errorsIgnored).isEqualTo(1);
    }

    @Test
    void reportsAboutWhatIsNotInFlightAreNotBelieved() throws Exception {
        establish();
        byte[] data = write(1400).getFirst();
        for (int sequence : new int[] {next - 1, next + 1400, next + 100_000, next ^ Integer.MIN_VALUE}) {
            byte[] forged = data.clone();
            dev.sluice.wire.Bytes.put32(segment(forged), TCP + 4, sequence);
            bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, NARROW, 600, forged));
            bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, 3, 0, forged));
        }
        assertThat(sent()).isEmpty();
        assertThat(host.counters().errorsIgnored).isEqualTo(8);
        assertThat(connection.softError()).isNull();
    }

    /** A quote cut at every byte is either understood or dropped. */
    @Test
    void cutQuotesDoNoHarm() throws Exception {
        establish();
        byte[] data = write(1400).getFirst();
        for (int length = 14; length < 80; length++) {
            bystander.send(as(ADDRESS).icmpError(HOST, UNREACHABLE, 1, 0, Arrays.copyOf(data, length)));
        }
        assertThat(connection.isOpen()).isTrue();
    }
}
