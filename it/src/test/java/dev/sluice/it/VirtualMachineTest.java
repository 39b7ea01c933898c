package dev.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.it.lab.Await;
import dev.sluice.it.lab.GuestKernel;
import dev.sluice.it.lab.Lab;
import dev.sluice.it.lab.Needs;
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
        Needs.lab("qemu-system-x86_64", "busybox", "cpio");
        GuestKernel kernel = GuestKernel.find();
        try (Lab lab = Lab.open()) {
            lab.server(TestServers.class);
            Files.writeString(lab.folder().resolve("hello"), "hello from the host\n");
            lab.onHost(
                    "busybox",
                    "httpd",
                    "-f",
                    "-p",
                    "127.0.0.1:8080",
                    "-h",
                    lab.folder().toString());
            Path files = kernel.initialFileSystem(lab.folder());
            Path socket = lab.folder().resolve("vm.sock");
            Program serve = lab.sluice("serve", "--listen", "qemu:" + socket);
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
                    "get:http://host.sluice.internal:8080/hello",
                    "get:http://" + Lab.SERVER + "/bytes/7/" + LENGTH,
                    "ping:192.168.65.4",
                    "wait")) {
                assertThat(first.await("dhcp", 1))
                        .startsWith("192.168.65.3/24 mtu=1500 router=192.168.65.1 dns=192.168.65.1 "
                                + "server=192.168.65.1 lease=86400 ");
                assertThat(first.await("dhcp", 2)).startsWith("192.168.65.3/24 ");
                assertThat(first.await("route", 1)).contains("default via 192.168.65.1 dev eth0");
                try (VirtualMachine second = VirtualMachine.start(
                        lab,
                        kernel,
                        files,
                        socket,
                        "second",
                        SECOND_MAC,
                        "dhcp",
                        "ping:192.168.65.3",
                        "ping:192.168.65.1",
                        "wait")) {
                    assertThat(first.await("nslookup", 1)).isEqualTo("192.168.65.2");
                    assertThat(first.await("get", 1)).startsWith(sha256OfHello());
                    assertThat(first.await("get", 2)).startsWith(TestServers.digest(7, LENGTH));
                    assertThat(second.await("dhcp", 1)).startsWith("192.168.65.4/24 ");
                    assertThat(second.await("ping", 1)).isEqualTo("192.168.65.3 answers");
                    assertThat(second.await("ping", 2)).isEqualTo("192.168.65.1 answers");
                    assertThat(first.await("ping", 1)).isEqualTo("192.168.65.4 answers");
                    assertThat(lab.sluice("status", Long.toString(serve.pid())).output())
                            .contains("192.168.65.3  " + FIRST_MAC, "192.168.65.4  " + SECOND_MAC)
                            .contains("first, for", "second, for")
                            .contains("qemu:" + socket + "#1", "qemu:" + socket + "#2");
                }
            }
            Await.until(
                    "sluice noticed that both are gone",
                    serve::toString,
                    () -> serve.err().lines().filter(l -> l.contains(" left: ")).count() == 2);

            try (VirtualMachine again =
                    VirtualMachine.start(lab, kernel, files, socket, "first", FIRST_MAC, "dhcp", "ping:192.168.65.1")) {
                again.awaitOff();
                assertThat(again.results("dhcp")).singleElement().asString().startsWith("192.168.65.3/24 ");
                assertThat(again.results("ping")).containsExactly("192.168.65.1 answers");
            }

            serve.signal("TERM");
            assertThat(serve.exitCode()).as(serve.toString()).isZero();
            assertThat(socket).doesNotExist();
            assertThat(serve.err()).doesNotContain("WARNING", "internal error", "Exception");
        }
    }

    private static String sha256OfHello() throws IOException {
        try {
            return java.util.HexFormat.of()
                    .formatHex(java.security.MessageDigest.getInstance("SHA-256")
                            .digest("hello from the host\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
