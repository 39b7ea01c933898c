package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.wire.JsonReader;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each resource of the API says and does, and how it answers mistakes. */
class ResourcesTest {
    @TempDir
    private Path directory;

    private ApiFixture api;
    private ControlClient client;

    @BeforeEach
    void start() throws ControlException {
        api = new ApiFixture(directory);
        client = api.client();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private Map<?, ?> get(String path) throws ControlException {
        return (Map<?, ?>) JsonReader.read(client.get(path));
    }

    private static List<?> ids(Map<?, ?> flows) {
        return ((List<?>) flows.get("flows"))
                .stream().map(flow -> ((Map<?, ?>) flow).get("id")).toList();
    }

    @Test
    void guestsAndLeasesAreListedAndAGuestIsFoundByItsAddress() throws Exception {
        Map<String, Object> guest = Map.of(
                "address",
                "192.168.65.3",
                "mac",
                "02:50:00:00:00:01",
                "link",
                "tap0",
                "hostName",
                "täst\u001b[31m",
                "leased",
                true,
                "idleSeconds",
                0L);
        assertThat(get("/v1/guests")).isEqualTo(Map.of("guests", List.of(guest)));
        assertThat(get("/v1/guests/192.168.65.3")).isEqualTo(guest);
        assertThat(client.get("/v1/leases")).contains("\"expiresInSeconds\": 3600");
    }

    @Test
    void flowsAreListedSortedFilteredAndCounted() throws Exception {
        assertThat(ids(get("/v1/flows"))).isEqualTo(List.of(17L, 18L));
        assertThat(ids(get("/v1/flows?sort=rate"))).isEqualTo(List.of(17L, 18L));
        assertThat(ids(get("/v1/flows?sort=bytes"))).isEqualTo(List.of(18L, 17L));
        assertThat(ids(get("/v1/flows?protocol=ping&guest=192.168.65.3"))).isEqualTo(List.of(18L));
        assertThat(ids(get("/v1/flows?guest=fd00::1"))).isEqualTo(List.of());
        Map<?, ?> first = get("/v1/flows?limit=1");
        assertThat(ids(first)).isEqualTo(List.of(17L));
        assertThat(first.get("total")).isEqualTo(2L);
        assertThat(get("/v1/flows/17").get("names")).isEqualTo(List.of("web.test"));
    }

    @Test
    void aFlowIsCut() throws Exception {
        assertThat(client.ask("DELETE", "/v1/flows/17", "")).contains("\"state\": \"ESTABLISHED\"");
        assertThat(api.asked).containsExactly("cut 17");
    }

    @Test
    void recordsAreAddedListedAndRemoved() throws Exception {
        client.ask(
                "POST",
                "/v1/dns/records",
                "{\"records\": [{\"name\": \"a.test\", \"type\": \"A\", \"value\": \"192.0.2.1\"},"
                        + " {\"name\": \"a.test\", \"type\": \"TXT\", \"ttl\": 60, \"value\": \"x y\"}]}");
        assertThat((List<?>) get("/v1/dns/records").get("records")).hasSize(2);
        assertThat(client.get("/v1/dns/records/A.test.")).contains("\"ttl\": 60", "\"ttl\": 0");
        assertThat(client.ask("DELETE", "/v1/dns/records/a.test?type=TXT", "")).contains("x y");
        assertThat(client.ask("DELETE", "/v1/dns/records/a.test", "")).contains("192.0.2.1");
        assertThat(get("/v1/dns/records").get("records")).isEqualTo(List.of());
    }

    @Test
    void aZoneIsPutListedAndRemoved() throws Exception {
        client.ask("PUT", "/v1/dns/zones/corp.test", "{\"servers\": [\"192.0.2.53\"]}");
        client.ask("PUT", "/v1/dns/zones/corp.test", "{\"servers\": [\"192.0.2.54\", \"192.0.2.55:5353\"]}");
        Map<String, Object> zone = Map.of("name", "corp.test", "servers", List.of("192.0.2.54", "192.0.2.55:5353"));
        assertThat(get("/v1/dns/zones")).isEqualTo(Map.of("zones", List.of(zone)));
        assertThat(get("/v1/dns/zones/corp.test")).isEqualTo(zone);
        client.ask("DELETE", "/v1/dns/zones/corp.test", "");
        assertThat(get("/v1/dns/zones")).isEqualTo(Map.of("zones", List.of()));
    }

    @Test
    void limitsSayHowMuchIsUsed() throws Exception {
        assertThat((List<?>) get("/v1/limits").get("limits"))
                .anySatisfy(limit -> assertThat(limit.toString()).contains("name=tcpFlows", "limit=16384", "used=1"))
                .anySatisfy(limit -> assertThat(limit.toString()).contains("name=forwards", "limit=32768", "used=1"));
    }

    /** A mistake: method, path, body, status, the field that is named (- for none), words of the detail. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "GET    | /v1/status?x=1            | ``              | 400 | x          | means nothing here",
                "GET    | /v1/guests/1.2.3          | ``              | 400 | address    | 1.2.3",
                "GET    | /v1/guests/1.2.3.4        | ``              | 404 | address    | no guest",
                "GET    | /v1/guests/%zz            | ``              | 400 | address    | hexadecimal",
                "GET    | /v1/flows?sort=age        | ``              | 400 | sort       | id, rate or bytes",
                "GET    | /v1/flows?limit=0         | ``              | 400 | limit      | 1…100000",
                "GET    | /v1/flows?limit=1&limit=2 | ``              | 400 | limit      | only once",
                "GET    | /v1/flows?protocol=sctp   | ``              | 400 | protocol   | tcp, udp or ping",
                "GET    | /v1/flows?guest=me        | ``              | 400 | guest      | me",
                "GET    | /v1/flows/x               | ``              | 400 | id         | number",
                "GET    | /v1/flows/99              | ``              | 404 | id         | no flow",
                "GET    | /v1/flows/99999999999999999999 | ``         | 400 | id         | number",
                "DELETE | /v1/flows/99              | ``              | 404 | id         | no flow",
                "POST   | /v1/dns/records           | {               | 400 | -          | ends too early",
                "POST   | /v1/dns/records           | []              | 400 | -          | must be an object",
                "POST   | /v1/dns/records           | {\"records\": {}} | 400 | records  | list of objects",
                "POST   | /v1/dns/records           | {\"records\": [1]} | 400 | records[0] | must be an object",
                "POST   | /v1/dns/records           | {\"records\": [{}]} | 400 | records[0].name | must be there",
                "POST   | /v1/dns/records           | {\"records\": null} | 400 | records | not null",
                "POST   | /v1/dns/records           | {\"records\": [{\"name\": 1}]} | 400 | records[0].name | a text",
                "POST   | /v1/dns/records | {\"records\": [{\"name\": \"a\", \"type\": \"A\", \"ttl\": -1}]} | 400 | records[0].ttl | 0…",
                "POST   | /v1/dns/records | {\"records\": [{\"name\": \"a\", \"type\": \"A\", \"ttl\": 1.5}]} | 400 | records[0].ttl | whole",
                "POST   | /v1/dns/records | {\"records\": [{\"name\": \"a\", \"type\": \"A\", \"ttl\": \"1\"}]} | 400 | records[0].ttl | whole",
                "POST   | /v1/dns/records | {\"records\": [{\"name\": \"a\", \"type\": \"A\", \"value\": \"1\", \"x\": 1}]} | 400 | records[0].x | means nothing",
                "POST   | /v1/dns/records | {\"records\": [{\"name\": \"bad\", \"type\": \"A\", \"value\": \"1\"}]} | 400 | records | not a name",
                "POST   | /v1/dns/records | {\"records\": [], \"recrods\": []} | 400 | recrods | means nothing",
                "POST   | /v1/dns/records | {\"records\": [], \"records\": []} | 400 | - | twice",
                "GET    | /v1/dns/records/none.test | ``              | 404 | name       | no such record",
                "DELETE | /v1/dns/records/none.test | ``              | 404 | name       | no such record",
                "PUT    | /v1/dns/zones/a.test      | {\"servers\": \"x\"} | 400 | servers | list of texts",
                "PUT    | /v1/dns/zones/a.test      | {\"servers\": [\"bad\"]} | 400 | servers | no server",
                "GET    | /v1/dns/zones/none.test   | ``              | 404 | name       | no zone",
                "DELETE | /v1/dns/zones/none.test   | ``              | 404 | name       | no zone",
                "POST   | /v1/forwards              | {\"forwards\": [\"80\", \"x\"]} | 400 | forwards[1] | 'x'",
                "POST   | /v1/forwards?a=b          | {\"forwards\": [\"80\"]} | 400 | a      | means nothing",
                "DELETE | /v1/forwards?listen=x     | ``              | 400 | listen     | 'x'",
                "GET    | /v1/events?kind=flow      | ``              | 400 | kind       | flow-open",
                "PATCH  | /v1/flows                 | {}              | 405 | -          | use GET",
                "GET    | /v1/flows/                | ``              | 404 | -          | nothing at",
            })
    void aMistakeIsToldWithItsField(String method, String path, String body, int status, String field, String words)
            throws Exception {
        Map<?, ?> problem = Wire.problem(api.socket, method, path, body);
        assertThat(problem.get("status")).isEqualTo((long) status);
        assertThat(problem.get("field")).isEqualTo(field.equals("-") ? null : field);
        assertThat(String.valueOf(problem.get("detail"))).contains(words);
    }

    @Test
    void metricsAreTextOfPrometheus() throws Exception {
        String metrics = client.get("/v1/metrics");
        String name = "";
        for (String line : metrics.lines().toList()) {
            if (line.startsWith("# HELP ")) {
                assertThat(line).matches("# HELP sluice_[a-z_]+ \\S.*");
                name = line.split(" ")[2];
            } else if (line.startsWith("# TYPE ")) {
                assertThat(line).matches("# TYPE " + name + " (counter|gauge)");
                assertThat(name.endsWith("_total")).as(line).isEqualTo(line.endsWith(" counter"));
            } else {
                assertThat(line).matches(name + "(\\{[a-z]+=\"([^\"\\\\]|\\\\.)*\"(,[a-z]+=\"[^\"]*\")*\\})? -?[0-9]+");
            }
        }
        assertThat(metrics)
                .contains(
                        "sluice_flows{protocol=\"tcp\"} 1\n",
                        "sluice_drops_total{reason=\"bad-ipv4\"} 3\n",
                        "sluice_link_bytes_total{link=\"qemu:/tmp/\\\"vm\\\".sock#2\",direction=\"to-host\"} 2\n",
                        "sluice_dns_answered_locally_total 0\n",
                        "sluice_tcp_resets_with_loss_total 5\n",
                        "sluice_forward_pipes 6\n",
                        "sluice_forward_pipes_refused_total 7\n",
                        "sluice_limit{name=\"tcpFlows\"} 16384\n")
                .endsWith("\n");
        assertThat(metrics.lines().filter(line -> line.startsWith("# HELP")).map(line -> line.split(" ")[2]))
                .doesNotHaveDuplicates();
    }

    @Test
    void aFaultOfAnotherProcessIsToldAsUnavailable() throws Exception {
        ControlServer bare = new ControlServer(StatusFixture::status);
        bare.open(directory.resolve("2.sock"));
        try (bare) {
            assertThatThrownBy(() -> new ControlClient(directory.resolve("2.sock")).get("/v1/dns/zones"))
                    .hasMessageContaining("no name server");
        }
    }
}
