package dev.sluice.host;

import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * How this host resolves names, always current in the way of {@link ResolvConf}: as resolv.conf says, with one exception. Where that file is
 * the list of servers that systemd-resolved writes for programs that want to go past it, the stub of resolved is asked instead: only
 * resolved knows which of the servers stands for which names (split DNS of a VPN). Any thread; never throws.
 */
public final class ResolverSettings {
    private static final Path RESOLVED = Path.of("/run/systemd/resolve");

    private record Known(ResolverConfig file, ResolverConfig stub, ResolverConfig merged) {}

    private final ResolvConf file;
    /** The servers that resolved asks. */
    private final ResolvConf uplinks;
    /** Names resolved's own address, unless its stub is switched off. */
    private final ResolvConf stub;

    private volatile Known known = new Known(ResolverConfig.of(), ResolverConfig.of(), ResolverConfig.of());

    public ResolverSettings() {
        this(ResolvConf.PATH, RESOLVED, System::nanoTime);
    }

    /** @param resolved where systemd-resolved keeps {@code resolv.conf} and {@code stub-resolv.conf} */
    ResolverSettings(Path file, Path resolved, LongSupplier nanoClock) {
        this.file = new ResolvConf(file, nanoClock);
        this.uplinks = new ResolvConf(resolved.resolve("resolv.conf"), nanoClock);
        this.stub = new ResolvConf(resolved.resolve("stub-resolv.conf"), nanoClock);
    }

    /** True if asking now does not touch the disk. */
    public boolean isFresh() {
        return file.isFresh() && uplinks.isFresh() && stub.isFresh();
    }

    /**
     * Whether resolved runs but speaks no DNS to programs (DNSStubListener=no): both its files are the list of its servers, and so is the host's.
     * Then only its own interface tells what it knows ({@link Resolved}).
     */
    public boolean isStubless() {
        return uplinks.isThere()
                && stub.isThere()
                && file.config().servers().equals(uplinks.config().servers())
                && stub.config().servers().equals(uplinks.config().servers());
    }

    public ResolverConfig config() {
        ResolverConfig own = file.config();
        ResolverConfig resolvedUplinks = uplinks.config();
        ResolverConfig resolvedStub = stub.config();
        boolean pastResolved = uplinks.isThere()
                && stub.isThere()
                && own.servers().equals(resolvedUplinks.servers())
                && resolvedStub.servers().stream()
                        .allMatch(server -> server.getAddress().isLoopbackAddress());
        if (!pastResolved) {
            return own;
        }
        Known before = known;
        if (before.file != own || before.stub != resolvedStub) {
            ResolverConfig merged = new ResolverConfig(
                    resolvedStub.servers(), own.search(), own.ndots(), own.timeout(), own.attempts(), false);
            before = new Known(own, resolvedStub, merged);
            known = before;
        }
        return before.merged;
    }
}
