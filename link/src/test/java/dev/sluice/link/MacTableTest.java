package dev.sluice.link;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.MacAddress;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class MacTableTest {
    private static final LocalPort NOBODY = (_, _) -> {};

    @Test
    void itAgreesWithAMapWhateverIsDone() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Switch parent = new Switch(new MacAddress(1), NOBODY);
        SwitchPort[] ports = new SwitchPort[6];
        for (int i = 0; i < ports.length; i++) {
            ports[i] = new SwitchPort(parent, new FakeLink("" + i), 0);
        }
        // Quota out of reach, so that the model need not know of it; capacity within.
        MacTable table = new MacTable(40, 1000);
        Map<Long, SwitchPort> model = new HashMap<>();
        ArrayDeque<Long> ages = new ArrayDeque<>();
        for (int round = 0; round < 50_000; round++) {
            long address = 1 + random.nextInt(80);
            SwitchPort port = ports[random.nextInt(ports.length)];
            if (random.nextInt(200) == 0) {
                table.removeAll(port);
                model.values().removeIf(p -> p == port);
                ages.removeIf(a -> !model.containsKey(a));
            } else {
                SwitchPort before = table.put(address, port);
                assertThat(before).as("seed " + seed).isSameAs(model.get(address));
                if (before == null && model.size() == 40) {
                    model.remove(ages.removeFirst());
                }
                model.put(address, port);
                ages.remove(address);
                ages.addLast(address);
            }
            long probe = 1 + random.nextInt(80);
            assertThat(table.get(probe)).as("seed " + seed).isSameAs(model.get(probe));
            assertThat(table.size()).as("seed " + seed).isEqualTo(model.size());
        }
        for (SwitchPort port : ports) {
            long held = model.values().stream().filter(p -> p == port).count();
            assertThat(port.addresses).as("seed " + seed).isEqualTo((int) held);
        }
    }
}
