package dev.sluice.host;

import java.nio.file.Path;
import java.util.function.LongSupplier;

/**
 * The host's resolver settings, always current: the file is looked at when {@link #config} is called, at most once per second, and
 * read again if it was written, renamed over or re-linked. A missing file, a dangling link or nonsense give libc's defaults. Any
 * thread; never throws.
 */
public final class ResolvConf {
    public static final Path PATH = Path.of("/etc/resolv.conf");
    private static final int MAX_BYTES = 64 << 10;

    private final WatchedFile<ResolverConfig> file;

    public ResolvConf(Path path) {
        this(path, System::nanoTime);
    }

    ResolvConf(Path path, LongSupplier nanoClock) {
        file = new WatchedFile<>(path, MAX_BYTES, ResolverConfig::parse, nanoClock);
    }

    /** True if asking now does not touch the disk. */
    public boolean isFresh() {
        return file.isFresh();
    }

    /** False if there is no such file, so that the settings are libc's defaults. */
    boolean isThere() {
        return file.isThere();
    }

    public ResolverConfig config() {
        return file.current();
    }
}
