package dev.sluice.proxy;

import dev.sluice.host.FileWatch;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.proxy.source.EnvironmentSource;
import dev.sluice.proxy.source.GnomeSource;
import dev.sluice.proxy.source.KdeSource;
import dev.sluice.proxy.source.NetworkManagerSource;
import dev.sluice.proxy.source.ProxySource;
import dev.sluice.proxy.source.SystemSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** What the host's settings say now. Any thread. */
public final class HostProxies implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.sluice.proxy");

    /** What tells one content of a file from another; a file that is not there has none. */
    private record Stamp(@Nullable Object key, Object modified, long size) {}

    private static final class State {
        final ProxySource source;
        List<@Nullable Stamp> stamps = List.of();
        boolean read;

        @Nullable
        ProxySetting setting;

        String problem = "";

        State(ProxySource source) {
            this.source = source;
        }
    }

    private final List<State> states;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable ProxySetting current;
    private @Nullable FileWatch watch;
    private boolean closed;

    /** @param sources the one that counts most first */
    public HostProxies(List<ProxySource> sources) {
        states = sources.stream().map(State::new).toList();
    }

    /** Those of this machine: the environment, the desktop's settings, the network's. */
    public static HostProxies ofHost(Map<String, String> environment) {
        List<ProxySource> sources = new ArrayList<>();
        sources.add(new EnvironmentSource(environment));
        String system = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        if (system.startsWith("mac") || system.startsWith("win")) {
            sources.add(new SystemSource());
        } else {
            boolean kde = environment.getOrDefault("XDG_CURRENT_DESKTOP", "").contains("KDE");
            ProxySource gnome = new GnomeSource(environment);
            ProxySource plasma = new KdeSource(environment);
            sources.addAll(kde ? List.of(plasma, gnome) : List.of(gnome, plasma));
            sources.add(new NetworkManagerSource(environment));
        }
        return new HostProxies(sources);
    }

    /** Whether it is worth asking on this machine, with two or three looks at the disk and nothing loaded for it. */
    public static boolean worthwhile(Map<String, String> environment) {
        return EnvironmentSource.speaks(environment)
                || !System.getProperty("os.name", "").equals("Linux")
                || Files.exists(GnomeSource.database(environment))
                || Files.exists(KdeSource.file(environment))
                || Files.exists(NetworkManagerSource.STATE);
    }

    /** What was known at the last look; null for no proxy. Does not block. */
    public @Nullable ProxySetting known() {
        return current;
    }

    /** What the settings say now; null for no proxy. Blocks. */
    public @Nullable ProxySetting look() {
        return look(false);
    }

    private @Nullable ProxySetting look(boolean anew) {
        lock.lock();
        try {
            ProxySetting first = null;
            for (State state : states) {
                List<@Nullable Stamp> now = stamps(state.source);
                if (!state.read || !now.equals(state.stamps) || anew && !now.isEmpty()) {
                    read(state);
                    state.stamps = now;
                    state.read = true;
                }
                first = first == null ? state.setting : first;
            }
            current = first;
            return first;
        } finally {
            lock.unlock();
        }
    }

    private static void read(State state) {
        try {
            state.setting = state.source.read();
            state.problem = "";
        } catch (IOException | IllegalArgumentException e) {
            String problem = String.valueOf(e.getMessage());
            if (!problem.equals(state.problem)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "proxy settings of {0}: {1}; {2}",
                        state.source.title(),
                        problem,
                        state.setting == null ? "they are left out" : "what was set before remains");
            }
            state.problem = problem;
        }
    }

    private static List<@Nullable Stamp> stamps(ProxySource source) {
        List<@Nullable Stamp> stamps = new ArrayList<>();
        for (Path file : source.files()) {
            stamps.add(stamp(file));
        }
        return stamps;
    }

    private static @Nullable Stamp stamp(Path file) {
        try {
            BasicFileAttributes is = Files.readAttributes(file, BasicFileAttributes.class);
            return new Stamp(is.fileKey(), is.lastModifiedTime(), is.size());
        } catch (IOException _) {
            return null;
        }
    }

    /**
     * Has changes noticed without being asked, if there is anything that could change.
     *
     * @param changed called after each, on a thread that may block
     */
    public void watch(Runnable changed) {
        List<Path> files = new ArrayList<>();
        for (State state : states) {
            for (Path file : state.source.files()) {
                Path folder = file.toAbsolutePath().getParent();
                if (Files.exists(file) || folder != null && Files.isDirectory(folder)) {
                    files.add(file);
                }
            }
        }
        if (files.isEmpty()) {
            return;
        }
        look(false);
        lock.lock();
        try {
            if (watch == null && !closed) {
                watch = FileWatch.start(files, new Runnable() {
                    private boolean again;

                    @Override
                    public void run() {
                        ProxySetting before = current;
                        ProxySetting now = look(again); // the first time it was read a moment ago
                        again = true;
                        if (before != now) {
                            changed.run();
                        }
                    }
                });
            }
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "that the proxy settings change is seen late, as they can''t be watched: {0}",
                    e.getMessage());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            if (watch != null) {
                watch.close();
            }
        } finally {
            lock.unlock();
        }
    }
}
