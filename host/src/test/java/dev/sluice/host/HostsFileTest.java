package dev.sluice.host;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostsFileTest {
    private static final IpAddress ONE = Ipv4Address.parse("192.0.2.1");
    private static final IpAddress TWO = Ipv4Address.parse("192.0.2.2");
    private static final IpAddress SIX = new Ipv6Address(0x2001_0db8_0000_0000L, 1);

    @TempDir
    @Nullable
    Path directory;

    private final AtomicLong nanos = new AtomicLong();

    private HostsFile hosts(String text) throws IOException {
        return new HostsFile(Files.writeString(path(), text), nanos::get);
    }

    private Path path() {
        return requireNonNull(directory).resolve("hosts");
    }

    @Test
    void findsAddressesOfBothFamiliesInTheOrderOfTheFile() throws Exception {
        HostsFile hosts = hosts("192.0.2.1 a b\n2001:db8::1\ta\n192.0.2.2 a\n192.0.2.1 a\n");
        assertThat(hosts.addresses("a")).containsExactly(ONE, SIX, TWO);
        assertThat(hosts.addresses("b")).containsExactly(ONE);
        assertThat(hosts.addresses("c")).isEmpty();
    }

    @Test
    void findsNamesOfAddressesAsWritten() throws Exception {
        HostsFile hosts = hosts("192.0.2.1 Www.Example alias\n192.0.2.1 more\n2001:0db8:0::1 six\n");
        assertThat(hosts.names(ONE)).containsExactly("Www.Example", "alias", "more");
        assertThat(hosts.names(SIX)).containsExactly("six");
        assertThat(hosts.names(TWO)).isEmpty();
    }

    @Test
    void caseAndAFinalDotDoNotMatter() throws Exception {
        HostsFile hosts = hosts("192.0.2.1 Www.EXAMPLE other.example.\n");
        assertThat(hosts.addresses("wWw.example.")).containsExactly(ONE);
        assertThat(hosts.addresses("OTHER.example")).containsExactly(ONE);
    }

    @Test
    void commentsBlanksAndNonsenseAreSkipped() throws Exception {
        HostsFile hosts = hosts("""
                # 192.0.2.2 a

                192.0.2.1 a # b
                 \t 192.0.2.1\u000b\fd\r
                192.0.2.300 a
                1 a
                nonsense a
                fe80::1%%lo a
                192.0.2.2
                192.0.2.2 %s
                """.formatted("x".repeat(300)));
        assertThat(hosts.addresses("a")).containsExactly(ONE);
        assertThat(hosts.addresses("b")).isEmpty();
        assertThat(hosts.addresses("d")).containsExactly(ONE);
        assertThat(hosts.names(TWO)).isEmpty();
    }

    @Test
    void aMappedAddressIsTheIpv4Address() throws Exception {
        assertThat(hosts("::ffff:192.0.2.1 a\n").addresses("a")).containsExactly(ONE);
    }

    @Test
    void changesAndDisappearanceAreSeen() throws Exception {
        HostsFile hosts = hosts("192.0.2.1 a\n");
        assertThat(hosts.addresses("a")).containsExactly(ONE);
        Files.writeString(path(), "192.0.2.2 a b\n");
        nanos.addAndGet(1_000_000_000L);
        assertThat(hosts.addresses("a")).containsExactly(TWO);
        Files.delete(path());
        nanos.addAndGet(1_000_000_000L);
        assertThat(hosts.addresses("a")).isEmpty();
    }

    @Test
    void addressesOfOneNameAreBounded() throws Exception {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            text.append("10.0.").append(i / 250).append('.').append(i % 250).append(" many\n");
        }
        assertThat(hosts(text.toString()).addresses("many")).hasSize(64);
    }

    @Test
    void anyBytesAreReadWithoutAnException() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        HostsFile hosts = hosts("");
        for (int i = 0; i < 300; i++) {
            byte[] bytes = new byte[random.nextInt(500)];
            random.nextBytes(bytes);
            byte[] start = "192.0.2.1 a :: ::1 1.1.1.1 \n".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
            System.arraycopy(start, 0, bytes, 0, Math.min(start.length, bytes.length));
            Files.write(path(), bytes);
            nanos.addAndGet(1_000_000_000L);
            assertThat(hosts.addresses("zz")).as("seed " + seed).isEmpty();
        }
    }
}
