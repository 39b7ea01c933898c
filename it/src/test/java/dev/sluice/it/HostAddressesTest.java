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
import dev.sluice.net.TcpServer;
import dev.sluice.wire.Ipv6Address;
import dev.sluice.wire.Ipv6Cidr;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A host of {@code net} on a network whose addresses dnsmasq gives: router advertisements, DHCPv6 and DHCP. */
@Timeout(300)
class HostAddressesTest {
    private static final Ipv6Cidr NETWORK = Ipv6Cidr.parse("fd00:66::/64");
    private static final Ipv6Address KERNEL = Ipv6Address.parse("fd00:66::1");

    @RegisterExtension
    final Lab lab = Lab.needing("ip", "dnsmasq", "nc", "ping");

    private OpenTap tap;
    private Program dnsmasq;
    private Path leases;

    private String sh(String line) {
        return lab.onHost("sh", "-c", line).output();
    }

    private void network(String... ranges) throws Exception {
        Needs.check(Files.exists(Path.of("/proc/net/if_inet6")), "needs a kernel with IPv6");
        TapSpec spec = TapSpec.unconfigured("peer0", 1500);
        tap = NamespaceTap.openByPath(lab.hostNamespace(), spec);
        // On a bridge, which stays when our end is closed: what is said last is still heard by a server that is slow.
        sh("ip link add br0 type bridge mcast_snooping 0 && ip link set peer0 master br0 up && ip link set br0 up"
                + " && ip addr add 10.66.0.1/24 dev br0 && ip -6 addr add fd00:66::1/64 dev br0 nodad");
        Await.until(
                "the kernel has its link-local address",
                () -> sh("ip -6 addr show dev br0"),
                () -> sh("ip -6 addr show dev br0 scope link -tentative").contains("fe80"));
        leases = lab.folder().resolve("leases");
        List<String> command = new ArrayList<>(List.of(
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file=",
                "--user=root",
                "--port=0",
                "--log-facility=-",
                "--log-dhcp",
                "--interface=br0",
                "--enable-ra",
                "--ra-param=br0,4,600",
                "--dhcp-leasefile=" + leases,
                "--dhcp-option=option6:dns-server,[fd00:66::53]",
                "--dhcp-option=option6:domain-search,corp.example"));
        for (String range : ranges) {
            command.add("--dhcp-range=" + range);
        }
        dnsmasq = lab.onHost(command.toArray(String[]::new));
        Await.until(
                "dnsmasq serves",
                dnsmasq::toString,
                () -> dnsmasq.err().contains("router advertisement") || !dnsmasq.alive());
        assertThat(dnsmasq.alive()).as(dnsmasq.toString()).isTrue();
    }

    private NetStack open(NetConfig config) throws Exception {
        return NetStack.open(loop -> new TapLink(loop, tap.fd(), tap.name(), 1500, tap.offloads()), config);
    }

    private static NetConfig patient(NetConfig config) {
        return config.with(new NetConfig.Ipv6.Automatic(Duration.ofSeconds(60)));
    }

    @Test
    void aManagedNetworkGivesAnAddressThatIsReachedAndGivenBack() throws Exception {
        network("fd00:66::100,fd00:66::1ff,64,10m");
        Ipv6Address ours;
        try (NetStack host = open(patient(NetConfig.ipv6Only()));
                TcpServer _ = host.tcp().serve(9000, 4, c -> c.inputStream().transferTo(c.outputStream()))) {
            Ipv6Cidr given = host.ipv6Addresses().getLast();
            ours = given.address();
            assertThat(given.prefix()).as(dnsmasq.toString()).isEqualTo(128);
            assertThat(ours.high()).isEqualTo(NETWORK.address().high());
            assertThat(ours.low()).isBetween(0x100L, 0x1ffL);
            assertThat(host.nameServers()).contains(Ipv6Address.parse("fd00:66::53"));
            assertThat(host.searchDomains()).contains("corp.example");
            assertThat(sh("ping -6 -c 2 -i 0.2 -W 20 " + ours)).contains(" 0% packet loss");
            assertThat(sh("echo hello | nc -6 -N " + ours + " 9000")).isEqualTo("hello\n");
            assertThat(host.icmp().ping(KERNEL, Duration.ofSeconds(60))).isPositive();
            assertThat(Files.readString(leases)).contains(ours.toString());
        }
        Await.until(
                "the lease is given back",
                dnsmasq::toString,
                () -> dnsmasq.err().contains("DHCPRELEASE(br0)"));
    }

    @Test
    void whereRoutersSayOthersOnlyTheHostMakesItsAddressAndAsksForSettings() throws Exception {
        network("fd00:66::,ra-stateless,64,10m");
        try (NetStack host = open(patient(NetConfig.ipv6Only()))) {
            assertThat(host.ipv6Addresses().getLast().prefix()).isEqualTo(64);
            Await.until(
                    "settings have come",
                    dnsmasq::toString,
                    () -> dnsmasq.err().contains("DHCPINFORMATION-REQUEST(br0)"));
            Await.until(
                    "settings are known",
                    host.searchDomains()::toString,
                    () -> host.searchDomains().contains("corp.example"));
            assertThat(dnsmasq.err()).doesNotContain("DHCPSOLICIT");
        }
    }

    @Test
    void bothFamiliesComeFromOneServer() throws Exception {
        network("10.66.0.100,10.66.0.120,10m", "fd00:66::100,fd00:66::1ff,64,10m");
        try (NetStack host = open(patient(NetConfig.dhcp()))) {
            assertThat(host.address()).isNotNull();
            assertThat(host.ipv6Addresses()).hasSize(2);
            assertThat(sh("ping -c 2 -i 0.2 -W 20 " + host.address().address())).contains(" 0% packet loss");
        }
    }
}
