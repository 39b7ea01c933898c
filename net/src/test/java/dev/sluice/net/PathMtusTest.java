package dev.sluice.net;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PathMtusTest {
    private static final int LINK = 1500;

    private final PathMtus paths = new PathMtus();

    @Test
    void aReportHoldsForItsDestinationOnlyAndForTenMinutes() {
        paths.learn(1, 2, 1300, 5);
        assertThat(paths.of(1, 2, LINK, 6)).isEqualTo(1300);
        assertThat(paths.of(1, 3, LINK, 6)).isEqualTo(LINK);
        assertThat(paths.of(2, 2, LINK, 6)).isEqualTo(LINK);
        assertThat(paths.of(1, 2, LINK, 5 + PathMtus.LIFETIME - 1)).isEqualTo(1300);
        assertThat(paths.of(1, 2, LINK, 5 + PathMtus.LIFETIME)).isEqualTo(LINK);
        assertThat(paths.size()).isZero();
    }

    @Test
    void aLinkThatHasBecomeNarrowerIsNotExceeded() {
        paths.learn(1, 2, 1300, 0);
        assertThat(paths.of(1, 2, 1280, 1)).isEqualTo(1280);
    }

    @Test
    void theOldestReportGoesWhenThereAreTooMany() {
        for (int i = 0; i < PathMtus.MOST; i++) {
            paths.learn(0, i, 1000, i);
        }
        paths.learn(0, 0, 1100, 1000);
        paths.learn(9, 9, 1200, 1001);
        assertThat(paths.size()).isEqualTo(PathMtus.MOST);
        assertThat(paths.of(0, 1, LINK, 1002)).as("the oldest").isEqualTo(LINK);
        assertThat(paths.of(0, 0, LINK, 1002)).as("renewed").isEqualTo(1100);
        assertThat(paths.of(9, 9, LINK, 1002)).isEqualTo(1200);
    }
}
