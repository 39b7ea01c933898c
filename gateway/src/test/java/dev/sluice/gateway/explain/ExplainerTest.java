package dev.sluice.gateway.explain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.dns.Explanation;
import dev.sluice.gateway.explain.Explained.Stage;
import dev.sluice.gateway.explain.Explained.Step;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.wire.Ipv4Address;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way that a request can go, with servers on the loopback; names and policies are this test's. Certificates: ExplainTest in it. */
@Timeout(60)
class ExplainerTest {
    private static final AddressPlan PLAN = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, false);
    private static final String CANARY = "canary-in-a-password";

    private final List<ServerSocket> servers = new ArrayList<>();
    private String answers = "127.0.0.1";
    private ProxyPolicy policy = ProxyPolicy.DIRECT;
    private FlowPolicy flows;

    @BeforeEach
    void prepare() {
        flows = request -> FlowPolicy.of(PLAN).decide(request);
    }

    @AfterEach
    void stop() throws IOException {
        for (ServerSocket server : servers) {
            server.close();
        }
    }

    private Explained explain(String target) {
        Explainer explainer = new Explainer(
                PLAN,
                (name, type) -> new Explanation(
                        name,
                        type,
                        List.of(
                                new Explanation.Step("hosts file", "does not know x"),
                                new Explanation.Step("a server", answers)),
                        answers,
                        List.of(answers)),
                request -> flows.decide(request),
                () -> policy,
                port -> port == 80 || port == 443);
        Explained explained = explainer.explain(target, PLAN.firstGuest());
        assertThat(explained.toString()).doesNotContain(CANARY);
        return explained;
    }

    private static List<Stage> stages(Explained explained) {
        return explained.steps().stream().map(Step::stage).toList();
    }

    private interface Service {
        void serve(Socket socket) throws IOException;
    }

    private int server(Service service) throws IOException {
        ServerSocket server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        servers.add(server);
        Thread.ofVirtual().start(() -> {
            while (true) {
                try (Socket socket = server.accept()) {
                    service.serve(socket);
                } catch (IOException e) {
                    if (server.isClosed()) {
                        return;
                    }
                }
            }
        });
        return server.getLocalPort();
    }

    private int proxy(String answer) throws IOException {
        return server(socket -> {
            head(socket.getInputStream());
            socket.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
        });
    }

    private static String head(InputStream in) throws IOException {
        StringBuilder head = new StringBuilder();
        while (head.indexOf("\r\n\r\n") < 0) {
            int c = in.read();
            if (c < 0) {
                break;
            }
            head.append((char) c);
        }
        return head.toString();
    }

    private static ProxyPolicy always(Route... routes) {
        return new ProxyPolicy() {
            @Override
            public boolean active() {
                return true;
            }

            @Override
            public List<Route> routes(ProxyTarget target) {
                return List.of(routes);
            }
        };
    }

    private static Route via(Upstream.Kind kind, int port) {
        return new Route.Via(
                new Upstream(kind, "127.0.0.1", port, Optional.of(new Credentials("me", CANARY))), "a rule");
    }

    @Test
    void aServerIsReachedStraight() throws IOException {
        Explained explained = explain("http://web.test:" + server(socket -> {}) + "/x?y#z");
        assertThat(explained.works()).isTrue();
        assertThat(explained.remedy()).isNull();
        assertThat(stages(explained)).containsExactly(Stage.NAME, Stage.PROXY, Stage.ROUTE, Stage.CONNECT);
        assertThat(explained.steps().getFirst().who()).isEqualTo("a server");
        assertThat(explained.steps().get(2).said()).isEqualTo("127.0.0.1 from 127.0.0.1 by lo");
    }

    @Test
    void aNameAloneIsOnlyFound() {
        assertThat(stages(explain("web.test"))).containsExactly(Stage.NAME, Stage.ROUTE);
    }

    @ParameterizedTest
    @CsvSource({
        "no such name (NXDOMAIN), check the spelling",
        "the name exists without such a record (NODATA), no address of this kind",
        "it could not find out (SERVFAIL), the name server does not help"
    })
    void aNameThatIsNotFoundIsWhatFails(String answer, String remedy) {
        answers = answer;
        Explained explained = explain("https://web.test/");
        assertThat(explained.works()).isFalse();
        assertThat(explained.outcome()).isEqualTo("web.test A: " + answer);
        assertThat(explained.remedy()).contains(remedy);
        assertThat(explained.steps()).as("nothing is well after what failed").noneMatch(Step::ok);
        assertThat(stages(explained)).containsOnly(Stage.NAME);
    }

    @Test
    void whatRefusesConnectionsIsNamed() throws IOException {
        ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        gone.close();
        Explained explained = explain("web.test:" + gone.getLocalPort());
        assertThat(explained.outcome()).isEqualTo("127.0.0.1:" + gone.getLocalPort() + " refuses connections");
        assertThat(explained.remedy()).startsWith("nothing listens there");
    }

    @Test
    void theClosedLoopbackOfThisMachineIsNamed() {
        answers = PLAN.host().toString();
        Explained explained = explain("http://host.test/");
        assertThat(explained.outcome()).contains("192.168.65.2 is closed to guests");
        assertThat(explained.remedy()).contains("--host-loopback");
        assertThat(stages(explained)).doesNotContain(Stage.CONNECT, Stage.PROXY);
    }

    @Test
    void theOpenLoopbackIsSaidToBeThisMachine() throws IOException {
        answers = PLAN.host().toString();
        flows = request -> new FlowPolicy.Allow(Ipv4Address.LOOPBACK, request.destinationPort());
        Explained explained = explain("host.test:" + server(socket -> {}));
        assertThat(explained.works()).isTrue();
        assertThat(explained.steps())
                .anyMatch(step -> step.said().equals("192.168.65.2 means 127.0.0.1 of this machine"));
    }

    @ParameterizedTest
    @CsvSource({
        "HTTP/1.1 407 Proxy Authentication Required, does not accept the user name",
        "HTTP/1.1 403 Forbidden, its rules forbid this",
        "HTTP/1.1 503 Service Unavailable, can't reach the server",
        "SSH-2.0-x, check the proxy's address"
    })
    void aProxyThatRefusesIsQuotedAndItsPasswordIsNot(String answer, String remedy) throws IOException {
        policy = always(via(Upstream.Kind.HTTP, proxy(answer + "\r\n\r\n")));
        Explained explained = explain("https://web.test/");
        assertThat(explained.works()).isFalse();
        assertThat(explained.remedy()).contains(remedy);
        assertThat(explained.steps().getLast().stage()).isEqualTo(Stage.TUNNEL);
    }

    @Test
    void theNextWayOfTheListIsTried() throws IOException {
        policy = always(
                via(Upstream.Kind.HTTP, proxy("HTTP/1.1 403 No\r\n\r\n")),
                via(Upstream.Kind.HTTP, proxy("HTTP/1.1 200 OK\r\n\r\n")));
        Explained explained = explain("web.test:443");
        assertThat(explained.works()).isTrue();
        assertThat(explained.steps().getLast().said()).isEqualTo("the proxy answers 200 OK");
    }

    @Test
    void aRuleThatForbidsIsNamedAndPortsThatNobodyLooksIntoGoStraight() throws IOException {
        policy = always(new Route.Refused("not this one", "a list"));
        Explained forbidden = explain("https://web.test/");
        assertThat(forbidden.outcome()).isEqualTo("not this one");
        assertThat(forbidden.remedy()).startsWith("this rule forbids it");
        assertThat(forbidden.steps().getLast().who()).isEqualTo("a list");
        assertThat(explain("web.test:" + server(socket -> {})).works()).isTrue();
    }

    @Test
    void aProxyThatIsDownIsNamedWithTheRemedy() throws IOException {
        ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        gone.close();
        policy = always(via(Upstream.Kind.HTTP, gone.getLocalPort()));
        Explained explained = explain("https://web.test/");
        assertThat(explained.outcome()).isEqualTo("127.0.0.1:" + gone.getLocalPort() + " refuses connections");
        assertThat(explained.remedy()).contains("check that the proxy runs");
        assertThat(explained.steps().getLast().ok()).isFalse();
    }

    @Test
    void aProxyThatWantsAPasswordIsGivenOne() throws IOException {
        int port = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        policy = always(new Route.Via(new Upstream(Upstream.Kind.HTTP, "127.0.0.1", port, Optional.empty()), "a rule"));
        assertThat(explain("https://web.test/").remedy()).contains("http://USER:PASSWORD@HOST:PORT");
    }

    @Test
    void aScriptThatFailsIsNamedWithItsLine_whateverComesOfGoingDirectly() throws IOException {
        policy = always(new Route.Direct(Route.Direct.INSTEAD + "p.pac line 3: x is not defined"));
        Explained reached = explain("http://web.test:" + server(socket -> {}) + "/");
        assertThat(reached.works()).isTrue();
        assertThat(reached.steps())
                .anyMatch(step -> step.stage() == Stage.PROXY
                        && !step.ok()
                        && step.who().contains("p.pac line 3")
                        && step.remedy() != null);
        ServerSocket gone = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        gone.close();
        Explained not = explain("http://web.test:" + gone.getLocalPort() + "/");
        assertThat(not.works()).isFalse();
        assertThat(not.remedy()).startsWith("correct the proxy's script").contains("nothing listens there");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void socksIsSpoken(int code) throws IOException {
        int port = server(socket -> {
            DataInputStream in = new DataInputStream(socket.getInputStream());
            in.readNBytes(4);
            socket.getOutputStream().write(new byte[] {5, 2});
            in.readByte();
            assertThat(new String(in.readNBytes(in.readByte()), StandardCharsets.UTF_8))
                    .isEqualTo("me");
            assertThat(new String(in.readNBytes(in.readByte()), StandardCharsets.UTF_8))
                    .isEqualTo(CANARY);
            socket.getOutputStream().write(new byte[] {1, 0});
            in.readNBytes(4);
            in.readNBytes(in.readByte() + 2);
            socket.getOutputStream().write(new byte[] {5, (byte) code, 0, 1, 0, 0, 0, 0, 0, 0});
        });
        policy = always(via(Upstream.Kind.SOCKS5, port));
        Explained explained = explain("web.test:443");
        assertThat(explained.works()).isEqualTo(code == 0);
        if (code != 0) {
            assertThat(explained.outcome()).contains("forbidden by its rules");
        }
    }

    @Test
    void whatSpeaksNoTlsIsNamed() throws IOException {
        int port = server(socket -> {
            socket.getInputStream().read();
            socket.getOutputStream().write("220 mail.test ready\r\n".getBytes(StandardCharsets.US_ASCII));
        });
        Explained explained = explain("https://web.test:" + port + "/");
        assertThat(explained.works()).isFalse();
        assertThat(explained.remedy()).contains("speaks no TLS");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "ftp://x/", "https://", "a b", "x:0", "x:99999", "[::1", "http://a@/"})
    void whatIsNoTargetIsSaid(String text) {
        assertThatThrownBy(() -> explain(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("write https://example.com/");
    }

    @Test
    void targetsAreReadAsUsersWriteThem() {
        assertThat(Target.parse("HTTPS://User:pw@Example.COM./p?q@r"))
                .isEqualTo(new Target("https", "example.com", 443));
        assertThat(Target.parse("http://[2001:db8::1]:8080")).isEqualTo(new Target("http", "2001:db8::1", 8080));
        assertThat(Target.parse("2001:db8::1")).isEqualTo(new Target("", "2001:db8::1", 0));
        assertThat(Target.parse("a.b:25").place()).isEqualTo("a.b:25");
    }
}
