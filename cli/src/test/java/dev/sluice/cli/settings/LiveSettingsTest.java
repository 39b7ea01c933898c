package dev.sluice.cli.settings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.cli.FreePorts;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.control.Json;
import dev.sluice.control.SettingsDoor;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.wire.JsonReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Settings of a network that runs: what changes, what stays, and that nothing is half done. */
@Timeout(180)
class LiveSettingsTest {
    @TempDir
    private Path folder;

    private Path file;
    private GuestNetwork network;
    private LiveSettings live;

    @BeforeEach
    void prepare() {
        file = folder.resolve("config.yaml");
    }

    @AfterEach
    void stop() {
        live.close();
        network.close();
    }

    private void start(String yaml, Settings options) throws Exception {
        Files.writeString(file, yaml);
        Settings read = SettingsReader.file(file);
        Settings whole = options.over(read);
        Gateway.Builder builder = Gateway.builder();
        network = GuestNetwork.start(
                builder.dns(NetworkParts.dns(
                        whole,
                        dev.sluice.gateway.flow.AddressPlan.of(
                                dev.sluice.gateway.flow.AddressPlan.DEFAULT_SUBNET, 1500, true))),
                null,
                whole.get(Keys.GATEWAY_FORWARDS, List.of()));
        live = new LiveSettings(file, options, read, network);
        live.followProxy();
        live.publish();
    }

    private void start(String yaml) throws Exception {
        start(yaml, Settings.NONE);
    }

    private void reload(String yaml) throws Exception {
        Files.writeString(file, yaml);
        live.reload();
    }

    private List<String> mistakes(String yaml) throws Exception {
        Files.writeString(file, yaml);
        try {
            live.reload();
            return List.of();
        } catch (SettingsDoor.Refused e) {
            return e.mistakes().stream().map(SettingsDoor.Flaw::text).toList();
        }
    }

    private List<String> published() throws Exception {
        return network.gateway().ports().list().stream()
                .map(ForwardInfo::forward)
                .sorted()
                .toList();
    }

    private List<String> lookup(String name) {
        return network.gateway().dns().explain(name, "A").answers();
    }

    @Test
    void whatChangedIsAppliedAndTheRestStays() throws Exception {
        int[] ports = {FreePorts.next(), FreePorts.next(), FreePorts.next()};
        String one = "127.0.0.1:" + ports[0] + ":80";
        String two = "127.0.0.1:" + ports[1] + ":80";
        start("""
                ports: {publish: ["%s"], gateway: ["5432:127.0.0.1:1"]}
                dns: {records: [a.test=192.0.2.1, b.test=192.0.2.2], host-names: [my.host]}
                """.formatted(one));
        // by hand, which no file knows
        network.ports().publish(ForwardSyntax.parse("127.0.0.1:" + ports[2] + ":80"));
        network.gateway().dns().directory().addRecords(List.of(new DnsDirectory.Entry("c.test", "A", 5, "192.0.2.3")));

        reload("""
                ports: {publish: ["%s"], gateway: ["5433:127.0.0.1:1"]}
                dns:
                  records: [a.test=192.0.2.9]
                  zones: {held.test: []}
                  host-names: [other.host]
                  cache: false
                """.formatted(two));
        assertThat(published())
                .hasSize(2)
                .anyMatch(text -> text.contains(":" + ports[1]))
                .noneMatch(text -> text.contains(":" + ports[0]));
        assertThat(network.gateway().gatewayForwards()).containsExactly(GatewayForward.parse("5433:127.0.0.1:1"));
        assertThat(lookup("a.test").toString()).contains("192.0.2.9").doesNotContain("192.0.2.1,");
        assertThat(lookup("c.test").toString()).contains("192.0.2.3");
        assertThat(lookup("x.held.test")).isEmpty();
        assertThat(lookup("other.host").toString()).contains("192.168.65.2");
        assertThat(network.gateway().dns().directory().records())
                .extracting(DnsDirectory.Entry::name)
                .containsExactly("a.test", "c.test");
        reload("");
        assertThat(published()).hasSize(1);
        assertThat(network.gateway().dns().directory().zones()).isEmpty();
    }

