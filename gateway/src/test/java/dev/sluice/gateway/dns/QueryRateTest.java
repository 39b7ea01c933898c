package dev.sluice.gateway.dns;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import org.junit.jupiter.api.Test;

class QueryRateTest {
    private static final IpAddress ONE = Ipv4Address.parse("192.168.65.3");
    private static final IpAddress OTHER = Ipv4Address.parse("192.168.65.4");
    private static final long SECOND = 1_000_000_000L;

    private static int taken(QueryRate rate, IpAddress guest, int tries, long now) {
        int taken = 0;
        for (int i = 0; i < tries; i++) {
            taken += rate.take(guest, now) ? 1 : 0;
        }
        return taken;
    }

    @Test
    void aGuestGetsItsBurst_thenItsRate_andANeighbourIsUntouched() {
        for (long start : new long[] {0, -5, Long.MAX_VALUE - SECOND / 2}) {
            QueryRate rate = new QueryRate(100, 200, start);
            assertThat(taken(rate, ONE, 1000, start)).isEqualTo(200);
            assertThat(taken(rate, OTHER, 1000, start)).isEqualTo(200);
            assertThat(taken(rate, ONE, 1000, start + SECOND)).isEqualTo(100);
            assertThat(taken(rate, ONE, 1000, start + 60 * SECOND)).isEqualTo(200);
            assertThat(rate.take(ONE, start + 60 * SECOND)).isFalse();
        }
    }

    @Test
    void manyAddressesTakeNoMemory() {
        QueryRate rate = new QueryRate(100, 200, 0);
        for (int i = 0; i < 100_000; i++) {
            rate.take(new Ipv4Address(i), 0);
        }
        assertThat(taken(rate, ONE, 1000, 100 * SECOND)).isEqualTo(200);
    }
}
