package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
import dev.sluice.it.lab.Program;
import dev.sluice.link.TapLink;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.net.NetConfig;
import dev.sluice.net.NetStack;
import dev.sluice.testkit.Async;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The whole of DHCPv6 (RFC 8415) with ISC's dhcpd: it answers a Solicit by an Advertise, where dnsmasq commits at once, and it remembers what
 * was declined. A lease is short here, so that half a minute sees all of its life.
 */
@Timeout(300)
class DhcpdTest {
    private static final Duration PATIENCE = Duration.ofSeconds(120);
    private static final Ipv6Address FIRST = Ipv6Address.parse("fd00:66::100");
    private static final Ipv6Address SECOND = Ipv6Address.parse("fd00:66::101");
    /** Says each second that addresses are to be had by DHCPv6: type 134, hop limit 64, flag M, a router for half an hour. */
    private static final String ROUTER = """
            import socket, struct, time
            index = socket.if_nametoindex('br0')
            s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            while True:
                s.sendto(struct.pack('!BBHBBHII', 134, 0, 0, 64, 0x80, 1800, 0, 0), ('ff02::1', 0, 0, index))
                time.sleep(1)
            """;

    @RegisterExtension
    final Lab lab = Lab.needing("ip", "dhcpd", "python3", "ping");

    private OpenTap tap;
    private Path leases;

    private String sh(String line) {
        return lab.onHost("sh", "-c", line).output();
    }

    private void network() throws Exception {
        Needs.check(Files.exists(Path.of("/proc/net/if_inet6")), "needs a kernel with IPv6");
        TapSpec spec = TapSpec.unconfigured("peer0", 1500);
        tap = NamespaceTap.openByPath(lab.hostNamespace(), spec);
        // On a bridge, which stays when our end is closed: what is said last is still heard by a server that is slow.
        sh("ip link add br0 type bridge mcast_snooping 0 && ip link set peer0 master br0 up && ip link set br0 up"
                + " && ip -6 addr add fd00:66::1/64 dev br0 nodad");
        Await.until(
                "the kernel has its link-local address",
                () -> sh("ip -6 addr show dev br0"),
                () -> sh("ip -6 addr show dev br0 scope link -tentative").contains("fe80"));
        leases = Files.createFile(lab.folder().resolve("leases"));
        lab.onHost("python3", "-c", ROUTER);
    }

    /** A server on the leases there are, known by {@code name}, the last byte of its identifier. */
    private Program server(String name) throws Exception {
        Path settings = lab.folder().resolve("dhcpd-" + name + ".conf");
        Files.writeString(settings, """
                authoritative;
                server-duid LL ethernet 02:00:00:00:00:%s;
                preferred-lifetime 13;
                default-lease-time 120;
                option dhcp6.name-servers fd00:66::53;
                option dhcp6.domain-search "corp.example";
                subnet6 fd00:66::/64 {
                  range6 %s %s;
                }
                """.formatted(name, FIRST, SECOND));
        Program dhcpd = lab.onHost(
                "dhcpd", "-6", "-f", "-d", "--no-pid", "-cf", settings.toString(), "-lf", leases.toString(), "br0");
        Await.until("dhcpd serves", dhcpd::toString, () -> dhcpd.err().contains("Sending on") || !dhcpd.alive());
        assertThat(dhcpd.alive()).as(dhcpd.toString()).isTrue();
        return dhcpd;
    }

    private NetStack open() throws Exception {
        return NetStack.open(
                loop -> new TapLink(loop, tap.fd(), tap.name(), 1500, tap.offloads()),
                NetConfig.ipv6Only().with(new NetConfig.Ipv6.Automatic(PATIENCE)));
    }

    /** Waits until {@code server} has got and sent {@code messages}, in this order, whatever is between them. */
    private static void awaitExchange(Program server, String... messages) {
        Pattern pattern = Pattern.compile(String.join(".*", messages), Pattern.DOTALL);
        Await.until(
                String.join(", ", messages),
                server::toString,
                () -> pattern.matcher(server.err()).find());
    }

    @Test
    void aLeaseIsAskedForInFourMessagesRenewedTakenOverByAnotherServerAndGivenBack() throws Exception {
        network();
        Program first = server("0a");
        Program second;
        try (NetStack host = open()) {
            Ipv6Cidr given = host.ipv6Addresses().getLast();
            assertThat(given.address()).as(first.toString()).isIn(FIRST, SECOND);
            awaitExchange(first, "Solicit message from", "Sending Advertise", "Request message from", "Sending Reply");
            assertThat(host.nameServers()).contains(Ipv6Address.parse("fd00:66::53"));
            assertThat(host.searchDomains()).contains("corp.example");
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 " + given.address())).contains(" 0% packet loss");

            awaitExchange(first, "Renew message from", "Sending Reply");

            // Another server with the same leases: a Renew is not for it, a Rebind is for any.
            first.signal("TERM");
            first.exitCode();
            Files.write(
                    leases,
                    Files.readAllLines(leases).stream()
                            .filter(line -> !line.startsWith("server-duid"))
                            .toList());
            second = server("0b");
            awaitExchange(second, "Rebind message from", "Sending Reply");
            assertThat(host.ipv6Addresses()).as(second.toString()).contains(given);
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 " + given.address())).contains(" 0% packet loss");
        }
        awaitExchange(second, "Release message from");
    }

    @Test
    void anAddressThatSomebodyHasIsDeclinedAndTheServerGivesAnother() throws Exception {
        network();
        Program dhcpd = server("0a");
        for (Ipv6Address taken : new Ipv6Address[] {FIRST, SECOND}) {
            sh("ip -6 addr add " + taken + "/128 dev br0 nodad");
        }
        CompletableFuture<NetStack> opening = Async.async(this::open);
        awaitExchange(dhcpd, "Decline message from", "Sending Reply");
        for (Ipv6Address taken : new Ipv6Address[] {FIRST, SECOND}) {
            sh("ip -6 addr del " + taken + "/128 dev br0");
        }
        try (NetStack host = opening.get()) {
            Ipv6Address given = host.ipv6Addresses().getLast().address();
            assertThat(given).as(dhcpd.toString()).isIn(FIRST, SECOND);
            Ipv6Address declined = given.equals(FIRST) ? SECOND : FIRST;
            awaitExchange(dhcpd, "Decline message from", declined.toString(), "Sending Advertise", given.toString());
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 " + given)).contains(" 0% packet loss");
        }
    }
}
