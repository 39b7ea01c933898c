package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.Drop;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.JsonReader;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The stream of events: who gets which, and that nobody waits for those who don't take theirs. */
@Timeout(180)
class EventsApiTest {
    @TempDir
    private Path directory;

    private ApiFixture api;

    @BeforeEach
    void start() throws ControlException {
        api = new ApiFixture(directory);
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private void lookUp(String name) {
        api.events.publish(
                Event.Kind.DNS, new Events.Lookup(Ipv4Address.parse("192.168.65.3"), name, "A", "noerror", 5));
    }

    private SocketChannel listen(String query) throws Exception {
        SocketChannel channel = Wire.connect(api.socket);
        Wire.send(channel, "GET /v1/events" + query + " HTTP/1.1\r\nHost: x\r\n\r\n");
        assertThat(Wire.readUntil(channel, ": listening\n\n"))
                .startsWith("HTTP/1.1 200 OK")
                .contains("Content-Type: text/event-stream", "Transfer-Encoding: chunked", "Connection: close");
        return channel;
    }

    private void awaitListeners(int count) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (api.events.size() != count) {
            assertThat(System.nanoTime() - deadline)
                    .as("listeners: " + api.events.size())
                    .isNegative();
            Thread.sleep(5);
        }
    }

    @Test
    void eventsComeAsTheyHappenInOrder() throws Exception {
        try (SocketChannel channel = listen("")) {
            lookUp("a.test");
            lookUp("b.test");
            assertThat(Wire.readUntil(channel, "b.test"))
                    .contains("event: dns\ndata: {")
                    .containsSubsequence("id: 1\n", "a.test", "id: 2\n", "b.test");
        }
        awaitListeners(0);
    }

    @Test
    void onlyTheKindsAskedForCome() throws Exception {
        try (SocketChannel channel = listen("?kind=lease&kind=dns")) {
            api.events.publish(Event.Kind.GUEST_JOIN, ApiFixture.FLOW);
            lookUp("a.test");
            assertThat(Wire.readUntil(channel, "a.test")).doesNotContain("guest-join");
            assertThat(api.events.wants(Event.Kind.GUEST_JOIN)).isFalse();
        }
    }

    @Test
    void theClientReadsEventsAsJson() throws Exception {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        Thread reader = Thread.ofVirtual().start(() -> {
            try {
                api.client().follow("/v1/events?kind=flow-close", lines::add);
            } catch (ControlException e) {
                lines.add(String.valueOf(e.getMessage()));
            }
        });
        awaitListeners(1);
        api.events.publish(Event.Kind.FLOW_CLOSE, new Events.FlowEnd(ApiFixture.FLOW, "reset"));
        String data = lines.poll(30, TimeUnit.SECONDS);
        while (data != null && !data.startsWith("data: ")) {
            data = lines.poll(30, TimeUnit.SECONDS);
        }
        Map<?, ?> event = (Map<?, ?>) JsonReader.read(String.valueOf(data).substring(6));
        assertThat(event.get("kind")).isEqualTo("flow-close");
        assertThat(((Map<?, ?>) event.get("data")).get("reason")).isEqualTo("reset");
        reader.interrupt();
        reader.join();
        awaitListeners(0);
    }

    @Test
    void dropsAreSummedUpOnceASecond() throws Exception {
        try (SocketChannel channel = listen("?kind=drops")) {
            String said = "";
            // what is dropped before the first look at the counters is not news
            for (int i = 0; i < 8000 && !said.contains("bad-dns"); i++) {
                for (int n = 0; n < 1000; n++) {
                    api.counters.drop(Drop.BAD_DNS);
                }
                channel.configureBlocking(false);
                java.nio.ByteBuffer buffer = java.nio.ByteBuffer.allocate(4096);
                int n = channel.read(buffer);
                said += n > 0 ? new String(buffer.array(), 0, n, java.nio.charset.StandardCharsets.UTF_8) : "";
                Thread.sleep(5);
            }
            assertThat(said).containsPattern("event: drops\ndata: .*\"drops\": ?\\{\"bad-dns\": ?[1-9][0-9]*");
        }
    }

