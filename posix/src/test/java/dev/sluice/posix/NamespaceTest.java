package dev.sluice.posix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** TAP devices and rtnetlink in a network namespace that the test makes; each runs on a thread that has it for itself. */
class NamespaceTest {
    @BeforeEach
    void needsRights() {
        if (Processes.effectiveUid() != 0 || !Files.exists(Path.of(Tun.DEVICE))) {
            System.out.println("SKIPPED: network namespace tests need root and " + Tun.DEVICE);
            assumeTrue(false, "needs root and /dev/net/tun");
        }
    }

    @Test
    void aTapIsMadeWithOffloadsAndConfiguredThroughNetlink() throws Exception {
        inNewNamespace(() -> {
            int fd = Tun.open();
            try (Netlink netlink = new Netlink()) {
                assertThat(Tun.attach(fd, "tap7", Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR))
                        .isEqualTo("tap7");
                Tun.setVnetHeaderSize(fd, Tun.VNET_HEADER);
                int offloads = Tun.enableOffloads(fd);
                assertThat(offloads & 0x7).isEqualTo(Tun.TUN_F_CSUM | Tun.TUN_F_TSO4 | Tun.TUN_F_TSO6);
                Tun.setMac(fd, 0x0250_0000_0003L);
                assertThat(Tun.mac(fd)).isEqualTo(0x0250_0000_0003L);
                assertThat(Tun.name(fd)).isEqualTo("tap7");

                int index = netlink.index("tap7");
                netlink.setMtu(index, 9000);
                netlink.setQueueLength(index, 5000);
                netlink.setMac(index, 0x0250_0000_0004L);
                assertThat(Tun.mac(fd)).isEqualTo(0x0250_0000_0004L);
                netlink.setUp(netlink.index("lo"));
                netlink.setUp(index);
                InetAddress v4 = InetAddress.ofLiteral("192.168.65.3");
                InetAddress v6 = InetAddress.ofLiteral("fd00:5109:5ce::3");
                netlink.addAddress(index, v4, 24);
                netlink.addAddress(index, v6, 64);
                netlink.addDefaultRoute(index, InetAddress.ofLiteral("192.168.65.1"));
                netlink.addDefaultRoute(index, InetAddress.ofLiteral("fd00:5109:5ce::1"));
                netlink.addRoute(index, InetAddress.ofLiteral("10.9.0.0"), 16, InetAddress.ofLiteral("192.168.65.2"));

                assertThat(netlink.addresses())
                        .contains(
                                new Netlink.InterfaceAddress(index, v4, 24),
                                new Netlink.InterfaceAddress(index, v6, 64),
                                new Netlink.InterfaceAddress(1, InetAddress.ofLiteral("127.0.0.1"), 8));
                assertThat(netlink.routes())
                        .anyMatch(r -> !r.ipv6()
                                && r.destination().isEmpty()
                                && r.gateway().orElseThrow().getHostAddress().equals("192.168.65.1"))
                        .anyMatch(r -> r.ipv6() && r.destination().isEmpty() && r.index() == index)
                        .anyMatch(r -> r.prefix() == 16
                                && r.destination()
                                        .orElseThrow()
                                        .getHostAddress()
                                        .equals("10.9.0.0"));

                assertThatThrownBy(() -> netlink.addAddress(index, v4, 24))
                        .isInstanceOf(PosixException.class)
                        .hasMessageContaining("192.168.65.3/24")
                        .hasMessageContaining("exists");
                assertThatThrownBy(() -> netlink.index("nope0"))
                        .hasMessageContaining("nope0")
                        .hasMessageContaining("No such device");
                assertThatThrownBy(() -> netlink.setMtu(index, 1 << 20)).isInstanceOf(PosixException.class);
            } finally {
                Io.close(fd);
            }
            return null;
        });
    }

