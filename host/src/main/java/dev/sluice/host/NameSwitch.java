package dev.sluice.host;

import dev.sluice.loop.Offload;
import dev.sluice.posix.NameService;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Names that programs of this host know by other ways than name servers: those that nsswitch.conf(5) lists beside {@code files} and
 * {@code dns}, such as mDNS, LDAP or local machines. The file is watched in the way of {@link ResolvConf}. Any thread.
 *
 * <p>The lookups themselves block in libc, so each has a platform thread for as long as it takes, {@value #MAX_LOOKUPS} at most; one more,
 * or one that gets no thread, is told that nothing is known. Who asks waits {@value #PATIENCE_SECONDS} s at most, and the thread ends when libc is done.
 */
public final class NameSwitch {
    public static final Path PATH = Path.of("/etc/nsswitch.conf");
    private static final int MAX_BYTES = 64 << 10;
    static final int MAX_LOOKUPS = 8;
    private static final int PATIENCE_SECONDS = 10;
    /** What we do ourselves, or what asks the same servers. */
    private static final Set<String> OURS = Set.of("files", "dns", "resolve", "db", "cache");

    /** How one name is looked up. Blocks. */
    interface Lookups {
        /** Empty if it has none of that family; null if that could not be found out. */
        @Nullable
        List<InetAddress> addresses(String name, boolean ipv6);

        /** Null if none is known. */
        @Nullable
        String name(InetAddress address);
    }

    private static final class Libc implements Lookups {
        @Override
        public @Nullable List<InetAddress> addresses(String name, boolean ipv6) {
            return NameService.addresses(name, ipv6);
        }

        @Override
        public @Nullable String name(InetAddress address) {
            return NameService.name(address);
        }
    }

    /** Null where there is no such file, and the system's resolver is asked for every address. */
    private final @Nullable WatchedFile<Set<String>> services;

    private final Lookups lookups;
    private final ThreadFactory threads;
    private final Semaphore free = new Semaphore(MAX_LOOKUPS);

    public NameSwitch(Path path) {
        this(path, System::nanoTime);
    }

    NameSwitch(Path path, LongSupplier nanoClock) {
        this(new WatchedFile<>(path, MAX_BYTES, NameSwitch::parse, nanoClock), new Libc());
    }

    NameSwitch(@Nullable WatchedFile<Set<String>> services, Lookups lookups) {
        this(
                services,
                lookups,
                Thread.ofPlatform().daemon().name("sluice-names").factory());
    }

    NameSwitch(@Nullable WatchedFile<Set<String>> services, Lookups lookups, ThreadFactory threads) {
        this.services = services;
        this.lookups = lookups;
        this.threads = threads;
    }

    /** Linux's file; on other systems whatever the JDK finds out. */
    public static NameSwitch ofSystem() {
        return of(System.getProperty("os.name", ""), PATH);
    }

    /** @param system as the JDK calls it */
    static NameSwitch of(String system, Path path) {
        return system.equals("Linux") ? new NameSwitch(path) : ofRuntime();
    }

    /** One that owns all addresses and their names: other systems have servers for each interface, which no file tells. */
    static NameSwitch ofRuntime() {
        return new NameSwitch(null, new RuntimeNames());
    }

    /** True if asking now what it may know does not touch the disk. */
    public boolean isFresh() {
        return services == null || services.isFresh();
    }

    /** The services of the {@code hosts} line beside the servers and the hosts file. */
    static Set<String> parse(String text) {
        Set<String> found = new LinkedHashSet<>();
        for (String line : text.split("\n", -1)) {
            int comment = line.indexOf('#');
            String bare = (comment < 0 ? line : line.substring(0, comment)).strip();
            if (bare.startsWith("hosts:")) {
                found.clear();
                // [NOTFOUND=return] and the like stand between the services.
                for (String word : bare.substring(6)
                        .replaceAll("\\[[^\\]]*\\]", " ")
                        .strip()
                        .split("\\s+")) {
                    if (!word.isEmpty() && !OURS.contains(word)) {
                        found.add(word.toLowerCase(Locale.ROOT));
                    }
                }
            }
        }
        return found;
    }

    /** Whether a name is none of the name servers' (RFC 6762 §3: {@code .local} where mDNS is there). */
    public boolean owns(String name) {
        return services == null
                || isLocal(name) && services.current().stream().anyMatch(service -> service.startsWith("mdns"));
    }

    /** Whether it may know a name that the servers do not. */
    public boolean mayKnow(String name) {
        if (services == null) {
            return true;
        }
        Set<String> others = services.current();
        if (others.isEmpty()) {
            return false;
        }
        return others.stream().anyMatch(service -> switch (service) {
            // The minimal variants answer for .local only, the last for this machine's own name.
            case "mdns_minimal", "mdns4_minimal", "mdns6_minimal" -> isLocal(name);
            case "myhostname" -> name.indexOf('.') < 0;
            default -> true;
        });
    }

    private static boolean isLocal(String name) {
        return name.endsWith(".local");
    }

    /** Blocks: the addresses of a name; empty if it has none of that family; null if that could not be found out. */
    public @Nullable List<InetAddress> addresses(String name, boolean ipv6) {
        return onThread(() -> lookups.addresses(name, ipv6));
    }

    /** Blocks: the name of an address; null if none is known. */
    public @Nullable String name(InetAddress address) {
        return onThread(() -> lookups.name(address));
    }

    private <T> @Nullable T onThread(Callable<@Nullable T> lookup) {
        if (!free.tryAcquire()) {
            return null;
        }
        FutureTask<@Nullable T> task = new FutureTask<>(() -> {
            try {
                return lookup.call();
            } finally {
                free.release();
            }
        });
        if (!Offload.start(threads, "a name's lookup", task)) {
            free.release();
            return null;
        }
        try {
            return task.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return null;
        } catch (ExecutionException | TimeoutException _) {
            return null;
        }
    }
}
