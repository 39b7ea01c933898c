package dev.sluice.proxy.pac;

import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A script, where it comes from, and what it said lately. Any thread; blocks. */
public final class PacFile {
    private static final System.Logger LOG = System.getLogger("dev.sluice.proxy");
    private static final long REFRESH_NANOS = 60_000_000_000L;
    private static final long RETRY_NANOS = 10_000_000_000L;
    private static final long KEEP_NANOS = 5_000_000_000L;
    private static final int MAX_KEPT = 1024;

    private record Key(String scheme, String host, int port) {}

    private record Kept(List<Route> routes, long until) {}

    private final String place;
    /** Null if it is a URL. */
    private final @Nullable Path path;

    private final String name;
    private final PacHost host;
    private final PacLimits limits;
    private final LongSupplier clock;

    private final ReentrantLock loading = new ReentrantLock();
    private volatile @Nullable PacScript script;
    private volatile String problem = "";
    private volatile long nextLook;
    private volatile boolean looked;
    private @Nullable String version;
    /** Of {@code script}. */
    private @Nullable String source;
    /** A source that took too long to compile and run once. */
    private @Nullable String stuck;

    private @Nullable Object stamp;

    private volatile long pausedUntil;
    private volatile String paused = "";

    private final Map<Key, Kept> kept = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Key, Kept> eldest) {
            return size() > MAX_KEPT;
        }
    };

    /**
     * @param place {@code http:}, {@code https:} or {@code file:} URL, or a path
     * @param host what the script may learn
     */
    public PacFile(String place, PacHost host) {
        this(place, host, PacLimits.USUAL, System::nanoTime);
    }

    PacFile(String place, PacHost host, PacLimits limits, LongSupplier clock) {
        this.place = place;
        this.path = path(place);
        this.host = host;
        this.limits = limits;
        this.clock = clock;
        String plain = place.contains("?") ? place.substring(0, place.indexOf('?')) : place;
        String last = plain.substring(plain.lastIndexOf('/') + 1);
        this.name = last.isEmpty() ? place : last;
    }

    private static @Nullable Path path(String place) {
        if (place.regionMatches(true, 0, "file:", 0, 5)) {
            String written = place.substring(5).replaceFirst("^//(localhost)?(?=/)", "");
            try {
                return Path.of(URLDecoder.decode(written.replace("+", "%2B"), StandardCharsets.UTF_8));
            } catch (IllegalArgumentException e) {
                return Path.of(written); // a percent sign that stands for itself
            }
        }
        return place.contains("://") ? null : Path.of(place);
    }

    /** Where it comes from. */
    public String place() {
        return place;
    }

    /** What the script says, with its line as the rule; direct, with the reason, where it can say nothing. Never empty. */
    public List<Route> routes(ProxyTarget target) {
        PacScript now = current();
        if (now == null) {
            return List.of(new Route.Direct(Route.Direct.INSTEAD + place + " can't be used: " + problem));
        }
        Key key = new Key(target.scheme(), target.host(), target.port());
        synchronized (kept) {
            Kept known = kept.get(key);
            if (known != null && clock.getAsLong() - known.until < 0) {
                return known.routes;
            }
        }
        List<Route> routes = ask(now, target);
        synchronized (kept) {
            if (now == script) {
                kept.put(key, new Kept(routes, clock.getAsLong() + KEEP_NANOS));
            }
        }
        return routes;
    }

    /** The host's network is another one: what was said and loaded before may be wrong. */
    public void forget() {
        synchronized (kept) {
            kept.clear();
        }
        nextLook = clock.getAsLong();
    }

    private List<Route> ask(PacScript now, ProxyTarget target) {
        if (!paused.isEmpty() && clock.getAsLong() - pausedUntil < 0) {
            return List.of(new Route.Direct(Route.Direct.INSTEAD + paused));
        }
        try {
            PacScript.Answer answer = now.ask(target.url(), target.host());
            paused = "";
            return PacRoutes.read(answer.text(), answer.line() == 0 ? name : name + " line " + answer.line());
        } catch (PacException e) {
            LOG.log(System.Logger.Level.WARNING, "{0}; {1} is reached directly", e.getMessage(), target.host());
            if (e.late()) {
                pausedUntil = clock.getAsLong() + RETRY_NANOS;
                paused = String.valueOf(e.getMessage());
            }
            return List.of(new Route.Direct(Route.Direct.INSTEAD + e.getMessage()));
        }
    }

    private @Nullable PacScript current() {
        long now = clock.getAsLong();
        if (path != null) {
            refresh();
        } else if (!looked || script == null && now - nextLook >= 0) {
            refresh();
        } else if (now - nextLook >= 0 && !loading.isLocked()) {
            nextLook = now + REFRESH_NANOS;
            Thread.ofVirtual().name("pac-fetch").start(this::refresh);
        }
        return script;
    }

    private void refresh() {
        loading.lock();
        try {
            long now = clock.getAsLong();
            if (path == null && looked && script == null && now - nextLook < 0) {
                return; // somebody else has just tried
            }
            PacFetch.Fetched fetched =
                    path == null ? PacFetch.fetch(place, script == null ? null : version, host) : read(path);
            String text = fetched.text();
            if (text != null && script != null && text.equals(source)) {
                version = fetched.version(); // the same again, without its tag
            } else if (text != null) {
                PacScript fresh = compile(text);
                version = fetched.version();
                source = text;
                synchronized (kept) {
                    script = fresh;
                    kept.clear();
                }
                paused = "";
            }
            if (text != null || path == null) {
                problem = "";
            }
            nextLook = clock.getAsLong() + REFRESH_NANOS;
        } catch (IOException | PacException e) {
            String reason = reason(e);
            if (!reason.equals(problem)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "{0}: {1}; {2}",
                        place,
                        reason,
                        script == null ? "requests go direct" : "what was loaded before remains");
            }
            problem = reason;
            nextLook = clock.getAsLong() + RETRY_NANOS;
        } finally {
            looked = true;
            loading.unlock();
        }
    }

    /** What was given up is not begun again while it still runs. */
    private PacScript compile(String text) throws PacException {
        if (text.equals(stuck) && PacScript.stuck() > 0) {
            throw new PacException(name + " is not run any more: it did not come to an end", true);
        }
        stuck = null;
        try {
            return PacScript.compile(name, text, host, limits);
        } catch (PacException e) {
            stuck = e.late() ? text : null;
            throw e;
        }
    }

    private static String reason(Exception e) {
        return e instanceof java.net.UnknownHostException
                ? "no such host: " + e.getMessage()
                : String.valueOf(e.getMessage());
    }

    private PacFetch.Fetched read(Path file) throws IOException {
        record Stamp(@Nullable Object key, Object modified, long size) {}
        try {
            BasicFileAttributes is = Files.readAttributes(file, BasicFileAttributes.class);
            Stamp now = new Stamp(is.fileKey(), is.lastModifiedTime(), is.size());
            if (now.equals(stamp)) {
                return new PacFetch.Fetched(null, null);
            }
            stamp = now;
            if (is.size() > PacFetch.MAX_BYTES) {
                throw new IOException("it has more than " + PacFetch.MAX_BYTES + " bytes");
            }
            return new PacFetch.Fetched(new String(Files.readAllBytes(file), StandardCharsets.UTF_8), null);
        } catch (NoSuchFileException _) {
            stamp = null;
            throw new IOException("there is no such file");
        }
    }
}
