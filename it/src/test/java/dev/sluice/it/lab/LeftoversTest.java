package dev.sluice.it.lab;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a failed test leaves behind; that the extension is asked is seen by its being registered. */
class LeftoversTest {
    @Test
    void onlyWhatTheFailedTestStartedIsEnded() {
        Needs.lab();
        try (Lab lab = Lab.open()) {
            Program shared = lab.onHost("sleep", "1000");
            long before = Lab.programsSoFar();
            Program left = lab.onHost("sh", "-c", "echo said; sleep 1000");
            Await.until("it runs", left::toString, () -> left.out().contains("said"));
            Lab.endProgramsSince(before);
            assertThat(left.alive()).isFalse();
            assertThat(shared.alive()).isTrue();
            shared.close();
            lab.awaitNothingLeft();
        }
    }

    @Test
    void theExtensionIsRegistered() {
        assertThat(java.util.ServiceLoader.load(org.junit.jupiter.api.extension.Extension.class))
                .hasAtLeastOneElementOfType(Leftovers.class);
    }
}
