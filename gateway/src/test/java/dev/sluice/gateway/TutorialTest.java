package dev.sluice.gateway;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Subscription;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.link.LinkUrl;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetException;
import dev.sluice.net.NetStack;
import dev.sluice.net.TcpConnection;
import dev.sluice.net.TcpServer;
import dev.sluice.testkit.MemoryLink;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What docs/gateway.md and README.md show: every line of Java in them stands here, and runs. */
@Timeout(120)
class TutorialTest {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TempDir
    Path folder;

    @Test
    void aMachineConnectsToTheSocketThatIsListenedAt() throws Exception {
        Path socket = folder.resolve("vm.sock");
        try (Gateway gateway = Gateway.builder().start()) {
            gateway.listen(LinkUrl.parse("qemu:" + socket)); // or attach a Link: a TAP, a stream, one of your own
            use(gateway);
        }
        assertThat(socket).as("it goes with the gateway").doesNotExist();
    }

    private void use(Gateway gateway) throws IOException {
        try (SocketChannel _ = SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("vm.sock")))) {
            while (gateway.status().links().isEmpty()) {
                Thread.yield();
            }
        }
    }

    @Test
    void aListenerEndsAloneAndThePlaceThatIsTakenIsSaid() throws Exception {
        LinkUrl url = LinkUrl.parse("qemu:" + folder.resolve("vm.sock"));
        try (Gateway gateway = Gateway.builder().start()) {
            try (AutoCloseable _ = gateway.listen(url)) {
                assertThatThrownBy(() -> gateway.listen(url))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("in use");
            }
            assertThat(gateway.listeners())
                    .as("nothing is kept of what has ended")
                    .isZero();
            gateway.listen(url);
        }
    }

    @Test
    void aGatewayThatHasEndedListensNowhere() throws Exception {
        Path socket = folder.resolve("vm.sock");
        Gateway gateway = Gateway.builder().start();
        gateway.close();
        assertThatThrownBy(() -> gateway.listen(LinkUrl.parse("qemu:" + socket)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("closed");
        assertThat(socket).doesNotExist();
    }

    @Test
    void aGuestOfThisProcessReachesTheHostAndIsReached() throws Exception {
        AddressPlan plan = AddressPlan.of(Ipv4Cidr.parse("192.168.65.0/24"), 1500, true);
        FlowPolicy usual = FlowPolicy.of(plan);
        FlowPolicy noMail = flow -> flow.destinationPort() == 25 ? new FlowPolicy.Prohibit() : usual.decide(flow);
        Gateway.Builder builder = Gateway.builder().plan(plan).policy(noMail);
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Gateway gateway = builder.start()) {
            Thread.startVirtualThread(() -> greet(server));
            MemoryLink.Pair cable = MemoryLink.pair(gateway.loop(), 1500, true);
            gateway.attach(cable.right());
            NetConfig config = NetConfig.of("192.168.65.3/24", "192.168.65.1");
            try (NetStack guest = NetStack.open(gateway.loop(), cable.left(), config)) {
                Ipv4Address host = gateway.plan().host();
                try (TcpConnection connection = guest.tcp().connect(host, server.getLocalPort(), PATIENCE)) {
                    assertThat(connection.inputStream().readAllBytes()).isEqualTo("hello".getBytes(US_ASCII));
                }
                assertThatThrownBy(() -> guest.tcp().connect(Ipv4Address.parse("192.0.2.1"), 25, PATIENCE))
                        .isInstanceOf(NetException.class);
                isReached(gateway, guest);
            }
        }
    }

    private static void isReached(Gateway gateway, NetStack guest) throws Exception {
        try (TcpServer _ = guest.tcp().serve(80, 16, connection -> connection.write("hi".getBytes(US_ASCII)));
                Subscription events = gateway.events().subscribe(Set.of(Event.Kind.FLOW_OPEN))) {
            Gateway.Forward web = gateway.publishTcp(Ipv4Address.LOOPBACK, 0, null, 80);
            try (Socket client = new Socket(InetAddress.getLoopbackAddress(), web.port())) {
                assertThat(client.getInputStream().readAllBytes()).isEqualTo("hi".getBytes(US_ASCII));
            }
            assertThat(events.next(PATIENCE).kind()).isEqualTo(Event.Kind.FLOW_OPEN);
            web.close();
        }
    }

    private static void greet(ServerSocket server) {
        try (Socket client = server.accept()) {
            client.getOutputStream().write("hello".getBytes(US_ASCII));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void everySnippetStandsHere() throws IOException {
        String own = Files.readString(Path.of("src/test/java/dev/sluice/gateway/TutorialTest.java"))
                .replaceAll("\\s+", "");
        List<String> strangers = new ArrayList<>();
        for (String page : List.of("../docs/gateway.md", "../README.md")) {
            Matcher snippet =
                    Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(Files.readString(Path.of(page)));
            while (snippet.find()) {
                if (!own.contains(snippet.group(1).replaceAll("\\s+", ""))) {
                    strangers.add(snippet.group(1));
                }
            }
        }
        assertThat(strangers).isEmpty();
    }
}
