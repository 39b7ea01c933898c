package dev.sluice.proxy.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.proxy.rule.ProxySetting;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SourcesTest {
    @TempDir
    Path folder;

    private static String route(ProxySetting setting, String scheme, String host) {
        ProxySetting.Manual manual = (ProxySetting.Manual) setting;
        return switch (manual.routes(new ProxyTarget(scheme, host, scheme.equals("http") ? 80 : 443))
                .getFirst()) {
            case Route.Direct(String rule) -> "direct: " + rule;
            case Route.Via(Upstream upstream, String rule) -> upstream.title() + ": " + rule;
            case Route.Refused(String message, String rule) -> "refused: " + rule + ": " + message;
        };
    }

    private static ProxySetting environment(String... pairs) {
        Map<String, String> environment = new HashMap<>();
        for (int i = 0; i < pairs.length; i += 2) {
            environment.put(pairs[i], pairs[i + 1]);
        }
        return new EnvironmentSource(environment).read();
    }

    @Test
    void theEnvironment_hasAProxyForEachScheme_andExceptions() {
        ProxySetting setting = environment(
                "http_proxy", "http://a.test:1", "https_proxy", "b.test:2", "no_proxy", "localhost,.corp.test");
        assertThat(route(setting, "http", "x.test")).isEqualTo("http://a.test:1: http_proxy");
        assertThat(route(setting, "https", "x.test")).isEqualTo("http://b.test:2: https_proxy");
        assertThat(route(setting, "https", "www.corp.test")).isEqualTo("direct: no_proxy .corp.test");
    }

    @Test
    void theEnvironment_lowerCaseWins_andAnEmptyValueIsNone() {
        assertThat(route(environment("http_proxy", "low.test:1", "HTTP_PROXY", "up.test:1"), "http", "x.test"))
                .startsWith("http://low.test:1");
        assertThat(route(environment("HTTPS_PROXY", "up.test:1"), "https", "x.test"))
                .isEqualTo("http://up.test:1: HTTPS_PROXY");
        assertThat(environment("http_proxy", "", "HTTP_PROXY", "up.test:1")).isNull();
        assertThat(environment("no_proxy", "*")).isNull();
        assertThat(environment()).isNull();
    }

    @Test
    void theEnvironment_allProxyIsForWhatHasNoneOfItsOwn() {
        ProxySetting setting = environment("ALL_PROXY", "socks5h://s.test:1", "http_proxy", "a.test:1");
        assertThat(route(setting, "http", "x.test")).isEqualTo("http://a.test:1: http_proxy");
        assertThat(route(setting, "https", "x.test")).isEqualTo("socks5://s.test:1: ALL_PROXY");
    }

    /** CVE-2016-5388 and its family. */
    @Test
    void theEnvironment_inACgiProgram_upperCaseHttpProxyIsTheClientsHeader() {
        assertThat(environment("REQUEST_METHOD", "GET", "HTTP_PROXY", "evil.test:1"))
                .isNull();
        assertThat(environment("REQUEST_METHOD", "GET", "http_proxy", "a.test:1"))
                .isNotNull();
        assertThat(environment("HTTP_PROXY", "a.test:1")).isNotNull();
    }

    @Test
    void theEnvironment_nonsenseIsNamedByItsVariable() {
        assertThatThrownBy(() -> environment("https_proxy", "gopher://u:secret@x.test"))
                .hasMessageStartingWith("https_proxy: ")
                .message()
                .doesNotContain("secret");
    }

    private static final String MANUAL = """
            org.gnome.system.proxy autoconfig-url ''
            org.gnome.system.proxy ignore-hosts ['localhost', '127.0.0.0/8', '::1', "it's.test", '*.corp.test']
            org.gnome.system.proxy mode 'manual'
            org.gnome.system.proxy use-same-proxy true
            org.gnome.system.proxy.ftp host ''
            org.gnome.system.proxy.ftp port 0
            org.gnome.system.proxy.http authentication-password 'pa\\'ss'
            org.gnome.system.proxy.http authentication-user 'user'
            org.gnome.system.proxy.http enabled false
            org.gnome.system.proxy.http host 'proxy.test'
            org.gnome.system.proxy.http port 3128
            org.gnome.system.proxy.http use-authentication true
            org.gnome.system.proxy.https host 'secure.test'
            org.gnome.system.proxy.https port 3129
            org.gnome.system.proxy.socks host ''
            org.gnome.system.proxy.socks port 0
            """;

    private GnomeSource gnome() {
        return new GnomeSource(Map.of("HOME", folder.toString(), "PATH", folder.toString()), folder.resolve("none"));
    }

    @Test
    void gnome_manual() {
        ProxySetting setting = gnome().parse(MANUAL);
        assertThat(route(setting, "http", "x.test")).isEqualTo("http://proxy.test:3128: GNOME http proxy");
        assertThat(route(setting, "https", "x.test")).isEqualTo("http://secure.test:3129: GNOME https proxy");
        assertThat(route(setting, "http", "www.corp.test")).isEqualTo("direct: GNOME ignore-hosts *.corp.test");
        assertThat(route(setting, "http", "it's.test")).startsWith("direct");
        assertThat(route(setting, "http", "127.0.0.1")).startsWith("direct");
        Upstream http = ((ProxySetting.Manual) setting).http().upstream();
        assertThat(http.credentials().orElseThrow().password()).isEqualTo("pa'ss");
        assertThat(((ProxySetting.Manual) setting).https().upstream().credentials())
                .as("they are the http proxy's alone")
                .isEmpty();
    }

    @Test
    void gnome_oneProxyForAll_andSocks() {
        String same = MANUAL.replace("'secure.test'", "''");
        assertThat(route(gnome().parse(same), "https", "x.test")).startsWith("http://proxy.test:3128");
        String socks = same.replace("'proxy.test'", "''")
                .replace("socks host ''", "socks host 'socks.test'")
                .replace("socks port 0", "socks port 1080");
        assertThat(route(gnome().parse(socks), "https", "x.test")).startsWith("socks5://socks.test:1080");
        assertThat(gnome().parse(MANUAL.replace("'manual'", "'none'"))).isNull();
        assertThat(gnome().parse("")).isNull();
    }

    @Test
    void gnome_script() {
        String auto = MANUAL.replace("'manual'", "'auto'");
        assertThat(((ProxySetting.Automatic) gnome().parse(auto)).script()).isEqualTo("http://wpad/wpad.dat");
        String url = auto.replace("autoconfig-url ''", "autoconfig-url 'http://x.test/p.pac'");
        assertThat(((ProxySetting.Automatic) gnome().parse(url)).script()).isEqualTo("http://x.test/p.pac");
    }

    private void program(String name, String script) throws IOException {
        Path program = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + script);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    @Test
    void gnome_theProgramIsAskedOnlyIfADatabaseSpeaksOfProxies() throws IOException {
        Path asked = folder.resolve("asked");
        program("gsettings", "echo yes > " + asked + "\n/bin/cat <<'END'\n" + MANUAL + "END\n");
        assertThat(gnome().read()).isNull();
        Path database = folder.resolve(".config/dconf/user");
        Files.createDirectories(database.getParent());
        Files.writeString(database, "GVariant color-scheme");
        assertThat(gnome().read()).isNull();
        assertThat(asked).doesNotExist();
        Files.writeString(database, "GVariant system/ proxy/ mode manual");
        assertThat(route(gnome().read(), "http", "x.test")).startsWith("http://proxy.test:3128");
        assertThat(asked).exists();
    }

    @Test
    void gnome_aProgramThatFailsIsAnError() throws IOException {
        program("gsettings", "exit 3\n");
        Path database = folder.resolve(".config/dconf/user");
        Files.createDirectories(database.getParent());
        Files.writeString(database, "proxy");
        assertThatThrownBy(gnome()::read).isInstanceOf(IOException.class).hasMessageContaining("ended with 3");
    }

    private KdeSource kde() {
        return new KdeSource(Map.of("XDG_CONFIG_HOME", folder.toString()));
    }

    @Test
    void kde_manual() {
        ProxySetting setting = kde().parse("""
                [Other]
                ProxyType=0
                [Proxy Settings]
                ProxyType=1
                httpProxy=http://proxy.test 3128
                httpsProxy[$e]=http://secure.test:3129
                NoProxyFor=localhost,.corp.test
                [$Version]
                httpProxy=http://wrong.test 1
                """);
        assertThat(route(setting, "http", "x.test")).isEqualTo("http://proxy.test:3128: KDE httpProxy");
        assertThat(route(setting, "https", "x.test")).isEqualTo("http://secure.test:3129: KDE httpsProxy");
        assertThat(route(setting, "http", "www.corp.test")).isEqualTo("direct: KDE NoProxyFor .corp.test");
    }

    @Test
    void kde_reversed_onlyTheListedGoThroughTheProxy() {
        ProxySetting setting = kde().parse("""
                [Proxy Settings]
                ProxyType=1
                socksProxy=socks://s.test 1080
                NoProxyFor=.corp.test
                ReversedException=true
                """);
        assertThat(route(setting, "http", "x.test")).isEqualTo("direct: not in KDE NoProxyFor");
        assertThat(route(setting, "http", "a.corp.test")).isEqualTo("socks5://s.test:1080: KDE socksProxy");
    }

    @Test
    void kde_script_andNone() throws IOException {
        assertThat(((ProxySetting.Automatic)
                                kde().parse("[Proxy Settings]\nProxyType=2\nProxy Config Script=file:///etc/p.pac\n"))
                        .script())
                .isEqualTo("file:///etc/p.pac");
        assertThat(((ProxySetting.Automatic) kde().parse("[Proxy Settings]\nProxyType=3\n")).script())
                .isEqualTo(ProxySetting.Automatic.DISCOVER);
        assertThat(kde().parse("[Proxy Settings]\nProxyType=0\nhttpProxy=http://a.test 1\n"))
                .isNull();
        assertThat(kde().parse("[Proxy Settings]\nProxyType=4\nhttpProxy=HTTP_PROXY\n"))
                .isNull();
        assertThat(kde().read()).isNull();
    }

    @Test
    void networkManager_theFirstActiveConnectionWithAScript() throws IOException {
        program("nmcli", """
                case "$*" in
                  *--active) printf 'uuid-1\\nuuid-2\\n' ;;
                  *uuid-1) printf 'none\\n\\n' ;;
                  *uuid-2) printf 'auto\\nhttp://pac.corp.test:8000/p.pac\\n' ;;
                esac
                """);
        Map<String, String> environment = Map.of("PATH", folder.toString());
        assertThat(new NetworkManagerSource(environment, folder.resolve("none")).read())
                .isNull();
        ProxySetting setting = new NetworkManagerSource(environment, folder).read();
        assertThat(((ProxySetting.Automatic) setting).script()).isEqualTo("http://pac.corp.test:8000/p.pac");
        assertThat(setting.origin()).contains("uuid-2");
    }

    @Test
    void theSystem_isAskedForEachRequest() {
        SystemSource source = new SystemSource(new ProxySelector() {
            @Override
            public List<Proxy> select(URI uri) {
                assertThat(uri).hasToString("https://x.test:8443/");
                return List.of(
                        new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("a.test", 1)), Proxy.NO_PROXY);
            }

            @Override
            public void connectFailed(URI uri, SocketAddress address, IOException e) {}
        });
        List<Route> routes = ((ProxySetting.Asked) source.read()).ask().apply(new ProxyTarget("https", "x.test", 8443));
        assertThat(((Route.Via) routes.get(0)).upstream().title()).isEqualTo("http://a.test:1");
        assertThat(routes.get(1)).isInstanceOf(Route.Direct.class);
    }

    @Test
    void vpnkit_everyField() {
        ProxySetting setting = VpnkitSource.setting(
                "the file",
                Map.of(
                        "http",
                        "http://user:pass@proxy.test:3128",
                        "https",
                        "proxy.test:3129",
                        "exclude",
                        "*.local, 169.254.0.0/16",
                        "allow_enabled",
                        true,
                        "allow",
                        List.of("docker.test", "*.local", "10.0.0.0/8"),
                        "allow_error_msg",
                        "no %s, really not %s"));
        assertThat(route(setting, "http", "docker.test")).isEqualTo("http://proxy.test:3128: \"http\"");
        assertThat(route(setting, "https", "hub.docker.test")).isEqualTo("http://proxy.test:3129: \"https\"");
        assertThat(route(setting, "http", "x.local")).isEqualTo("direct: \"exclude\" *.local");
        assertThat(route(setting, "http", "other.test"))
                .isEqualTo("refused: not in \"allow\" of the file: no other.test, really not other.test");
        assertThat(route(setting, "http", "10.1.1.1")).startsWith("http://proxy.test");
    }

    @Test
    void vpnkit_nothingIsNoProxy_andTheWrongShapeIsSaid() {
        assertThat(route(VpnkitSource.setting("f", Map.of()), "http", "x.test")).startsWith("direct: no http proxy");
        assertThatThrownBy(() -> VpnkitSource.setting("f", List.of())).hasMessageContaining("object");
        assertThatThrownBy(() -> VpnkitSource.setting("f", Map.of("http", 5L))).hasMessageContaining("\"http\"");
        assertThatThrownBy(() -> VpnkitSource.setting("f", Map.of("allow", "x")))
                .hasMessageContaining("\"allow\"");
        assertThatThrownBy(() -> VpnkitSource.setting("f", Map.of("https", "a:b:c:99999999")))
                .hasMessageContaining("\"https\"");
        assertThat(VpnkitSource.ports(Map.of("p", List.of(80L, 8080L)), "p", List.of(80)))
                .containsExactly(80, 8080);
        assertThat(VpnkitSource.ports(Map.of(), "p", List.of(80))).containsExactly(80);
        assertThatThrownBy(() -> VpnkitSource.ports(Map.of("p", List.of(0L)), "p", List.of()))
                .hasMessageContaining("\"p\"");
    }
}
