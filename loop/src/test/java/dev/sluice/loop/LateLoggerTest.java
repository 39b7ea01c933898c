package dev.sluice.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class LateLoggerTest {
    @Test
    void whatItIsToldIsLoggedUnderItsName() {
        List<String> told = new ArrayList<>();
        Logger sink = Logger.getLogger("dev.sluice.loop.late-test");
        sink.setUseParentHandlers(false);
        sink.addHandler(new Handler() {
            @Override
            public void publish(LogRecord record) {
                told.add(record.getLevel() + " " + record.getLoggerName() + " " + record.getMessage() + " "
                        + (record.getThrown() == null ? "" : record.getThrown().getMessage()));
            }

            @Override
            public void flush() {}

            @Override
            public void close() {}
        });
        System.Logger log = LateLogger.of("dev.sluice.loop.late-test");
        assertThat(log.getName()).isEqualTo("dev.sluice.loop.late-test");
        log.log(System.Logger.Level.WARNING, "one");
        log.log(System.Logger.Level.ERROR, "two", new IllegalStateException("why"));
        log.log(System.Logger.Level.TRACE, "nobody wants it");
        assertThat(told)
                .containsExactly("WARNING dev.sluice.loop.late-test one ", "SEVERE dev.sluice.loop.late-test two why");
        assertThat(log.isLoggable(System.Logger.Level.TRACE)).isFalse();
    }
}