    /** Whoever publishes is the data path's thread: it must never wait, and the others must get everything. */
    @Test
    void aListenerThatTakesNothingIsCutOffAndDelaysNobody() throws Exception {
        BlockingQueue<String> got = new LinkedBlockingQueue<>();
        Thread reader = Thread.ofVirtual().start(() -> {
            try {
                api.client().follow("/v1/events", line -> {
                    if (line.startsWith("data: ")) {
                        got.add(line);
                    }
                });
            } catch (ControlException e) {
                got.add(String.valueOf(e.getMessage()));
            }
        });
        awaitListeners(1);
        try (SocketChannel deaf = listen("")) {
            int published = 0;
            while (api.events.cuts() == 0) {
                // in portions that the good listener can take
                for (int i = 0; i < 100; i++) {
                    lookUp("name-" + published++ + ".test");
                }
                for (int i = 0; i < 100; i++) {
                    assertThat(got.poll(30, TimeUnit.SECONDS)).contains("name-" + (published - 100 + i) + ".test");
                }
                assertThat(published).isLessThan(1_000_000);
            }
            assertThat(api.events.cuts()).isEqualTo(1);
            assertThat(Wire.readToEnd(deaf))
                    .contains("name-0.test")
                    .contains("event: cut\ndata: {\"reason\": \"slow\"}");
            awaitListeners(1);
            lookUp("after.test");
            assertThat(got.poll(30, TimeUnit.SECONDS)).contains("after.test");
            assertThat(api.client().get("/v1/metrics"))
                    .contains("sluice_api_cut_total{reason=\"events-not-taken\"} 1\n", "sluice_api_listeners 1\n");
        } finally {
            reader.interrupt();
            reader.join();
        }
    }

    @Test
    void manyListenersAllGetEverythingAndOneMoreIsToldThereAreEnough() throws Exception {
        int events = 500;
        List<Thread> readers = new ArrayList<>();
        CountDownLatch done = new CountDownLatch(Events.MAX_SUBSCRIPTIONS);
        List<String> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < Events.MAX_SUBSCRIPTIONS; i++) {
            readers.add(Thread.ofVirtual().start(() -> {
                int[] next = {0};
                try {
                    api.client().follow("/v1/events", line -> {
                        if (line.startsWith("data: ")) {
                            if (!line.contains("\"name-" + next[0] + ".test\"")) {
                                failures.add(next[0] + ": " + line);
                            }
                            if (++next[0] == events) {
                                done.countDown();
                            }
                        }
                    });
                } catch (ControlException e) {
                    failures.add(String.valueOf(e.getMessage()));
                }
            }));
        }
        awaitListeners(Events.MAX_SUBSCRIPTIONS);
        assertThatThrownBy(() -> api.client().follow("/v1/events", _ -> {})).hasMessageContaining("as many as can be");
        for (int i = 0; i < events; i++) {
            lookUp("name-" + i + ".test");
        }
        assertThat(done.await(30, TimeUnit.SECONDS)).as(failures.toString()).isTrue();
        assertThat(failures).isEmpty();
        for (Thread reader : readers) {
            reader.interrupt();
            reader.join();
        }
        awaitListeners(0);
    }

    @Test
    void aHeadRequestStartsNothing() throws Exception {
        assertThat(Wire.exchange(api.socket, "HEAD", "/v1/events", ""))
                .startsWith("HTTP/1.1 200")
                .endsWith("\r\n\r\n");
        assertThat(api.events.size()).isZero();
    }

    @Test
    void closingTheServerEndsEveryStream() throws Exception {
        try (SocketChannel channel = listen("")) {
            api.close();
            Wire.readToEnd(channel);
            awaitListeners(0);
        }
    }
}
