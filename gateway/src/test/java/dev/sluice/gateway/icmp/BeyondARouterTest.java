package dev.sluice.gateway.icmp;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.flow.GuestSide;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.flow.Shares;
import dev.sluice.gateway.udp.UdpFlows;
import dev.sluice.host.LinuxDatagramHost;
import dev.sluice.loop.EventLoop;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.PosixException;
import dev.sluice.testkit.Async;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Pings and traceroutes through real sockets in a network of three namespaces: the host, a router, a target behind it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BeyondARouterTest {
    private static final String ROUTER = "10.77.1.2";
    private static final String TARGET = "10.77.2.1";
    private static final String HOST_SPACE = space("host");
    private static final String ROUTER_SPACE = space("router");
    private static final String TARGET_SPACE = space("target");

    /** How the host lets us ping. */
    enum Way {
        PING_SOCKET("0 2147483647"),
        RAW_SOCKET("1 0");

        final String groups;

        Way(String groups) {
            this.groups = groups;
        }
    }

    private final GuestSide side = new GuestSide();
    private final Counters counters = new Counters();
    private final Guest guest = GuestSide.guest("192.168.65.3");

    private static String space(String role) {
        return "sluice-" + role + "-" + ProcessHandle.current().pid();
    }

    @BeforeAll
    void buildNetwork() throws Exception {
        boolean able = "root".equals(System.getProperty("user.name")) && Files.exists(Path.of("/usr/sbin/ip"));
        if (!able) {
            System.out.println("SKIPPED BeyondARouterTest: needs root and ip(8), to make network namespaces");
        }
        Assumptions.assumeTrue(able, "needs root and ip(8), to make network namespaces");
        run("ip netns add " + HOST_SPACE);
        run("ip netns add " + ROUTER_SPACE);
        run("ip netns add " + TARGET_SPACE);
        connect(HOST_SPACE, "10.77.1.1/24", ROUTER_SPACE, "10.77.1.2/24");
        connect(TARGET_SPACE, "10.77.2.1/24", ROUTER_SPACE, "10.77.2.2/24");
        run("ip -n " + HOST_SPACE + " link set lo up");
        run("ip -n " + HOST_SPACE + " route add default via 10.77.1.2");
        run("ip -n " + TARGET_SPACE + " route add default via 10.77.2.2");
        run("ip -n " + ROUTER_SPACE + " route add unreachable 10.77.9.0/24");
        set(ROUTER_SPACE, "ip_forward", "1");
        // No kind of error is rate-limited; a limit of 0 instead would empty the bucket of "host unreachable".
        set(ROUTER_SPACE, "icmp_ratemask", "0");
        set(TARGET_SPACE, "icmp_ratemask", "0");
    }

    @AfterAll
    void removeNetwork() throws Exception {
        for (String space : new String[] {HOST_SPACE, ROUTER_SPACE, TARGET_SPACE}) {
            if (Files.exists(Path.of("/run/netns", space))) {
                run("ip netns del " + space);
            }
        }
    }

    private static void connect(String one, String address, String other, String otherAddress) throws Exception {
        String name = otherAddress.startsWith("10.77.1.") ? "left" : "right";
        run("ip link add " + name + " netns " + other + " type veth peer name eth0 netns " + one);
        run("ip -n " + one + " addr add " + address + " dev eth0");
        run("ip -n " + other + " addr add " + otherAddress + " dev " + name);
        run("ip -n " + one + " link set eth0 up");
        run("ip -n " + other + " link set " + name + " up");
    }

    private static void set(String space, String name, String value) throws Exception {
        run("ip", "netns", "exec", space, "sh", "-c", "echo " + value + " > /proc/sys/net/ipv4/" + name);
    }

    private static void run(String command) throws Exception {
        run(command.split(" "));
    }

    private static void run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + output);
        }
    }

    /** The flows on a loop inside the host's namespace. */
    private final class Bed implements AutoCloseable {
        final EventLoop loop = EventLoop.start("test");
        final EchoFlows echo;
        final UdpFlows udp;

        Bed(Way way) throws Exception {
            set(HOST_SPACE, "ping_group_range", way.groups);
            int space = PosixException.check(Io.open("/run/netns/" + HOST_SPACE, Io.O_RDONLY), "open");
            AddressPlan plan = AddressPlan.of(AddressPlan.DEFAULT_SUBNET, 1500, true);
            on(() -> {
                Namespaces.enter(space, Namespaces.CLONE_NEWNET);
                return Io.close(space);
            });
            LinuxDatagramHost host = new LinuxDatagramHost(loop);
            Shares shares = new Shares(Limits.defaults());
            FlowPolicy policy = FlowPolicy.of(plan);
            echo = on(() -> new EchoFlows(
                    loop, host, plan, shares, policy, side, side, counters, new Events(counters, () -> 0)));
            udp = on(() -> new UdpFlows(
                    loop, host, plan, shares, policy, side, side, counters, new Events(counters, () -> 0)));
        }

        <T> T on(Callable<T> action) throws Exception {
            return Async.on(loop, action);
        }

        void ping(String destination, int identifier, int sequence, int timeToLive, byte... payload) throws Exception {
            on(() -> {
                int length = side.echo(guest.address, destination, identifier, sequence, timeToLive, payload);
                echo.onMessage(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
                return true;
            });
        }

        void send(String destination, int port, int timeToLive) throws Exception {
            on(() -> {
                int bits = Ipv4Address.parse(destination).bits();
                int length = side.udp(guest.address, 5000, bits, port, timeToLive, 0, new byte[32]);
                udp.onDatagram(guest, side.memory, GuestSide.IP, GuestSide.IP + 20, length, loop.now());
                return true;
            });
        }

        @Override
        public void close() throws Exception {
            on(() -> {
                echo.close();
                udp.close();
                return true;
            });
            assertThat(loop.failures()).isZero();
            loop.close();
        }
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aPingComesBackWithTheGuestsIdentifier(Way way) throws Exception {
        try (Bed bed = new Bed(way)) {
            bed.ping(TARGET, 0xbeef, 1, 64, (byte) 1, (byte) 2);
            bed.ping(TARGET, 0xbeef, 2, 64, (byte) 3);
            bed.ping(TARGET, 0xcafe, 9, 64);
            assertReply(0xbeef, 1, new byte[] {1, 2});
            assertReply(0xbeef, 2, new byte[] {3});
            assertReply(0xcafe, 9, new byte[0]);
            byte[] large = new byte[60_000];
            new Random(1).nextBytes(large);
            bed.ping(TARGET, 0xbeef, 3, 64, large);
            assertReply(0xbeef, 3, large);
            assertThat(bed.on(bed.echo::size)).isEqualTo(2);
        }
    }

    private void assertReply(int identifier, int sequence, byte[] payload) throws Exception {
        GuestSide.Packet reply = side.nextPacket();
        MemorySegment s = MemorySegment.ofArray(reply.transport());
        assertThat(reply.source()).isEqualTo(TARGET);
        assertThat(IcmpHeader.type(s, 0)).isEqualTo(IcmpHeader.ECHO_REPLY);
        assertThat(IcmpHeader.identifier(s, 0)).isEqualTo(identifier);
        assertThat(IcmpHeader.sequence(s, 0)).isEqualTo(sequence);
        assertThat(reply.payload()).isEqualTo(payload);
        assertThat(GuestSide.icmpChecksumIsGood(reply.transport())).isTrue();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void aTracerouteOfPingsShowsTheRouterThenTheTarget(Way way) throws Exception {
        try (Bed bed = new Bed(way)) {
            bed.ping(TARGET, 0xbeef, 1, 2, new byte[40]); // the first hop is ourselves: the dispatcher answers 1
            GuestSide.Failure hop = side.nextFailure();
            assertThat(hop.echo())
                    .isEqualTo("11/0 by " + ROUTER + ": 192.168.65.3 > " + TARGET + " type 8 id 48879 sequence 1");
            assertThat(hop.headerIsGood()).isTrue();
            bed.ping(TARGET, 0xbeef, 2, 3, new byte[40]);
            assertReply(0xbeef, 2, new byte[40]);
            bed.ping("10.77.9.9", 0xbeef, 3, 64, new byte[40]);
            assertThat(side.nextFailure().echo())
                    .isEqualTo("3/1 by " + ROUTER + ": 192.168.65.3 > 10.77.9.9 type 8 id 48879 sequence 3");
            // A pending error of another destination must not cost the next request.
            bed.ping(TARGET, 0xbeef, 4, 64);
            assertReply(0xbeef, 4, new byte[0]);
        }
    }

    @ParameterizedTest
    @EnumSource(names = "PING_SOCKET")
    void aTracerouteOfUdpShowsTheRouterThenTheTarget(Way way) throws Exception {
        try (Bed bed = new Bed(way)) {
            bed.send(TARGET, 33_434, 2);
            assertThat(side.nextFailure().udp())
                    .isEqualTo("11/0 by " + ROUTER + ": 192.168.65.3:5000 > " + TARGET + ":33434");
            bed.send(TARGET, 33_435, 3);
            assertThat(side.nextFailure().udp())
                    .isEqualTo("3/3 by " + TARGET + ": 192.168.65.3:5000 > " + TARGET + ":33435");
            bed.send("10.77.9.9", 53, 64);
            assertThat(side.nextFailure().udp()).isEqualTo("3/1 by " + ROUTER + ": 192.168.65.3:5000 > 10.77.9.9:53");
        }
    }
}
