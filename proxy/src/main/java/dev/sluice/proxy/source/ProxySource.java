package dev.sluice.proxy.source;

import dev.sluice.proxy.rule.ProxySetting;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One place where a host's proxies may be set. */
public interface ProxySource {
    /** For people: {@code the GNOME settings}. */
    String title();

    /** Files that are written, replaced, made or removed when the settings change; none for settings that cannot. */
    List<Path> files();

    /**
     * What it says now; null for nothing, which is also what "no proxy" is: another source may know one. Blocks.
     *
     * @throws IOException if it cannot be read; what was read before remains
     * @throws IllegalArgumentException if it makes no sense, saying why; what was read before remains
     */
    @Nullable
    ProxySetting read() throws IOException;
}
