package dev.sluice.control;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Event;
import dev.sluice.wire.JsonReader;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The OpenAPI document and the API say the same: every route is in it, and everything in it answers as it says. */
@Timeout(60)
class OpenApiTest {
    /** Values for parameters in paths; one that leads to something, one that leads nowhere, one that is wrong (null for none). */
    private static final Map<String, List<@Nullable String>> PATHS = Map.of(
            "/v1/guests/{address}", Arrays.asList("192.168.65.3", "192.168.65.99", "x"),
            "/v1/flows/{id}", Arrays.asList("17", "99", "x"),
            "/v1/captures/rings/{name}", Arrays.asList("dns", "none", null),
            "/v1/dns/records/{name}", Arrays.asList("a.test", "none.test", null),
            "/v1/dns/zones/{name}", Arrays.asList("a.test", "none.test", null));

    /** Query that a method needs. */
    private static final Map<String, String> QUERIES = Map.of(
            "DELETE /v1/forwards",
            "?listen=8080",
            "DELETE /v1/gateway-forwards",
            "?port=5432",
            "GET /v1/explain",
            "?target=web.test",
            "GET /v1/proxy/routes",
            "?url=https://web.test/",
            "GET /v1/diagnose",
            "?seconds=0&captures=false");

    @TempDir
    private Path directory;

    private ApiFixture api;
    private Map<?, ?> document;

    @BeforeEach
    void start() throws Exception {
        api = new ApiFixture(directory);
        document = (Map<?, ?>) JsonReader.read(api.client().get("/v1/openapi.json"));
    }

    @AfterEach
    void stop() {
        api.close();
    }

    private static Map<?, ?> map(Object... path) {
        Object at = path[0];
        for (int i = 1; i < path.length && at instanceof Map<?, ?> map; i++) {
            at = map.get(path[i]);
        }
        return at instanceof Map<?, ?> map ? map : Map.of();
    }

    private Set<String> described() {
        Set<String> all = new TreeSet<>();
        map(document, "paths")
                .forEach((path, methods) -> map(methods)
                        .keySet()
                        .forEach(method -> all.add(method.toString().toUpperCase(Locale.ROOT) + " " + path)));
        return all;
    }

    @Test
    void everyRouteIsDescribedAndNothingElse() {
        assertThat(described())
                .containsExactlyInAnyOrderElementsOf(
                        new ControlApi(api, List::of).router().routes());
    }

    @Test
    void theDocumentationHoldsWhatIsServed() throws Exception {
        assertThat(Path.of("../docs/openapi.json")).hasContent(new String(OpenApi.document(), StandardCharsets.UTF_8));
        assertThat(document.get("openapi")).isEqualTo("3.1.0");
    }

    @Test
    void thePageNamesEveryPath() throws Exception {
        String page = Files.readString(Path.of("../docs/api.md"));
        assertThat(((Map<?, ?>) document.get("paths")).keySet())
                .isNotEmpty()
                .allMatch(path -> page.contains("" + path));
    }

    @Test
    void everyReferenceLeadsSomewhereAndEverySchemaIsUsed() throws Exception {
        Set<String> found = new HashSet<>();
        references(document, found);
        for (String reference : found) {
            assertThat(resolve(reference)).as(reference).isNotEmpty();
        }
        assertThat(found.stream().filter(each -> each.startsWith("#/components/schemas/")))
                .hasSameSizeAs(map(document, "components", "schemas").keySet().stream()
                        .filter(name -> !name.equals("Event"))
                        .toList());
    }

    private static void references(@Nullable Object value, Set<String> into) {
        switch (value) {
            case Map<?, ?> map ->
                map.forEach((name, each) -> {
                    if (name.equals("$ref")) {
                        into.add(String.valueOf(each));
                    }
                    references(each, into);
                });
            case List<?> list -> list.forEach(each -> references(each, into));
            case null, default -> {}
        }
    }

    private Map<?, ?> resolve(String reference) {
        Object at = document;
        for (String name : reference.substring(2).split("/")) {
            at = at instanceof Map<?, ?> map ? map.get(name) : null;
        }
        return at instanceof Map<?, ?> map ? map : Map.of();
    }

    /** One test for each method of each path: it answers with what its success says, and with the problems it names. */
    @TestFactory
    List<DynamicTest> everythingAnswersAsDescribed() {
        List<DynamicTest> tests = new ArrayList<>();
        for (String each : described()) {
            tests.add(DynamicTest.dynamicTest(each, () -> check(each)));
        }
        return tests;
    }

    private void check(String route) throws Exception {
        String method = route.substring(0, route.indexOf(' '));
        String template = route.substring(route.indexOf(' ') + 1);
        Map<?, ?> operation = map(document, "paths", template, method.toLowerCase(Locale.ROOT));
        // the dynamic tests of one method share what this test set up, or not: a fixture of their own does no harm
        Path folder = Files.createTempDirectory(directory, "api");
        try (ApiFixture fresh = new ApiFixture(folder)) {
            fresh.directory.addRecords(
                    List.of(new dev.sluice.gateway.dns.DnsDirectory.Entry("a.test", "A", 5, "192.0.2.1")));
            fresh.directory.putZone(new dev.sluice.gateway.dns.DnsDirectory.Zone("a.test", List.of("192.0.2.53")));
            List<@Nullable String> values = PATHS.getOrDefault(template, Arrays.asList("", null, null));
            String query = QUERIES.getOrDefault(route, "");
            String missing = values.get(1);
            if (missing != null && !method.equals("PUT")) {
                problem(fresh, operation, method, path(template, missing), 404);
            }
            String wrong = values.get(2);
            if (wrong != null) {
                problem(fresh, operation, method, path(template, wrong), 400);
            }
            problem(fresh, operation, method, path(template, values.get(0)) + "?nonsense=1", 400);
            if (template.equals("/v1/captures/live")) {
                return; // CapturesApiTest, as it goes on until its client leaves
            }
            if (template.equals("/v1/events")) {
                stream(fresh, operation);
                return;
            }
            success(fresh, operation, method, path(template, values.get(0)) + query);
        }
    }

