package dev.sluice.host;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResolvConfTest {
    @TempDir
    @Nullable
    Path directory;

    private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 500_000_000L);

    private Path path() {
        return requireNonNull(directory).resolve("resolv.conf");
    }

    private ResolvConf conf() {
        return new ResolvConf(path(), nanos::get);
    }

    private void later() {
        nanos.addAndGet(1_000_000_000L);
    }

    private void write(String server) throws IOException {
        Files.writeString(path(), "nameserver " + server + "\n");
    }

    private static List<String> servers(ResolverConfig config) {
        return config.servers().stream()
                .map(InetSocketAddress::getAddress)
                .map(java.net.InetAddress::getHostAddress)
                .toList();
    }

    @Test
    void readsWhatResolvConfCanSay() {
        ResolverConfig config = ResolverConfig.parse("""
                # comment
                ; another
                domain first.example
                nameserver 192.0.2.1
                  nameserver	2001:db8::1\t# trailing words are ignored
                nameserver nonsense
                nameserver
                search one.example two.example # not.this
                options ndots:3 timeout:2 attempts:4 rotate edns0 unknown:7
                nameserver 127.0.0.53
                nameserver 192.0.2.9
                sortlist 1.2.3.4
                """);
        assertThat(servers(config)).containsExactly("192.0.2.1", "2001:db8:0:0:0:0:0:1", "127.0.0.53");
        assertThat(config.servers()).allMatch(server -> server.getPort() == 53);
        assertThat(config.search()).containsExactly("one.example", "two.example");
        assertThat(config.ndots()).isEqualTo(3);
        assertThat(config.timeout()).isEqualTo(Duration.ofSeconds(2));
        assertThat(config.attempts()).isEqualTo(4);
        assertThat(config.rotate()).isTrue();
    }

    @Test
    void defaultsAreLibcs() {
        ResolverConfig config = ResolverConfig.parse("");
        assertThat(servers(config)).containsExactly("127.0.0.1");
        assertThat(config.search()).isEmpty();
        assertThat(config.ndots()).isEqualTo(1);
        assertThat(config.timeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(config.attempts()).isEqualTo(2);
        assertThat(config.rotate()).isFalse();
    }

    @Test
    void valuesOutOfRangeAreMovedIntoItAndNonsenseIgnored() {
        ResolverConfig config =
                ResolverConfig.parse("options ndots:99 timeout:0 attempts:99\r\noptions attempts:x timeout:\r\n");
        assertThat(config.ndots()).isEqualTo(15);
        assertThat(config.timeout()).isEqualTo(Duration.ofSeconds(1));
        assertThat(config.attempts()).isEqualTo(5);
    }

    @Test
    void longSearchListsAreCut() {
        assertThat(ResolverConfig.parse("search " + "a.example ".repeat(10_000)).search())
                .hasSize(32)
                .containsOnly("a.example");
    }

    /** As systemd writes it where there is nothing to search. */
    @Test
    void theRootIsNoSearchDomain() {
        assertThat(ResolverConfig.parse("search .").search()).isEmpty();
        assertThat(ResolverConfig.parse("search . a.example").search()).containsExactly("a.example");
    }

    @Test
    void anyTextIsReadWithoutAnException() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "nameserver search options domain : . 0123456789 % # ; \n \t \r \0 \u00ff";
        for (int i = 0; i < 2_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int words = random.nextInt(40); words > 0; words--) {
                int at = random.nextInt(alphabet.length());
                text.append(alphabet, at, Math.min(alphabet.length(), at + random.nextInt(12)));
            }
            assertThat(ResolverConfig.parse(text.toString()).servers())
                    .as("seed " + seed)
                    .isNotEmpty();
        }
    }

    @Test
    void aChangeIsSeenAfterASecondAndNotBefore() throws Exception {
        write("192.0.2.1");
        ResolvConf conf = conf();
        assertThat(servers(conf.config())).containsExactly("192.0.2.1");
        write("192.0.2.22");
        assertThat(servers(conf.config())).containsExactly("192.0.2.1");
        later();
        assertThat(servers(conf.config())).containsExactly("192.0.2.22");
    }

    @Test
    void aFileRenamedOverItIsSeenEvenWithTheSameTimeAndSize() throws Exception {
        write("192.0.2.1");
        FileTime longAgo = FileTime.fromMillis(1_000_000_000_000L);
        Files.setLastModifiedTime(path(), longAgo);
        ResolvConf conf = conf();
        assertThat(servers(conf.config())).containsExactly("192.0.2.1");
        Path other = Files.writeString(path().resolveSibling("new"), "nameserver 192.0.2.2\n");
        Files.setLastModifiedTime(other, longAgo);
        Files.move(other, path(), StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
        later();
        assertThat(servers(conf.config())).containsExactly("192.0.2.2");
    }

    @Test
    void aSecondWriteWithinTheSameTickIsNotMissed() throws Exception {
        write("192.0.2.1");
        FileTime now = FileTime.fromMillis(System.currentTimeMillis());
        Files.setLastModifiedTime(path(), now);
        ResolvConf conf = conf();
        assertThat(servers(conf.config())).containsExactly("192.0.2.1");
        write("192.0.2.2");
        Files.setLastModifiedTime(path(), now);
        later();
        assertThat(servers(conf.config())).containsExactly("192.0.2.2");
    }

    @Test
    void anUnchangedFileIsNotReadAgain() throws Exception {
        write("192.0.2.1");
        Files.setLastModifiedTime(path(), FileTime.fromMillis(1_000_000_000_000L));
        ResolvConf conf = conf();
        ResolverConfig first = conf.config();
        later();
        assertThat(conf.config()).isSameAs(first);
    }

    @Test
    void aMissingFileADanglingLinkAndADirectoryGiveDefaultsAndRecover() throws Exception {
        ResolvConf conf = conf();
        assertThat(servers(conf.config())).containsExactly("127.0.0.1");

        Path target = path().resolveSibling("target");
        Files.createSymbolicLink(path(), target);
        later();
        assertThat(servers(conf.config())).containsExactly("127.0.0.1");

        Files.writeString(target, "nameserver 192.0.2.3\n");
        later();
        assertThat(servers(conf.config())).containsExactly("192.0.2.3");

        Files.delete(target);
        later();
        assertThat(servers(conf.config())).containsExactly("127.0.0.1");

        Files.createDirectory(target);
        later();
        assertThat(servers(conf.config())).containsExactly("127.0.0.1");
    }

    @Test
    void aDeviceInItsPlaceIsAnEmptyFile() {
        assertThat(servers(new ResolvConf(Path.of("/dev/zero")).config())).containsExactly("127.0.0.1");
    }

    @Test
    void onlyTheBeginningOfAHugeFileCounts() throws Exception {
        Files.writeString(path(), "nameserver 192.0.2.1\n" + "# padding\n".repeat(20_000) + "nameserver 192.0.2.2\n");
        assertThat(servers(conf().config())).containsExactly("192.0.2.1");
    }
}
