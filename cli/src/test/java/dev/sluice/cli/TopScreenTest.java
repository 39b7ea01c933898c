package dev.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.cli.view.Answer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What the live screen and the stream of events show of what the API says. */
class TopScreenTest {
    private static final long SECOND = 1_000_000_000L;

    private static Answer status(long bytes, long dropped) {
        return Answer.of("""
                {"version": "1", "pid": 7, "uptimeSeconds": 60, "tcp": {"open": 1, "bytesToHost": %d}, "dns": {},
                 "drops": {"bad-udp": 2, "no-service": %d}, "memory": {"resident": 60000000}}
                """.formatted(bytes, dropped));
    }

    private static Answer guests(int count) {
        String one = "{\"address\": \"192.168.65.3\", \"hostName\": \"\\u001b[2J\", \"idleSeconds\": 1}";
        return Answer.of("{\"guests\": [" + String.join(",", java.util.Collections.nCopies(count, one)) + "]}");
    }

    private static final Answer FLOWS = Answer.of("""
            {"flows": [{"id": 5, "protocol": "tcp", "direction": "out", "guest": "192.168.65.3", "guestPort": 4000,
              "remote": "192.168.65.2", "remotePort": 80, "host": "127.0.0.1", "hostPort": 80, "peers": 1,
              "bytesPerSecondToHost": 1500, "state": "ESTABLISHED", "names": ["web.test"]}]}
            """);

    @Test
    void ratesAreWhatTwoAnswersDifferIn() {
        TopScreen screen = new TopScreen();
        screen.update(status(1000, 0), guests(1), FLOWS, 10 * SECOND);
        assertThat(screen.lines(100).getFirst()).contains("TCP 0 B/s out");
        screen.update(status(5000, 20), guests(1), FLOWS, 12 * SECOND);
        List<String> lines = screen.lines(100);
        assertThat(lines.getFirst()).contains("process 7", "TCP 2.0 kB/s out");
        assertThat(lines).anyMatch(line -> line.startsWith("drops no-service 20 (10/s), bad-udp 2"));
        assertThat(lines.getLast())
                .contains("192.168.65.3:4000", "→", "192.168.65.2:80 as 127.0.0.1:80", "1.5 kB/s", "web.test");
    }

    @Test
    void itFitsTheWindowAndLeavesRoomForFlows() {
        TopScreen screen = new TopScreen();
        screen.update(status(0, 0), guests(50), FLOWS, SECOND);
        for (int rows = 1; rows < 40; rows++) {
            assertThat(screen.lines(rows)).hasSizeLessThanOrEqualTo(rows);
        }
        assertThat(screen.lines(20))
                .anyMatch(line -> line.contains("web.test"))
                .anyMatch(line -> line.contains("46 more"));
        assertThat(String.join("", screen.lines(20))).doesNotContain("\u001b");
    }

    @Test
    void eventsAreToldInWords() {
        assertThat(EventsCommand.text(Answer.of("""
                        {"id": 1, "timeMillis": 0, "kind": "dns", "data": {"guest": "192.168.65.3", "name": "a\\u001b.test",
                         "type": "A", "answer": "noerror", "micros": 1500}}
                        """)))
                .endsWith("dns            192.168.65.3 asked for a?.test A: noerror in 1.5 ms");
        assertThat(EventsCommand.text(Answer.of("""
                        {"kind": "drops", "data": {"drops": {"bad-dns": 3}}}
                        """))).endsWith("3 bad-dns");
    }
}
