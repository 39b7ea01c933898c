package dev.sluice.it.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** What tests leave behind; that the extension is asked is seen by its being registered. */
class LeftoversTest {
    @Test
    void onlyWhatTheFailedTestStartedIsEnded() {
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

    /** The program itself has ended: what is left is a child, which nobody knows but by its mark. */
    @Test
    void whatATestLeavesIsEndedAndTheTestNamed() {
        try (Lab lab = Lab.open()) {
            Program shared = lab.onHost("sleep", "1000");
            long before = Lab.programsSoFar();
            lab.onHost("sh", "-c", "sleep 1001 >/dev/null 2>&1 &").output();
            assertThatThrownBy(() -> lab.endSince(before, "someTest()", Duration.ZERO))
                    .hasMessageContainingAll("someTest()", "sleep 1001")
                    .hasMessageNotContaining("sleep 1000");
            lab.endSince(before, "theNextTest()", Await.PATIENCE);
            assertThat(shared.alive()).isTrue();
        }
    }

    @Test
    void theExtensionIsRegistered() {
        assertThat(java.util.ServiceLoader.load(org.junit.jupiter.api.extension.Extension.class))
                .hasAtLeastOneElementOfType(Leftovers.class);
    }
}
