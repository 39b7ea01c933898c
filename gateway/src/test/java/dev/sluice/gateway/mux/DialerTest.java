package dev.sluice.gateway.mux;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.NoHost;
import dev.sluice.gateway.flow.SimulatedDatagrams;
import dev.sluice.host.StreamSocket;
import dev.sluice.testkit.VirtualLoop;
import dev.sluice.wire.IpAddress;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** What the other side says of a channel before the connection that it asks for stands, byte by byte. */
class DialerTest {
    private static final String OPEN = "1100 01 08000000 02 01 0400 7f000001 5000";
    private static final String CLOSE = "0700 02 08000000";
    private static final String SHUTDOWN = "0700 03 08000000";
    /** Sent once it stands: the other side may begin. */
    private static final String WINDOW = "0f0005080000000000010000000000";

    private final MemorySegment memory = Arena.ofAuto().allocate(1 << 16);
    private final VirtualLoop loop = new VirtualLoop(1);
    private final StreamPair carrier = new StreamPair(loop, 1 << 20);
    private final StreamPair service = new StreamPair(loop, 1 << 20);
    private final Host host = new Host();

    DialerTest() {
        carrier.left.events = new MuxServer(loop, Generation.PLAIN_AGENT, host, new SimulatedDatagrams())
                .accept(carrier.left, ANY, 0);
    }

    private static final IpAddress ANY = IpAddress.parse("127.0.0.1");

    /** One service, whose connection the test makes. */
    private final class Host extends NoHost {
        StreamSocket.Events events;

        @Override
        public StreamSocket connect(IpAddress address, int port, int timeToLive, StreamSocket.Events events) {
            this.events = events;
            service.left.events = events;
            return service.left;
        }
    }

    private void send(String... frames) {
        byte[] bytes = HexFormat.of().parseHex(String.join("", frames).replace(" ", ""));
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        carrier.right.write(memory, 0, bytes.length, 0, 0);
        loop.advance(1_000_000);
    }

    private String heard() {
        int n = carrier.right.read(memory, 0, 1 << 16, 0, 0);
        return n < 0 ? "" : HexFormat.of().formatHex(memory.asSlice(0, n).toArray(ValueLayout.JAVA_BYTE));
    }

    private void serviceConnected() {
        host.events.onConnected();
        loop.advance(1_000_000);
    }

    @Test
    void anEndBeforeTheServiceIsThereReachesIt() {
        send(OPEN, SHUTDOWN);
        serviceConnected();
        assertThat(heard()).isEqualTo(WINDOW);
        assertThat(service.right.read(memory, 0, 1, 0, 0)).isEqualTo(StreamSocket.END);
        assertThat(service.left.isClosed()).as("it may still answer").isFalse();
    }

    /** A word about a channel that is gone would end the whole of VPNKit's own multiplexer. */
    @Test
    void aCloseBeforeTheServiceIsThereGivesTheServiceUp() {
        send(OPEN, CLOSE);
        String answered = heard();
        serviceConnected();
        assertThat(service.left.isClosed()).isTrue();
        assertThat(answered + heard()).isIn("", CLOSE.replace(" ", ""));
    }
}
