package dev.sluice.cli.network;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Who is there, and when nobody is any more. */
class AttendanceTest {
    private final AtomicInteger ends = new AtomicInteger();
    private final Attendance guests = new Attendance(ends::incrementAndGet);

    @Test
    void theEndIsThatOfTheLast() {
        guests.came();
        guests.came();
        guests.left();
        assertThat(ends).hasValue(0);
        guests.left();
        assertThat(ends).hasValue(1);
    }
}
