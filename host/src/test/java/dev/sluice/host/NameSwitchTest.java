package dev.sluice.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
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

    @Test
    void onlyLinuxHasTheFile(@TempDir Path directory) throws IOException {
        Path file = Files.writeString(directory.resolve("nsswitch.conf"), "hosts: files dns\n");
        assertThat(NameSwitch.of("Linux", file).mayKnow("a.example")).isFalse();
        for (String system : new String[] {"Mac OS X", "Windows 11", "FreeBSD", ""}) {
            assertThat(NameSwitch.of(system, file).owns("a.example")).as(system).isTrue();
        }
    }

    /** No name here that a server would be asked for. */
    @Test
    void theRuntimeGivesAddressesOfTheFamilyThatWasAskedFor() {
        RuntimeNames names = new RuntimeNames();
        assertThat(names.addresses("192.0.2.7", false)).containsExactly(InetAddress.ofLiteral("192.0.2.7"));
        assertThat(names.addresses("192.0.2.7", true)).isEmpty();
        assertThat(names.addresses("2001:db8::7", true)).containsExactly(InetAddress.ofLiteral("2001:db8::7"));
        assertThat(names.addresses("2001:db8::7", false)).isEmpty();
        assertThat(names.addresses("localhost", true)).allMatch(Inet6Address.class::isInstance);
        assertThat(names.addresses("[no address]", false))
                .as("what it can't find")
                .isEmpty();
    }

    /** Lookups that last until they are let go. */
    private static final class Slow implements NameSwitch.Lookups {
        private final CountDownLatch begun = new CountDownLatch(NameSwitch.MAX_LOOKUPS);
        private final CountDownLatch go = new CountDownLatch(1);

        @Override
        public List<InetAddress> addresses(String name, boolean ipv6) {
            begun.countDown();
            try {
                go.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            return List.of(InetAddress.getLoopbackAddress());
        }

        @Override
        public String name(InetAddress address) {
            throw new IllegalStateException("the system's resolver broke");
        }
    }

    @Test
    void whoComesWhenTooManyAskIsToldThatNothingIsKnown() throws Exception {
        Slow slow = new Slow();
        NameSwitch names = new NameSwitch(null, slow);
        try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<List<InetAddress>>> asked = IntStream.range(0, NameSwitch.MAX_LOOKUPS)
                    .mapToObj(_ -> threads.submit(() -> names.addresses("a.example", false)))
                    .toList();
            slow.begun.await();
            assertThat(names.addresses("late.example", false)).isNull();
            slow.go.countDown();
            for (Future<List<InetAddress>> one : asked) {
                assertThat(one.get()).containsExactly(InetAddress.getLoopbackAddress());
            }
        }
        assertThat(names.addresses("late.example", false)).containsExactly(InetAddress.getLoopbackAddress());
    }

    @Test
    void aLookupThatGetsNoThreadFindsNothingAndTakesNoPlace() {
        AtomicBoolean lacking = new AtomicBoolean(true);
        Slow lookups = new Slow();
        lookups.go.countDown();
        NameSwitch names = new NameSwitch(null, lookups, task -> new Thread(task) {
            @Override
            public void start() {
                if (lacking.get()) {
                    throw new OutOfMemoryError("unable to create native thread: expected by the test");
                }
                super.start();
            }
        });
        for (int i = 0; i <= NameSwitch.MAX_LOOKUPS; i++) {
            assertThat(names.addresses("a.example", false)).isNull();
        }
        lacking.set(false);
        assertThat(names.addresses("a.example", false)).containsExactly(InetAddress.getLoopbackAddress());
    }

    @Test
    void aLookupThatBreaksIsOneThatFoundNothing() {
        assertThat(new NameSwitch(null, new Slow()).name(InetAddress.getLoopbackAddress()))
                .isNull();
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
