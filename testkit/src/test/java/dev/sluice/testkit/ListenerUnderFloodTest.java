package dev.sluice.testkit;

import static dev.sluice.testkit.Async.async;
import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.SECOND;
import static dev.sluice.testkit.Bystander.as;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.TcpHeader;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A listener and SYNs that nobody means, in virtual time. */
@Timeout(60)
class ListenerUnderFloodTest {
    private static final int TCP = 34;

    private final Bystander bystander = new Bystander();

    private NetStack open() throws Exception {
        NetStack host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        return host;
    }

    /** RFC 9293 §3.10.7.2. */
    @Test
    void whatHasNeitherSynNorAckGetsNoAnswerAndAckGetsReset() throws Exception {
        NetStack host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.settle(async(() -> host.tcp().listen(80, 8)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.FIN, new byte[0]));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1, 0, new byte[5]));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.RST, new byte[0]));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.RST | TcpHeader.ACK, new byte[0]));
        assertThat(bystander.take()).isEmpty();
        assertThat(flagsOfAnswer(TcpHeader.FIN | TcpHeader.ACK)).isEqualTo(TcpHeader.RST);
        assertThat(flagsOfAnswer(TcpHeader.SYN | TcpHeader.ACK)).isEqualTo(TcpHeader.RST);
        assertThat(flagsOfAnswer(TcpHeader.SYN | TcpHeader.FIN)).isEqualTo(TcpHeader.SYN | TcpHeader.ACK);
        assertThat(host.counters().segmentsRefused).isEqualTo(6);
    }

    private int flagsOfAnswer(int flags) throws Exception {
        bystander.send(as(ADDRESS).tcp(HOST, 1001, 80, 1, flags, new byte[0]));
        List<Bystander.Seen> answers = bystander.take();
        assertThat(answers).hasSize(1);
        return TcpHeader.flags(MemorySegment.ofArray(answers.getFirst().bytes()), TCP);
    }

    private void flood(int firstPort) {
        for (int i = 0; i < 1000; i++) {
            bystander.send(as(ADDRESS).tcp(HOST, 1 + firstPort + i, 80, i, TcpHeader.SYN, new byte[0]));
        }
    }

    private static int sequence(byte[] frame) {
        return TcpHeader.sequence(MemorySegment.ofArray(frame), TCP);
    }

    private byte[] synAck(int port, int isn) {
        bystander.send(as(ADDRESS).tcp(HOST, port, 80, isn, TcpHeader.SYN, new byte[0]));
        List<Bystander.Seen> answers = bystander.take();
        assertThat(answers).hasSize(1);
        return answers.getFirst().bytes();
    }

    @Test
    void handshakesBeyondTheBacklogAreAnsweredByCookiesAndCostNoMemory() throws Exception {
        NetStack host = open();
        TcpListener listener = bystander.settle(async(() -> host.tcp().listen(80, 8)));
        flood(0);
        // In its first second it may be a crowd of honest clients, who try again.
        assertThat(bystander.take()).hasSize(8);
        assertThat(host.counters().backlogDrops).isEqualTo(992);
        bystander.loop.advance(SECOND);
        bystander.take();
        flood(2000);
        assertThat(bystander.take()).hasSize(1000); // a SYN-ACK each
        assertThat(host.counters().cookiesSent).isEqualTo(1000);
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isEqualTo(8);
        // An honest client among them gets through, with data right away.
        byte[] synAck = synAck(5000, 77);
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isEqualTo(8);
        CompletableFuture<TcpConnection> accepted = async(listener::accept);
        bystander.send(as(ADDRESS)
                .tcp(
                        HOST,
                        5000,
                        80,
                        78,
                        sequence(synAck) + 1,
                        TcpHeader.ACK | TcpHeader.PSH,
                        "hello".getBytes(US_ASCII)));
        TcpConnection connection = bystander.settle(accepted);
        assertThat(connection.remotePort()).isEqualTo(5000);
        assertThat(bystander.settle(async(() -> connection.inputStream().readNBytes(5))))
                .asString(US_ASCII)
                .isEqualTo("hello");
        assertThat(host.counters().cookiesAccepted).isEqualTo(1);
    }

    @Test
    void aFloodIsAnsweredOncePerSynAndNoMore() throws Exception {
        NetStack host = open();
        bystander.settle(async(() -> host.tcp().listen(80, 8)));
        flood(0);
        bystander.loop.advance(SECOND);
        flood(2000);
        bystander.take();
        bystander.loop.advance(200 * SECOND);
        // Only the eight remembered ones are repeated, and they are forgotten in the end.
        assertThat(bystander.take()).hasSizeLessThan(8 * 10);
        assertThat(bystander.settle(async(() -> host.tcp().connections()))).isZero();
    }

    @Test
    void forgedAndOldCookiesAreRefused() throws Exception {
        NetStack host = open();
        bystander.run(async(() -> host.tcp().listen(80, 1)));
        bystander.send(as(ADDRESS).tcp(HOST, 1000, 80, 1, TcpHeader.SYN, new byte[0]));
        bystander.loop.advance(SECOND);
        bystander.take();
        int cookie = sequence(synAck(5000, 77));
        for (int wrong : new int[] {cookie - 100, cookie + 100, cookie + (1 << 24), ~cookie, 0}) {
            bystander.send(as(ADDRESS).tcp(HOST, 5000, 80, 78, wrong, TcpHeader.ACK, new byte[0]));
        }
        bystander.send(as(ADDRESS).tcp(HOST, 5001, 80, 78, cookie + 1, TcpHeader.ACK, new byte[0]));
        bystander.send(as(ADDRESS).tcp(HOST, 5000, 80, 178, cookie + 1, TcpHeader.ACK, new byte[0]));
        assertThat(bystander.take())
                .hasSize(7)
                .allSatisfy(f -> assertThat(TcpHeader.flags(MemorySegment.ofArray(f.bytes()), TCP))
                        .isEqualTo(TcpHeader.RST));
        bystander.loop.advance(200 * SECOND);
        bystander.take();
        bystander.send(as(ADDRESS).tcp(HOST, 5000, 80, 78, cookie + 1, TcpHeader.ACK, new byte[0]));
        assertThat(host.counters().cookiesAccepted).isZero();
    }

    @Test
    void withAllPlacesTakenByWaitingConnectionsASynGetsNoAnswer() throws Exception {
        NetStack host = open();
        bystander.run(async(() -> host.tcp().listen(80, 2)));
        for (int port = 1000; port < 1002; port++) {
            int number = sequence(synAck(port, 7));
            bystander.send(as(ADDRESS).tcp(HOST, port, 80, 8, number + 1, TcpHeader.ACK, new byte[0]));
        }
        bystander.send(as(ADDRESS).tcp(HOST, 1002, 80, 7, TcpHeader.SYN, new byte[0]));
        assertThat(bystander.take()).isEmpty();
        assertThat(host.counters().backlogDrops).isEqualTo(1);
    }
}
