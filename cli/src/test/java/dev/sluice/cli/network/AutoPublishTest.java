package dev.sluice.cli.network;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.FreePorts;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What becomes of services when the namespace's tables cannot be read for a while. */
@Timeout(180)
class AutoPublishTest {
    private static final ForwardSpec.Target GUEST = new ForwardSpec.Address(Ipv4Address.parse("192.168.65.3"));
    private static final String NOTHING = "  sl  local_address rem_address   st\n";

    @Test
    void failuresThatPassAreBorne() throws Exception {
        int port = FreePorts.next();
        String listens = NOTHING + "   0: 0100007F:%04X 00000000:0000 0A 0\n".formatted(port);
        AtomicInteger failures = new AtomicInteger(AutoPublish.PATIENCE - 1);
        try (Gateway gateway = gateway()) {
            Thread thread = AutoPublish.start(
                    file -> {
                        if (failures.getAndDecrement() > 0) {
                            throw new IOException("not now");
                        }
                        return file.equals("tcp") ? listens : NOTHING;
                    },
                    gateway.ports(),
                    GUEST,
                    1);
            while (gateway.ports().list().isEmpty()) {
                assertThat(thread.isAlive()).as("it still looks").isTrue();
                Thread.onSpinWait();
            }
            assertThat(gateway.ports().list()).allMatch(forward -> forward.automatic() && forward.port() == port);
            thread.interrupt();
            assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
        }
    }

    @Test
    void aNamespaceThatCannotBeReadAnyMoreIsGivenUp() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        try (Gateway gateway = gateway()) {
            Thread thread = AutoPublish.start(
                    _ -> {
                        looks.incrementAndGet();
                        throw new IOException("gone");
                    },
                    gateway.ports(),
                    GUEST,
                    1);
            assertThat(thread.join(Duration.ofSeconds(60))).isTrue();
            assertThat(looks).hasValue(AutoPublish.PATIENCE);
        }
    }

    private static Gateway gateway() throws IOException {
        return Gateway.builder()
                .plan(AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true))
                .start();
    }
}
