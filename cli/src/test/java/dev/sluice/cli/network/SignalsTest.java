package dev.sluice.cli.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What comes of signals to stop. */
class SignalsTest {
    private static final int TERM = 15;
    private static final int INT = 2;

    private final List<String> done = new ArrayList<>();
    private long now = Long.MAX_VALUE - 1; // the clock may pass that
    private final Signals.Stop stop =
            new Signals.Stop(() -> done.add("end"), number -> done.add("halt " + number), () -> now);

    @Test
    void theFirstAsksForAnEndAndTheSecondIsIt() {
        stop.on(TERM);
        assertThat(done).containsExactly("end");
        now += Signals.Stop.ECHO_NANOS + 1;
        stop.on(INT);
        assertThat(done).containsExactly("end", "halt 2");
    }

    @Test
    void oneThatComesTwiceAtOnceIsOne() {
        stop.on(TERM);
        now += Signals.Stop.ECHO_NANOS;
        stop.on(TERM);
        assertThat(done).containsExactly("end");
    }
}