    @Test
    void aBadFileKeepsTheOldSettingsAndSaysWhereItIsBadUntilItIsMended() throws Exception {
        start("dns: {records: [a.test=192.0.2.1]}\n");
        try (Subscription events =
                Objects.requireNonNull(network.gateway().events().subscribe(Set.of(Event.Kind.SETTINGS)))) {
            assertThat(mistakes("dns:\n  records: [a.test=192.0.2.2]\n  cash: no\n"))
                    .singleElement()
                    .asString()
                    .startsWith(file + ":3:3: dns.cash means nothing; did you mean 'cache'?");
            assertThat(lookup("a.test").toString()).contains("192.0.2.1");
            assertThat(Objects.requireNonNull(live.state().problem()).mistakes())
                    .hasSize(1);
            reload("dns:\n  records: [a.test=192.0.2.2]\n");
            assertThat(lookup("a.test").toString()).contains("192.0.2.2");
            assertThat(live.state().problem()).isNull();
            Event bad = Objects.requireNonNull(events.next(Duration.ofSeconds(60)));
            assertThat(((LiveSettings.Changed) bad.data()).applied()).isFalse();
            Event good = Objects.requireNonNull(events.next(Duration.ofSeconds(60)));
            assertThat(good.data()).isEqualTo(new LiveSettings.Changed(true, List.of("dns.records"), List.of()));
        }
    }

    @Test
    void whatCannotChangeIsNamedAndNothingOfThatChangeIsApplied() throws Exception {
        start("network: {mtu: 1500}\n");
        assertThat(mistakes("network: {mtu: 1400}\ndns: {records: [a.test=192.0.2.1]}\ncapture: {rings: true}\n"))
                .satisfiesExactly(
                        one -> assertThat(one)
                                .startsWith(file + ":1:16: network.mtu can't change while the network runs"),
                        two -> assertThat(two).startsWith(file + ":3:18: capture.rings can't change"));
        assertThat(lookup("a.test")).isEmpty();
        assertThat(mistakes("")).singleElement().asString().contains("network.mtu can't change");
    }

