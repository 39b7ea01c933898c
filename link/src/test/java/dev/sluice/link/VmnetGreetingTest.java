package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.link.vmnet.AddressClaims;
import dev.sluice.link.vmnet.VmnetHandshake;
import dev.sluice.link.vmnet.VmnetTable;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Ipv4Address;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.jupiter.api.Test;

class VmnetGreetingTest {
    @Test
    void aGuestThatStopsInTheMiddleIsDroppedInTime() throws Exception {
        VmnetTable table = new VmnetTable(
                Ipv4Address.parse("10.0.0.3"),
                Ipv4Address.parse("10.0.0.9"),
                Set.of(),
                AddressClaims.NONE,
                UUID::randomUUID);
        BlockingQueue<String> failures = new LinkedBlockingQueue<>();
        int[] pair = Sockets.socketpair(Sockets.AF_UNIX, Sockets.STREAM);
        try (EventLoop loop = EventLoop.start("test");
                Peer peer = new Peer(pair[0])) {
            VmnetGreeting.Outcome outcome = new VmnetGreeting.Outcome() {
                @Override
                public void welcomed(VmnetGreeting greeting, int fd, VmnetHandshake handshake) {
                    failures.add("welcomed");
                }

                @Override
                public void failed(VmnetGreeting greeting, String reason) {
                    failures.add(reason);
                }
            };
            peer.write(new byte[30]);
            Peer.on(loop, () -> {
                new VmnetGreeting(loop, pair[1], new VmnetHandshake(table, 1500), 50_000_000, outcome).start();
                return null;
            });
            assertThat(Recorder.next(failures)).isEqualTo("did not complete its handshake within 0.05 seconds");
            assertThat(peer.read()).as("closed").isEmpty();
            assertThat(loop.failures()).isZero();
        }
    }
}