    private static String path(String template, @Nullable String value) {
        return template.replaceAll("\\{[a-z]+}", String.valueOf(value));
    }

    private static String body(Map<?, ?> operation) {
        Object example =
                map(operation, "requestBody", "content", "application/json").get("example");
        return example == null ? "" : Json.of(example);
    }

    private void success(ApiFixture fresh, Map<?, ?> operation, String method, String path) throws Exception {
        String response = Wire.exchange(fresh.socket, method, path, body(operation));
        assertThat(response).startsWith("HTTP/1.1 200 OK");
        Map<?, ?> contents = map(operation, "responses", "200", "content");
        String type = String.valueOf(contents.keySet().iterator().next());
        assertThat(response).contains("\r\nContent-Type: " + type);
        if (type.equals("application/json")) {
            Object answer = JsonReader.read(Wire.body(response));
            assertThat(flaws(answer, map(contents, type, "schema"), "answer")).isEmpty();
        }
    }

    private void problem(ApiFixture fresh, Map<?, ?> operation, String method, String path, int status)
            throws Exception {
        assertThat(map(operation, "responses").keySet())
                .as(method + " " + path)
                .anyMatch(key -> key.equals("" + status));
        Map<?, ?> problem = Wire.problem(fresh.socket, method, path, body(operation));
        assertThat(problem.get("status"))
                .as(method + " " + path + " " + problem)
                .isEqualTo((long) status);
        assertThat(flaws(problem, resolve("#/components/schemas/Problem"), "problem"))
                .isEmpty();
    }

    private void stream(ApiFixture fresh, Map<?, ?> operation) throws Exception {
        assertThat(map(operation, "responses", "200", "content").containsKey("text/event-stream"))
                .isTrue();
        try (SocketChannel channel = Wire.connect(fresh.socket)) {
            Wire.send(channel, "GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
            Wire.readUntil(channel, ": listening\n\n");
            for (Event.Kind kind : Event.Kind.values()) {
                fresh.events.publish(kind, ApiFixture.FLOW);
                String said = Wire.readUntil(channel, "\n\n");
                String data = said.substring(said.indexOf("data: ") + 6);
                Object event = JsonReader.read(data.substring(0, data.indexOf('\n')));
                assertThat(flaws(event, resolve("#/components/schemas/Event"), "event"))
                        .isEmpty();
            }
        }
    }

    @Test
    void theValidatorOfThisTestFindsFlaws() {
        Map<?, ?> flow = (Map<?, ?>) JsonReader.read(Json.of(ApiFixture.FLOW));
        Map<?, ?> schema = resolve("#/components/schemas/Flow");
        assertThat(flaws(flow, schema, "")).isEmpty();
        Map<Object, @Nullable Object> wrong = new java.util.HashMap<>(flow);
        wrong.remove("id");
        wrong.put("guest", 1L);
        wrong.put("more", 1L);
        wrong.put("protocol", "sctp");
        wrong.put("names", List.of(1L));
        assertThat(flaws(wrong, schema, "")).hasSize(5);
    }

    /** What is wrong with a value by the part of JSON Schema that the document uses. */
    private List<String> flaws(@Nullable Object value, Map<?, ?> schema, String at) {
        if (schema.get("$ref") instanceof String reference) {
            return flaws(value, resolve(reference), at);
        }
        if (schema.get("oneOf") instanceof List<?> choices) {
            return choices.stream()
                            .anyMatch(choice -> flaws(value, map(choice), at).isEmpty())
                    ? List.of()
                    : List.of(at + " is none of those it may be");
        }
        List<?> types = schema.get("type") instanceof List<?> several ? several : List.of(schema.get("type"));
        if (!types.contains(type(value))) {
            return List.of(at + " is " + type(value) + ", not " + types);
        }
        List<String> flaws = new ArrayList<>();
        if (schema.get("enum") instanceof List<?> allowed && !allowed.contains(value)) {
            flaws.add(at + " is " + value + ", none of " + allowed);
        }
        if (value instanceof List<?> list) {
            list.forEach(item -> flaws.addAll(flaws(item, map(schema, "items"), at + "[]")));
        }
        if (value instanceof Map<?, ?> members) {
            if (schema.get("required") instanceof List<?> required) {
                required.stream()
                        .filter(name -> !members.containsKey(name))
                        .forEach(name -> flaws.add(at + "." + name + " is missing"));
            }
            members.forEach((name, member) -> {
                Map<?, ?> property = map(schema, "properties", name);
                if (!property.isEmpty()) {
                    flaws.addAll(flaws(member, property, at + "." + name));
                } else if (schema.get("additionalProperties") instanceof Map<?, ?> others) {
                    flaws.addAll(flaws(member, others, at + "." + name));
                } else if (Boolean.FALSE.equals(schema.get("additionalProperties"))) {
                    flaws.add(at + "." + name + " is not described");
                }
            });
        }
        return flaws;
    }

    private static String type(@Nullable Object value) {
        return switch (value) {
            case null -> "null";
            case String _ -> "string";
            case Long _ -> "integer";
            case Boolean _ -> "boolean";
            case List<?> _ -> "array";
            case Map<?, ?> _ -> "object";
            default -> value.getClass().getName();
        };
    }
}