    @Test
    void whereOneStepFailsAllThatWasDoneIsTakenBack() throws Exception {
        int[] ports = {FreePorts.next(), FreePorts.next()};
        String before = "127.0.0.1:" + ports[0] + ":80";
        start("ports: {publish: [\"%s\"]}\n".formatted(before));
        List<String> was = published();
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(mistakes("ports: {publish: [\"127.0.0.1:%d:80\", \"127.0.0.1:%d:80\"]}\n"
                            .formatted(ports[1], taken.getLocalPort())))
                    .singleElement()
                    .asString()
                    .contains("already used", "nothing of this change was applied");
        }
        assertThat(published()).isEqualTo(was);
        // the last step: a record that clashes with one that was added by hand
        network.gateway().dns().directory().addRecords(List.of(new DnsDirectory.Entry("c.test", "A", 5, "192.0.2.3")));
        assertThat(mistakes(
                        "ports: {publish: [\"127.0.0.1:%d:80\"], gateway: [\"5432:127.0.0.1:1\"]}\ndns: {records: [c.test=d.test]}\n"
                                .formatted(ports[1])))
                .singleElement()
                .asString()
                .contains("a CNAME stands alone");
        assertThat(published()).isEqualTo(was);
        assertThat(network.gateway().gatewayForwards()).isEmpty();
        assertThat(mistakes("ports: {publish: [\"%s\"], gateway: [\"53:127.0.0.1:1\"]}\n".formatted(before)))
                .singleElement()
                .asString()
                .contains("port 53 of the gateway");
    }

    @Test
    void aPortThatWasOpenByHandStaysWhenTheFileNamesItNoMore() throws Exception {
        int port = FreePorts.next();
        String entry = "127.0.0.1:" + port + ":80";
        start("");
        network.ports().publish(ForwardSyntax.parse(entry));
        assertThat(network.gateway().forward(GatewayForward.parse("5432:127.0.0.1:1")))
                .isTrue();
        reload("ports: {publish: [\"%s\"], gateway: [\"5432:127.0.0.1:1\"]}\n".formatted(entry));
        reload("");
        assertThat(published()).containsExactly(entry);
        assertThat(network.gateway().gatewayForwards()).containsExactly(GatewayForward.parse("5432:127.0.0.1:1"));
    }

    @Test
    void aChangeThatFailsLeavesAPortThatWasOpenByHand() throws Exception {
        int port = FreePorts.next();
        String entry = "127.0.0.1:" + port + ":80";
        start("");
        network.ports().publish(ForwardSyntax.parse(entry));
        assertThat(network.gateway().forward(GatewayForward.parse("5432:127.0.0.1:1")))
                .isTrue();
        assertThat(mistakes("ports: {publish: [\"%s\"], gateway: [\"5432:127.0.0.1:1\", \"53:127.0.0.1:1\"]}\n"
                        .formatted(entry)))
                .singleElement()
                .asString()
                .contains("nothing of this change was applied");
        assertThat(published()).containsExactly(entry);
        assertThat(network.gateway().gatewayForwards()).containsExactly(GatewayForward.parse("5432:127.0.0.1:1"));
    }

    @Test
    void aPortThatLeadsElsewhereByHandStaysWhenTheFileNamesItNoMore() throws Exception {
        int port = FreePorts.next();
        int other = FreePorts.next();
        start("ports: {publish: [\"%d:80\", \"%d:80\"]}\n".formatted(port, other));
        network.gateway().ports().remove(ForwardSyntax.listens(port + ""), false);
        network.gateway().ports().remove(ForwardSyntax.listens(other + ""), false);
        network.ports().publish(ForwardSyntax.parse(port + ":81"));
        network.ports().publish(ForwardSyntax.parse("127.0.0.1:" + other + ":80"));
        List<String> byHand = published();
        assertThat(byHand).hasSize(2);
        reload("");
        assertThat(published()).isEqualTo(byHand);
    }

    @Test
    void aPortThatWasClosedByHandIsNotOpenedAgainWhereAChangeFails() throws Exception {
        int port = FreePorts.next();
        start("ports: {publish: [\"127.0.0.1:%d:80\"]}\n".formatted(port));
        network.gateway().ports().remove(ForwardSyntax.listens("127.0.0.1:" + port), false);
        assertThat(mistakes("ports: {gateway: [\"53:127.0.0.1:1\"]}\n")).hasSize(1);
        assertThat(published()).isEmpty();
    }

    @Test
    void aPortOfTheGatewayFromTheStartGoesWithTheFile() throws Exception {
        start("ports: {gateway: [\"5432:127.0.0.1:1\"]}\n");
        reload("");
        assertThat(network.gateway().gatewayForwards()).isEmpty();
    }

    @Test
    void aPortThatTheSystemChoseGoesWithTheFile() throws Exception {
        start("ports: {publish: [\"127.0.0.1:0:80\"]}\n");
        assertThat(published()).hasSize(1);
        reload("");
        assertThat(published()).isEmpty();
    }

    @Test
    void theCommandLineLiesOverTheFileAndTheApiOverBoth() throws Exception {
        Settings options = new Settings.Draft()
                .add(Keys.DNS_RECORDS, List.of(DnsForms.record("a.test=192.0.2.20")), Where.option("--dns-record"))
                .build();
        start("dns: {records: [a.test=192.0.2.10]}\n", options);
        assertThat(lookup("a.test").toString()).contains("192.0.2.20");
        reload("dns: {records: [a.test=192.0.2.11]}\n");
        assertThat(lookup("a.test").toString()).contains("192.0.2.20");
        live.patch((Map<?, ?>) JsonReader.read("{\"dns\": {\"records\": [\"a.test=192.0.2.30\"]}}"));
        assertThat(lookup("a.test").toString()).contains("192.0.2.30");
        assertThat(live.state().origins()).isEqualTo(Map.of("dns.records", "API"));
        assertThatThrownBy(() -> live.patch((Map<?, ?>) JsonReader.read("{\"dns\": {\"cache\": 5}}")))
                .isInstanceOf(SettingsDoor.Refused.class)
                .hasMessage("API: dns.cache must be true or false, not '5'");
        assertThat(live.state().problem()).isNull();
        live.patch((Map<?, ?>) JsonReader.read("{\"dns\": {\"records\": null}}"));
        assertThat(lookup("a.test").toString()).contains("192.0.2.20");
    }

    /** What it says, wherever it may be said. */
    private String everythingShown() throws Exception {
        return Json.of(live.state()) + live.state() + mistakes("proxy: {use: [\"http://me:canary@x\"], except: 5}\n");
    }

    @Test
    void aProxyIsFollowedFromTheNextRequestOnAndItsPasswordIsNeverShown() throws Exception {
        start("proxy: {use: \"http://me:canary@proxy.test:3128\", except: [.corp.test]}\n");
        assertThat(route("www.test")).isInstanceOfSatisfying(Route.Via.class, via -> {
            assertThat(via.upstream().title()).isEqualTo("http://proxy.test:3128");
            assertThat(via.toString()).doesNotContain("canary");
        });
        assertThat(route("a.corp.test").rule()).isEqualTo("proxy.except .corp.test");
        assertThat(route("host.sluice.internal").rule()).isEqualTo("it is of the guest network");
        assertThat(route("192.168.65.2")).isInstanceOf(Route.Direct.class);
        assertThat(everythingShown())
                .contains("http://proxy.test:3128 (with a password)")
                .doesNotContain("canary");
        for (String wrong :
                List.of("ftp://me:canary@x", "http://me:canary@x:99999", "http://me:canary@", "http://me:canary@a b")) {
            assertThat(mistakes("proxy: {use: \"" + wrong + "\"}\n").toString())
                    .contains("proxy.use")
                    .doesNotContain("canary");
        }
        live.patch((Map<?, ?>) JsonReader.read("{\"proxy\": {\"use\": \"none\"}}"));
        assertThat(route("www.test")).isInstanceOf(Route.Direct.class);
        live.patch((Map<?, ?>) JsonReader.read("{\"proxy\": {\"use\": null}}"));
        assertThat(route("www.test")).isInstanceOf(Route.Via.class);
    }

    /** Upstreams often listen there, and would reach for a guest what it must not reach itself. */
    @Test
    void noProxyIsAskedForALoopback() throws Exception {
        start("proxy: {use: \"http://127.0.0.1:3128\"}\n");
        for (String own : List.of(
                "localhost",
                "a.localhost",
                "127.0.0.1",
                "127.255.0.1",
                "0.0.0.0",
                "240.0.0.1",
                "::1",
                "::",
                "::ffff:127.0.0.1",
                "127.1",
                "2130706433",
                "0x7f.1",
                "0177.0.0.01")) {
            assertThat(route(own)).as(own).isInstanceOf(Route.Direct.class);
        }
        for (String other : List.of(
                "10.1.2.3", "169.254.1.1", "2001:db8::5", "::ffff:198.51.100.1", "localhost.test", "a.1x", "x1")) {
            assertThat(route(other)).as(other).isInstanceOf(Route.Via.class);
        }
    }

    @Test
    void aLoginGoesToTheProxyThatItIsForAndIsNeverShown() throws Exception {
        Path script = folder.resolve("p.pac");
        Files.writeString(
                script,
                "function FindProxyForURL(u, h) { return h == 'a.test' ? 'PROXY P.test:3128' : 'PROXY p.test:8080'; }");
        start("proxy: {use: " + script + ", logins: [\"me:canary@p.TEST:3128\"]}\n");
        assertThat(route("a.test"))
                .isInstanceOfSatisfying(
                        Route.Via.class,
                        via -> assertThat(via.upstream()
                                        .credentials()
                                        .orElseThrow()
                                        .password())
                                .isEqualTo("canary"));
        assertThat(route("b.test"))
                .isInstanceOfSatisfying(
                        Route.Via.class,
                        via -> assertThat(via.upstream().credentials()).isEmpty());
        assertThat(everythingShown())
                .contains("me@p.test:3128 (with a password)")
                .doesNotContain("canary");
        for (String wrong : List.of("me:canary@x", "canary", "canary@x:1", "me:canary@x:0", "me:canary@:1")) {
            assertThat(mistakes("proxy: {logins: [\"" + wrong + "\"]}\n").toString())
                    .contains("proxy.logins[0]")
                    .doesNotContain("canary");
        }
    }

    private Route route(String host) {
        return network.control()
                .proxy()
                .routes(new ProxyTarget("https", host, 443))
                .getFirst();
    }

    @Test
    void aFileThatIsGoneChangesNothing() throws Exception {
        start("dns: {records: [a.test=192.0.2.1]}\n");
        Files.delete(file);
        assertThatThrownBy(() -> live.reload()).hasMessageContaining("the file is gone");
        assertThat(lookup("a.test").toString()).contains("192.0.2.1");
    }

    @Test
    void theFileIsFollowedByItself() throws Exception {
        start("dns: {records: [a.test=192.0.2.1]}\n");
        try (Subscription events =
                Objects.requireNonNull(network.gateway().events().subscribe(Set.of(Event.Kind.SETTINGS)))) {
            live.watch();
            // At once, as editors do: half of a file is one, too.
            Path fresh = Files.writeString(folder.resolve("fresh"), "dns: {records: [a.test=192.0.2.2]}\n");
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            Event changed = Objects.requireNonNull(events.next(Duration.ofSeconds(60)));
            assertThat(((LiveSettings.Changed) changed.data()).keys()).containsExactly("dns.records");
            assertThat(lookup("a.test").toString()).contains("192.0.2.2");
        }
    }
}
