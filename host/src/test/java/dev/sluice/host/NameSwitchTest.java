package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NameSwitchTest {
    private static NameSwitch of(Path directory, String text) throws IOException {
        return new NameSwitch(Files.writeString(directory.resolve("nsswitch.conf"), text));
    }

    @Test
    void filesAndServersAreNothingMore(@TempDir Path directory) throws IOException {
        NameSwitch plain = of(directory, "passwd: files ldap\nhosts: files dns # ldap\n");
        assertThat(plain.mayKnow("a.example")).isFalse();
        assertThat(plain.owns("printer.local")).isFalse();
        assertThat(new NameSwitch(directory.resolve("missing")).mayKnow("a.example"))
                .isFalse();
    }

    @Test
    void multicastNamesAreItsOwn(@TempDir Path directory) throws IOException {
        NameSwitch mdns =
                of(directory, "hosts:\tfiles mdns4_minimal [NOTFOUND=return] resolve [!UNAVAIL=return] dns\n");
        assertThat(mdns.owns("printer.local")).isTrue();
        assertThat(mdns.owns("local.example")).isFalse();
        assertThat(mdns.mayKnow("a.example")).isFalse();
    }

    @Test
    void otherServicesMayKnowAnything(@TempDir Path directory) throws IOException {
        NameSwitch ldap = of(directory, "hosts: files dns ldap\n");
        assertThat(ldap.mayKnow("a.example")).isTrue();
        NameSwitch own = of(directory, "hosts: files dns myhostname\n");
        assertThat(own.mayKnow("thisbox")).isTrue();
        assertThat(own.mayKnow("a.example")).isFalse();
    }

    @Test
    void namesAndAddressesComeFromLibc() throws IOException {
        NameSwitch names = new NameSwitch(NameSwitch.PATH);
        assertThat(names.addresses("localhost", false)).contains(InetAddress.ofLiteral("127.0.0.1"));
        assertThat(names.name(InetAddress.ofLiteral("127.0.0.1"))).isNotNull();
    }

    @Test
    void whereThereIsNoSuchFileTheSystemIsAskedForEveryAddress() {
        NameSwitch names = NameSwitch.ofRuntime();
        assertThat(names.owns("a.example")).isTrue();
        assertThat(names.mayKnow("a.example")).isTrue();
        assertThat(names.isFresh()).isTrue();
        assertThat(names.addresses("localhost", false)).containsExactly(InetAddress.ofLiteral("127.0.0.1"));
        assertThat(names.name(InetAddress.ofLiteral("127.0.0.1"))).isNotNull();
    }

    private static void resolv(Path file, String server) throws IOException {
        Files.writeString(file, "nameserver " + server + "\nsearch corp.example\n");
    }

    @Test
    void pastResolvedItsStubIsAskedInstead(@TempDir Path directory) throws IOException {
        Path file = directory.resolve("etc-resolv.conf");
        AtomicLong nanos = new AtomicLong();
        ResolverSettings settings = new ResolverSettings(file, directory, nanos::get);
        resolv(file, "192.0.2.53");
        assertThat(first(settings)).isEqualTo("192.0.2.53");

        // resolved runs, and the host's file is its list of servers
        resolv(directory.resolve("resolv.conf"), "192.0.2.53");
        Files.writeString(directory.resolve("stub-resolv.conf"), "nameserver 127.0.0.53\noptions edns0\n");
        nanos.addAndGet(1_000_000_000L);
        assertThat(first(settings)).isEqualTo("127.0.0.53");
        assertThat(settings.isStubless()).isFalse();
        assertThat(settings.config().search()).containsExactly("corp.example");
        assertThat(settings.config()).isSameAs(settings.config());

        // somebody else wrote the host's file
        resolv(file, "192.0.2.54");
        nanos.addAndGet(1_000_000_000L);
        assertThat(first(settings)).isEqualTo("192.0.2.54");

        // the stub is switched off: its file is the list again
        resolv(file, "192.0.2.53");
        resolv(directory.resolve("stub-resolv.conf"), "192.0.2.53");
        nanos.addAndGet(1_000_000_000L);
        assertThat(first(settings)).isEqualTo("192.0.2.53");
        assertThat(settings.isStubless()).isTrue();

        // somebody else wrote the host's file, so resolved has no say
        resolv(file, "192.0.2.54");
        nanos.addAndGet(1_000_000_000L);
        assertThat(settings.isStubless()).isFalse();
    }

    private static String first(ResolverSettings settings) {
        return settings.config().servers().getFirst().getAddress().getHostAddress();
    }
}
