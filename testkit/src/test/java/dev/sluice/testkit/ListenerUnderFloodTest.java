package dev.sluice.testkit;

import static dev.sluice.testkit.Bystander.ADDRESS;
import static dev.sluice.testkit.Bystander.HOST;
import static dev.sluice.testkit.Bystander.SECOND;
import static dev.sluice.testkit.Bystander.as;
import static dev.sluice.testkit.TwoHosts.async;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpListener;
import dev.sluice.wire.Bytes;
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

    @Test
    void handshakesBeyondTheBacklogAreIgnoredAndStuckOnesMakeRoom() throws Exception {
        NetStack host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        TcpListener listener = bystander.run(async(() -> host.tcp().listen(80, 8)));
        bystander.send(as(ADDRESS).arpRequest(HOST));
        bystander.take();
        for (int i = 0; i < 1000; i++) {
            bystander.send(as(ADDRESS).tcp(HOST, 1000 + i, 80, i, TcpHeader.SYN, new byte[0]));
        }
        assertThat(bystander.take()).hasSize(8); // SYN-ACKs
        assertThat(host.counters().backlogDrops).isEqualTo(992);
        // Three seconds later the oldest of them makes room for an honest one.
        bystander.loop.advance(3 * SECOND);
        bystander.take();
        bystander.send(as(ADDRESS).tcp(HOST, 5000, 80, 77, TcpHeader.SYN, new byte[0]));
        assertThat(host.counters().handshakesGivenUp).isEqualTo(1);
        List<Bystander.Seen> answers = bystander.take();
        assertThat(answers).hasSize(1);
        MemorySegment synAck = MemorySegment.ofArray(answers.getFirst().bytes());
        assertThat(TcpHeader.destinationPort(synAck, TCP)).isEqualTo(5000);
        byte[] ack = as(ADDRESS).tcp(HOST, 5000, 80, 78, TcpHeader.ACK, new byte[0]);
        acknowledge(ack, TcpHeader.sequence(synAck, TCP) + 1);
        CompletableFuture<TcpConnection> accepted = async(listener::accept);
        bystander.send(ack);
        assertThat(bystander.settle(accepted).remotePort()).isEqualTo(5000);
    }

    /** RFC 9293 §3.10.7.2. */
    @Test
    void whatHasNeitherSynNorAckGetsNoAnswerAndAckGetsReset() throws Exception {
        NetStack host = bystander.open(NetConfig.of("10.0.0.1/24").with(ConflictDetection.none()));
        bystander.run(async(() -> host.tcp().listen(80, 8)));
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

    /** Sets the acknowledgment number and makes the checksum right again (RFC 1624). */
    private static void acknowledge(byte[] frame, int number) {
        MemorySegment s = MemorySegment.ofArray(frame);
        Bytes.put32(s, TCP + 8, number);
        long sum = (~Bytes.u16(s, TCP + TcpHeader.CHECKSUM) & 0xffffL) + (number >>> 16) + (number & 0xffff);
        sum = (sum & 0xffff) + (sum >>> 16);
        sum = (sum & 0xffff) + (sum >>> 16);
        Bytes.put16(s, TCP + TcpHeader.CHECKSUM, (int) ~sum);
    }
}
