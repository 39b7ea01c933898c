package dev.sluice.cli.face.vpnkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.dns.Upstreams;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.wire.IpAddress;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** VPNKit's files, and how their changes are seen. */
class SettingsFilesTest {
    @Test
    void dnsServersHaveZonesTimeoutsAndOrders() {
        DnsFile file = DnsFile.parse("""
                # split
                nameserver 1.2.3.4
                zone mirage.io foo.com
                timeout 5000
                order 1

                nameserver 8.8.8.8#5353
                nameserver fe80::1
                search a b
                """);
        assertThat(file.zones()).containsOnlyKeys("mirage.io", "foo.com");
        Upstreams zone = file.zones().get("foo.com");
        assertThat(zone.servers()).hasSize(1);
        assertThat(zone.servers().getFirst().order()).isOne();
        assertThat(zone.servers().getFirst().timeout()).hasSeconds(5);
        assertThat(file.others().servers()).hasSize(2);
        assertThat(file.others().servers().getFirst().address().getPort()).isEqualTo(5353);
        assertThat(file.others().choice()).isEqualTo(Upstreams.Choice.RACE);
        assertThat(DnsFile.parse("").others().servers()).isEmpty();
        assertThat(DnsFile.parse("").search()).isEmpty();
        for (String wrong : List.of("nameserver one.two", "zone x", "nameserver 1.2.3.4\ntimeout x", "search a..b")) {
            assertThatThrownBy(() -> DnsFile.parse(wrong)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void ofServersWithAZoneThatIsNoNameNothingIsTaken() throws Exception {
        try (Gateway gateway = Gateway.builder().start()) {
            DnsFile before = DnsFile.parse("nameserver 192.0.2.1\nzone a.example b.example\n");
            before.apply(gateway.dns(), null);
            List<DnsDirectory.Zone> zones = gateway.dns().directory().zones();
            assertThat(zones).extracting(DnsDirectory.Zone::name).containsExactly("a.example", "b.example");
            DnsFile wrong = DnsFile.parse("nameserver 192.0.2.2\nzone b.example c.example d..example\n");
            assertThatThrownBy(() -> wrong.apply(gateway.dns(), before)).hasMessageContaining("d..example");
            assertThat(gateway.dns().directory().zones()).isEqualTo(zones);
            DnsFile.parse("nameserver 192.0.2.2\nzone b.example c.example\n").apply(gateway.dns(), before);
            assertThat(gateway.dns().directory().zones())
                    .extracting(DnsDirectory.Zone::name)
                    .containsExactly("b.example", "c.example");
        }
    }

    @Test
    void guestsSearchWhereTheServersFileSaysUnlessThatOfDhcpDoes() {
        DnsFile servers = DnsFile.parse("search a.example  b.example\nsearch c.example");
        assertThat(Vpnkit.search(JsonFiles.dhcp(""), servers)).containsExactly("a.example", "b.example");
        assertThat(Vpnkit.search(JsonFiles.dhcp("{\"searchDomains\": [\"d.example\"]}"), servers))
                .containsExactly("d.example");
        assertThat(Vpnkit.search(JsonFiles.dhcp(""), null)).isEmpty();
    }

    @Test
    void forwardsOfTheGateway() {
        assertThat(JsonFiles.gatewayForwards("""
                [ {"protocol":"udp","external_port":123,"internal_ip":"127.0.0.1","internal_port":53859},
                  {"protocol":"tcp","external_port":53,"internal_ip":"127.0.0.1","internal_port":53478} ]""")).hasToString("[123:127.0.0.1:53859/udp, 53:127.0.0.1:53478]");
        assertThat(JsonFiles.gatewayForwards(" ")).isEmpty();
        for (String wrong : List.of(
                "{}",
                "[1]",
                "[{}]",
                "[{\"protocol\":\"sctp\",\"external_port\":1}]",
                "[{\"protocol\":\"udp\",\"external_port\":0,\"internal_ip\":\"127.0.0.1\",\"internal_port\":5}]",
                "[{\"protocol\":\"udp\",\"external_port\":1,\"internal_ip\":\"x\",\"internal_port\":5}]",
                "[")) {
            assertThatThrownBy(() -> JsonFiles.gatewayForwards(wrong))
                    .as(wrong)
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void tunnelsAreChosenByDestination() {
        List<JsonFiles.Tunnel> tunnels = JsonFiles.tunnels("""
                [ {"protocol":"tcp","dst_prefix":"10.0.0.0/8","dst_port":0,"path":"/tmp/a"},
                  {"protocol":"tcp","dst_prefix":"fd00::/8","dst_port":80,"path":"/tmp/b"} ]""");
        assertThat(tunnels.getFirst().leads(IpAddress.parse("10.1.2.3"), 22)).isTrue();
        assertThat(tunnels.getFirst().leads(IpAddress.parse("11.1.2.3"), 22)).isFalse();
        assertThat(tunnels.getLast().leads(IpAddress.parse("fd00::1"), 80)).isTrue();
        assertThat(tunnels.getLast().leads(IpAddress.parse("fd00::1"), 81)).isFalse();
        assertThat(tunnels.getLast().leads(IpAddress.parse("10.0.0.1"), 80)).isFalse();
    }

    @Test
    void dhcp() {
        assertThat(JsonFiles.dhcp(
                        "{ \"searchDomains\": [\"a.example\", \"b.example\"], \"domainName\": \"a.example\" }"))
                .isEqualTo(new JsonFiles.Dhcp("a.example", List.of("a.example", "b.example")));
        assertThat(JsonFiles.dhcp("{}").domain()).isNull();
        assertThatThrownBy(() -> JsonFiles.dhcp("[]")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void proxySettingsAreFollowedKeptAndGivenBack() throws IOException {
        List<dev.sluice.gateway.proxy.ProxySettings> followed = new ArrayList<>();
        ProxySettings settings = new ProxySettings(followed::add);
        assertThat(ask(settings, "GET /http_proxy.json HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.0 404 ")
                .endsWith("None set");
        String json = "{\"http\": \"proxy.corp:3128\"}";
        assertThat(ask(
                        settings,
                        "POST /http_proxy.json HTTP/1.1\r\nContent-Length: " + json.length() + "\r\n\r\n" + json))
                .startsWith("HTTP/1.0 200 ");
        assertThat(ask(settings, "GET /http_proxy.json HTTP/1.1\r\n\r\n"))
                .startsWith("HTTP/1.0 200 ")
                .endsWith(json);
        assertThat(followed).hasSize(1);
        assertThat(followed.getFirst().ports()).containsExactly(3128, 3129);
        assertThat(followed.getFirst().transparentPorts()).containsExactly(80);
        assertThat(followed.getFirst()
                        .policy()
                        .routes(new ProxyTarget("http", "a.example", 80))
                        .toString())
                .contains("proxy.corp");
        assertThat(followed.getFirst()
                        .policy()
                        .routes(new ProxyTarget("https", "a.example", 443))
                        .getFirst())
                .isInstanceOf(Route.Direct.class);
        assertThat(ask(settings, "POST /http_proxy.json HTTP/1.1\r\nContent-Length: 2\r\n\r\n[["))
                .startsWith("HTTP/1.0 400 Bad_request")
                .contains("Failed to parse .json");
        assertThat(ask(settings, "PUT /x HTTP/1.1\r\n\r\n")).endsWith("Try {GET,POST} /http_proxy.json");
    }

    private static String ask(ProxySettings settings, String request) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        settings.serve(new ByteArrayInputStream(request.getBytes(StandardCharsets.UTF_8)), out);
        return out.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aFileIsSeenWhenItComesChangesIsReplacedAndGoes(@TempDir Path folder) throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        Path file = folder.resolve("settings");
        try (WatchedFiles files = new WatchedFiles()) {
            files.add(file.toString(), seen::add);
            files.start();
            assertThat(next(seen)).isEmpty();
            Files.writeString(file, "one");
            awaitText(seen, "one");
            Files.writeString(file, "two");
            awaitText(seen, "two");
            Path other = Files.writeString(folder.resolve("other"), "three");
            Files.move(other, file, StandardCopyOption.ATOMIC_MOVE);
            awaitText(seen, "three");
            Files.delete(file);
            awaitText(seen, "");
        }
    }

    private static String next(BlockingQueue<String> seen) throws InterruptedException {
        return seen.poll(60, TimeUnit.SECONDS);
    }

    /** Writing is two steps, and a reader may come between them. */
    private static void awaitText(BlockingQueue<String> seen, String text) throws InterruptedException {
        String got = next(seen);
        while (!text.equals(got)) {
            assertThat(got).as("waiting for " + text).isNotNull();
            got = next(seen);
        }
    }

    @Test
    void aFileThatIsWrongChangesNothingAndHarmsNoOther(@TempDir Path folder) throws Exception {
        BlockingQueue<String> seen = new LinkedBlockingQueue<>();
        Path bad = Files.writeString(folder.resolve("bad"), "x");
        Path good = Files.writeString(folder.resolve("good"), "y");
        try (WatchedFiles files = new WatchedFiles()) {
            files.add(bad.toString(), _ -> {
                throw new IllegalArgumentException("wrong");
            });
            files.add(good.toString(), seen::add);
            files.start();
            assertThat(next(seen)).isEqualTo("y");
        }
    }
}
