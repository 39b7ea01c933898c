package dev.sluice.gateway.flow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class FlowTableTest {
    private static final class Flow extends FlowTable.Entry<Flow> {
        Flow(long low, int port) {
            super(0, low, port);
        }
    }

    /** As those of the sessions of one client port: the upper half of the number is the service's. */
    @Test
    void keysThatDifferInOnePartOnlyAreSpread() {
        var table = new FlowTable<Flow>(1000);
        for (int i = 0; i < 1000; i++) {
            table.add(new Flow(1, i << 16 | 5353), 0);
        }
        // Chance alone leaves about 790 of 2048 slots in use.
        assertThat(homes(i -> table.home(0, 1, i << 16 | 5353))).isGreaterThan(700);
        assertThat(homes(i -> table.home(0, 1, i))).isGreaterThan(700);
        assertThat(homes(i -> table.home(0, i, 53))).isGreaterThan(700);
        assertThat(homes(i -> table.home(i, 1, 53))).isGreaterThan(700);
    }

    private static long homes(IntUnaryOperator home) {
        return IntStream.range(0, 1000).map(home).distinct().count();
    }

    @Test
    void aTableBehavesAsAMapInOrderOfUse() {
        for (long seed = 1; seed <= 20; seed++) {
            var random = new Random(seed);
            int limit = 1 + random.nextInt(200);
            var table = new FlowTable<Flow>(limit);
            Map<Long, Flow> model = new LinkedHashMap<>();
            for (int step = 0; step < 5000; step++) {
                long low = random.nextInt(40);
                int port = random.nextInt(12);
                long key = low << 16 | port;
                Flow known = model.get(key);
                String where = "seed " + seed + " step " + step;
                assertThat(table.find(0, low, port)).as(where).isSameAs(known);
                if (known == null && table.isFull()) {
                    Flow idlest = Objects.requireNonNull(table.idlest());
                    assertThat(idlest)
                            .as(where)
                            .isSameAs(model.values().iterator().next());
                    table.remove(idlest);
                    model.remove(idlest.low() << 16 | idlest.port());
                } else if (known == null) {
                    Flow flow = new Flow(low, port);
                    table.add(flow, step);
                    model.put(key, flow);
                } else if (random.nextInt(3) == 0) {
                    table.remove(known);
                    model.remove(key);
                } else {
                    table.use(known, step);
                    model.remove(key);
                    model.put(key, known);
                    assertThat(known.lastUsed()).isEqualTo(step);
                }
                assertThat(table.size()).as(where).isEqualTo(model.size());
            }
            List<Flow> order = new ArrayList<>();
            for (Flow flow = table.idlest(); flow != null; flow = table.newer(flow)) {
                order.add(flow);
            }
            assertThat(order).as("seed %s", seed).containsExactlyElementsOf(model.values());
        }
    }

    @Test
    void aFullTableTakesNoMore() {
        var table = new FlowTable<Flow>(2);
        table.add(new Flow(1, 1), 0);
        table.add(new Flow(1, 2), 0);
        assertThat(table.isFull()).isTrue();
        assertThatThrownBy(() -> table.add(new Flow(1, 3), 0)).hasMessageContaining("2 flows");
    }

    @Test
    void theThreePartsOfAKeyAllCount() {
        var table = new FlowTable<Flow>(10);
        table.add(new Flow(1, 1), 0);
        assertThat(table.find(0, 1, 2)).isNull();
        assertThat(table.find(0, 2, 1)).isNull();
        assertThat(table.find(1, 1, 1)).isNull();
        assertThat(table.find(0, 1, 1)).isNotNull();
    }
}
