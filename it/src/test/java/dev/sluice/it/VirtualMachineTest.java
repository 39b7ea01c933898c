package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.Dns;
import dev.sluice.it.lab.GuestKernel;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Program;
import dev.sluice.it.lab.TestServers;
import dev.sluice.it.lab.VirtualMachine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Real kernels in QEMU, with Debian's cloud kernel and busybox, on one {@code qemu:} listener. */
class VirtualMachineTest {
    private static final long LENGTH = 50_000_000;
    private static final String FIRST_MAC = "52:54:00:00:00:01";
    private static final String SECOND_MAC = "52:54:00:00:00:02";

    /** One story, as booting is what takes the time. */
    @Test
    void virtualMachinesGetAddressesNamesDataAndEachOther() throws IOException {
        GuestKernel kernel = GuestKernel.find();
        try (Lab lab = Lab.open("qemu-system-x86_64", "busybox", "cpio", "curl", "dnsmasq")) {
            lab.server(TestServers.class);
            Dns.start(lab);
            Files.writeString(lab.folder().resolve("hello"), "hello from the host\n");
            Program pages = lab.onHost(
                    "busybox",
                    "httpd",
                    "-f",
                    "-p",
                    "127.0.0.1:8080",
                    "-h",
                    lab.folder().toString());
            Await.listening(pages, 8080);
            Path files = kernel.initialFileSystem(lab.folder());
            Path socket = lab.folder().resolve("vm.sock");
            Program serve = lab.sluice("serve", "--listen", "qemu:" + socket, "--cidr", "10.77.0.0/24");
            Await.until("sluice serves", serve::toString, () -> serve.err().contains("serving"));

            try (VirtualMachine first = VirtualMachine.start(
                    lab,
                    kernel,
                    files,
                    socket,
                    "first",
                    FIRST_MAC,
                    "dhcp",
                    "dhcp",
                    "nslookup:host.sluice.internal",
                    "nslookup:www.example.test",
                    "get:http://host.sluice.internal:8080/hello",
                    "get:http://www.example.test/bytes/7/" + LENGTH,
                    "ping:10.77.0.4",
                    "wait")) {
                assertThat(first.await("dhcp", 1))
                        .startsWith("10.77.0.3/24 mtu=1500 router=10.77.0.1 dns=10.77.0.1 "
                                + "server=10.77.0.1 lease=86400 ");
                assertThat(first.await("dhcp", 2)).startsWith("10.77.0.3/24 ");
                assertThat(first.await("route", 1)).contains("default via 10.77.0.1 dev eth0");
                try (VirtualMachine second = VirtualMachine.start(
                        lab,
                        kernel,
                        files,
                        socket,
                        "second",
                        SECOND_MAC,
                        "dhcp",
                        "ping:10.77.0.3",
                        "ping:10.77.0.1",
                        "wait")) {
                    assertThat(first.await("nslookup", 1)).isEqualTo("10.77.0.2");
                    assertThat(first.await("nslookup", 2)).isEqualTo(Lab.SERVER);
                    assertThat(first.await("get", 1)).startsWith(sha256("hello from the host\n"));
                    assertThat(first.await("get", 2)).startsWith(TestServers.digest(7, LENGTH));
                    assertThat(second.await("dhcp", 1)).startsWith("10.77.0.4/24 ");
                    assertThat(second.await("ping", 1)).isEqualTo("10.77.0.3 answers");
                    assertThat(second.await("ping", 2)).isEqualTo("10.77.0.1 answers");
                    assertThat(first.await("ping", 1)).isEqualTo("10.77.0.4 answers");
                    assertThat(lab.sluice("status", Long.toString(serve.pid())).output())
                            .contains("10.77.0.3  " + FIRST_MAC, "10.77.0.4  " + SECOND_MAC)
                            .contains("first, for", "second, for")
                            .contains("qemu:" + socket + "#1", "qemu:" + socket + "#2");
                }
            }
            Await.until(
                    "sluice noticed that both are gone",
                    serve::toString,
                    () -> serve.err().lines().filter(l -> l.contains(" left: ")).count() == 2);

            try (VirtualMachine again =
                    VirtualMachine.start(lab, kernel, files, socket, "first", FIRST_MAC, "dhcp", "ping:10.77.0.1")) {
                again.awaitOff();
                assertThat(again.results("dhcp")).singleElement().asString().startsWith("10.77.0.3/24 ");
                assertThat(again.results("ping")).containsExactly("10.77.0.1 answers");
            }

            serve.signal("TERM");
            assertThat(serve.exitCode()).as(serve.toString()).isZero();
            assertThat(socket).doesNotExist();
            assertThat(serve.err()).doesNotContain("WARNING", "internal error", "Exception");

            throughTheGvproxyFace(lab, kernel, files, socket);
        }
    }

    /** The same machine, whose owner has always started gvproxy for it. */
    private static void throughTheGvproxyFace(Lab lab, GuestKernel kernel, Path files, Path socket) {
        Path api = lab.folder().resolve("api.sock");
        Program gvproxy = lab.sluice("as", "gvproxy", "-listen-qemu", "unix://" + socket, "-listen", "unix://" + api);
        Await.listening(gvproxy, socket);
        String forwards = lab.onHost("curl", "-s", "--unix-socket", api.toString(), "http://x/services/forwarder/all")
                .output();
        assertThat(forwards).contains("127.0.0.1:2222", "192.168.127.2:22");
        try (VirtualMachine machine = VirtualMachine.start(
                lab,
                kernel,
                files,
                socket,
                "podman",
                "5a:94:ef:e4:0c:ee",
                "dhcp",
                "nslookup:host.containers.internal",
                "get:http://192.168.127.254:8080/hello",
                "get:http://192.168.127.1/services/forwarder/all")) {
            machine.awaitOff();
            assertThat(machine.results("dhcp"))
                    .singleElement()
                    .asString()
                    .startsWith("192.168.127.2/24 mtu=1500 router=192.168.127.1 dns=192.168.127.1 ");
            assertThat(machine.results("nslookup")).containsExactly("192.168.127.254");
            assertThat(machine.results("get").getFirst()).startsWith(sha256("hello from the host\n"));
            assertThat(machine.results("get").getLast())
                    .as("the guest sees its own forwards")
                    .startsWith(sha256(forwards));
        }
        assertThat(gvproxy.exitCode())
                .as("it ends with its machine: " + gvproxy)
                .isZero();
        assertThat(socket).doesNotExist();
    }

    private static String sha256(String text) {
        try {
            return java.util.HexFormat.of()
                    .formatHex(java.security.MessageDigest.getInstance("SHA-256")
                            .digest(text.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
