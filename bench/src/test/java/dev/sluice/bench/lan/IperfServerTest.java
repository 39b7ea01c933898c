package dev.sluice.bench.lan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.loop.EventLoop;
import dev.sluice.net.ConflictDetection;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.Ipv4Address;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** iperf3's protocol from the client's side, over a cable in memory. */
@Timeout(120)
class IperfServerTest {
    private static final Ipv4Address SERVER = Ipv4Address.parse("10.0.0.2");
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final int PORT = 5201;

    private static NetConfig host(String cidr) {
        return NetConfig.of(cidr).with(ConflictDetection.none());
    }

    /**
     * A client that receives waits for a whole block of its own before it looks at the control connection again, wherever in the stream
     * that block began; so the stream must end when the test does.
     */
    @Test
    void aClientInTheMiddleOfABlockHearsThatTheTestIsOver() throws Exception {
        try (EventLoop loop = EventLoop.start("iperf")) {
            MemoryLink.Pair cable = MemoryLink.pair(loop, 65520, true);
            try (NetStack net = NetStack.open(loop, cable.right(), host("10.0.0.2/24"));
                    IperfServer _ = new IperfServer(net, PORT);
                    NetStack client = NetStack.open(loop, cable.left(), host("10.0.0.1/24"));
                    TcpConnection control = client.tcp().connect(SERVER, PORT, LONG)) {
                DataInputStream in = new DataInputStream(control.inputStream());
                DataOutputStream out = new DataOutputStream(control.outputStream());
                byte[] cookie = new byte[37];
                out.write(cookie);
                expect(in, 9);
                json(out, "{\"tcp\":true,\"reverse\":true,\"parallel\":1}");
                expect(in, 10);
                try (TcpConnection stream = client.tcp().connect(SERVER, PORT, LONG)) {
                    stream.write(cookie);
                    expect(in, 1, 2);
                    stream.inputStream().readNBytes(100_001);
                    out.writeByte(4);
                    long rest = 0;
                    byte[] block = new byte[128 << 10];
                    for (int n; (n = stream.read(block)) >= 0; ) {
                        rest += n;
                    }
                    assertThat(rest).isPositive();
                    expect(in, 13);
                    json(out, "{}");
                    byte[] results = new byte[in.readInt()];
                    in.readFully(results);
                    assertThat(new String(results, StandardCharsets.UTF_8)).contains("\"streams\":[{\"id\":1,");
                    expect(in, 14);
                    out.writeByte(16);
                }
            }
        }
    }

    private static void expect(DataInputStream in, int... states) throws IOException {
        for (int state : states) {
            assertThat(in.readByte()).isEqualTo((byte) state);
        }
    }

    private static void json(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        out.writeInt(bytes.length);
        out.write(bytes);
    }
}