    @Test
    void framesComeWithAVirtioHeader() throws Exception {
        inNewNamespace(() -> {
            int fd = Tun.open();
            try (Netlink netlink = new Netlink();
                    Arena arena = Arena.ofConfined()) {
                Tun.attach(fd, "tap0", Tun.IFF_TAP | Tun.IFF_NO_PI | Tun.IFF_VNET_HDR);
                Tun.setVnetHeaderSize(fd, Tun.VNET_HEADER);
                int index = netlink.index("tap0");
                netlink.addAddress(index, InetAddress.ofLiteral("192.168.65.3"), 24);
                netlink.setUp(index);
                int socket = Sockets.socket(Sockets.AF_INET, Sockets.DGRAM, 0);
                MemorySegment buffer = arena.allocate(2048, 8);
                MemorySegment address = arena.allocate(16, 8);
                SocketAddress.writeV4(address, 0, 0xc0a84101, 53);
                assertThat(Sockets.sendto(socket, buffer, 0, 10, 0, address, 16))
                        .isEqualTo(10);
                // the neighbour is asked for first: wait for the ARP frame among what IPv6 sends by itself
                int type;
                do {
                    assertThat(Poll.await(fd, Poll.IN, 60_000)).isEqualTo(Poll.IN);
                    int n = Io.read(fd, buffer, 0, 2048);
                    assertThat(n).isGreaterThan(Tun.VNET_HEADER + 14);
                    type = Short.reverseBytes(buffer.get(ValueLayout.JAVA_SHORT_UNALIGNED, Tun.VNET_HEADER + 12))
                            & 0xffff;
                } while (type != 0x0806);
                Io.close(socket);
            } finally {
                Io.close(fd);
            }
            return null;
        });
    }

    @Test
    void aNameThatIsTooLongOrTakenIsRefusedInWords() throws Exception {
        inNewNamespace(() -> {
            int first = Tun.open();
            int second = Tun.open();
            Tun.attach(first, "tap0", Tun.IFF_TAP | Tun.IFF_NO_PI);
            assertThatThrownBy(() -> Tun.attach(second, "tap0", Tun.IFF_TAP | Tun.IFF_NO_PI))
                    .hasMessageContaining("tap0");
            assertThatThrownBy(() -> Tun.attach(second, "a-name-of-16-byt", Tun.IFF_TAP))
                    .hasMessageContaining("16 bytes");
            Io.close(first);
            Io.close(second);
            return null;
        });
    }

    @Test
    void workIsDoneInsideAndTheCallerStaysHome() throws Exception {
        String home =
                Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net")).toString();
        Process holder = new ProcessBuilder("unshare", "--net", "sleep", "1000").start();
        try {
            Path link = Path.of("/proc/" + holder.pid() + "/ns/net");
            String inside;
            while ((inside = Files.readSymbolicLink(link).toString()).equals(home)) {
                Thread.onSpinWait();
            }
            int fd = Io.open(link.toString(), Io.O_RDONLY);
            assertThat(Namespaces.type(fd)).isEqualTo(Namespaces.CLONE_NEWNET);
            assertThat(Namespaces.callIn(
                            fd,
                            () -> Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"))
                                    .toString()))
                    .contains(inside);
            assertThat(Files.readSymbolicLink(Path.of("/proc/thread-self/ns/net"))
                            .toString())
                    .isEqualTo(home);
            assertThatThrownBy(() -> Namespaces.callIn(fd, () -> {
                        throw new IllegalStateException("from inside");
                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("from inside");
            Io.close(fd);
        } finally {
            holder.destroyForcibly().waitFor();
        }
    }

    private static void inNewNamespace(Callable<?> work) throws Exception {
        FutureTask<Object> task = new FutureTask<>(() -> {
            Namespaces.unshare(Namespaces.CLONE_NEWNET);
            return work.call();
        });
        Thread.ofPlatform().start(task);
        try {
            task.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof AssertionError failed) {
                throw failed;
            }
            throw e;
        }
    }
}
