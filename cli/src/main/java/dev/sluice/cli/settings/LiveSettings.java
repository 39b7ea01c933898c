package dev.sluice.cli.settings;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.view.FileTrouble;
import dev.sluice.control.SettingsDoor;
import dev.sluice.gateway.event.Event;
import dev.sluice.host.FileWatch;
import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The settings of a running network: file, command line and API, one over the other. Any thread; one change at a time. See the package for
 * what a change does.
 */
public final class LiveSettings implements SettingsDoor, AutoCloseable {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.settings");

    /**
     * What is told of a change.
     *
     * @param applied false if nothing was changed
     * @param keys that have other values now
     * @param mistakes why nothing was
     */
    record Changed(boolean applied, List<String> keys, List<String> mistakes) {}

    private final @Nullable Path file;
    private final Settings options;
    private final GuestNetwork network;
    private final Change change;

    private Settings ofFile;
    /** What the API says over the rest, as a document. */
    private Map<String, Object> said = Map.of();

    private Settings ofApi = Settings.NONE;
    private Settings whole;
    private @Nullable Problem problem;
    /** The content that was looked at last, so that a touch is no change; null until it was read here. */
    private @Nullable String seen;

    private @Nullable FileWatch watch;
    private boolean closed;

    /**
     * With what holds at the start, none of it applied yet by this object.
     *
     * @param file null if there is none
     * @param options what the command line says
     * @param ofFile what the file says
     */
    public LiveSettings(@Nullable Path file, Settings options, Settings ofFile, GuestNetwork network) {
        this.file = file;
        this.options = options;
        this.ofFile = ofFile;
        this.whole = options.over(ofFile);
        this.network = network;
        this.change = new Change(network, whole);
    }

    /** Follows the proxy that was chosen, if one was: before the first guest comes, as none may go past it. */
    public synchronized void followProxy() throws IOException {
        change.proxyFromTheStart(whole);
    }

    /** Opens the ports that are to be published from the start. */
    public synchronized void publish() throws IOException {
        change.open(whole.get(Keys.PUBLISH, List.of()));
    }

    /** Whether there is a file to read again. */
    public boolean hasFile() {
        return file != null;
    }

    /** Reads the file again; whatever comes of it is told. */
    public void tryReload() {
        try {
            read(true);
        } catch (Refused e) {
            // it was told in every way there is
        }
    }

    /** Follows the file from now on; without one there is nothing to do. */
    public synchronized void watch() {
        if (file == null || closed || watch != null) {
            return;
        }
        try {
            watch = FileWatch.start(List.of(file), this::look);
        } catch (IOException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "changes of {0} will not be noticed ({1}); ''sluice config reload'' reads it",
                    file,
                    String.valueOf(e.getMessage()));
        }
    }

    /** Takes what the file says if it says something new. */
    private void look() {
        try {
            read(false);
        } catch (Refused e) {
            // it was told in every way there is
        }
    }

    @Override
    public synchronized State reload() throws Refused {
        if (file == null) {
            String none = "this network was started without a settings file; start it with --config FILE";
            throw new Refused(List.of(new SettingsDoor.Flaw(Where.API.toString(), "", none, none)));
        }
        read(true);
        return state();
    }

    private synchronized void read(boolean asked) throws Refused {
        Path path = file;
        if (path == null || closed) {
            return;
        }
        Where place = new Where(path.toString(), null, 0, 0);
        try {
            String text = SettingsReader.text(path);
            if (!asked && text.equals(seen)) {
                return;
            }
            seen = text;
            apply(SettingsReader.yaml(text, path), ofApi, said, place);
        } catch (SettingsException e) {
            throw refused(e.mistakes());
        } catch (NoSuchFileException e) {
            if (asked || seen == null || !seen.isEmpty()) {
                seen = "";
                throw refused(List.of(new Mistake(place, "", "the file is gone")));
            }
        } catch (IOException e) {
            throw refused(List.of(new Mistake(place, "", "can't be read: " + FileTrouble.reason(e))));
        }
    }

    @Override
    public synchronized State patch(Map<?, ?> changes) throws Refused {
        Map<String, Object> merged = merged(said, changes);
        try {
            apply(ofFile, SettingsReader.json(merged, Where.API), merged, Where.API);
        } catch (SettingsException e) {
            throw refused(e.mistakes());
        }
        return state();
    }

    /** RFC 7396 §2. */
    private static Map<String, Object> merged(Map<?, ?> target, Map<?, ?> patch) {
        Map<String, Object> all = new LinkedHashMap<>();
        target.forEach((name, value) -> all.put(String.valueOf(name), value));
        patch.forEach((key, value) -> {
            String name = String.valueOf(key);
            if (value instanceof Map<?, ?> below) {
                all.put(name, merged(all.get(name) instanceof Map<?, ?> map ? map : Map.of(), below));
            } else if (value == null) {
                all.remove(name);
            } else {
                all.put(name, value);
            }
        });
        return all;
    }

    private void apply(Settings newFile, Settings newApi, Map<String, Object> newSaid, Where place) throws Refused {
        Settings next = newApi.over(options).over(newFile);
        List<Key<?>> different = whole.differences(next);
        Mistakes mistakes = new Mistakes();
        SettingsReader.check(next, mistakes);
        for (Key<?> key : different) {
            if (!key.live()) {
                Where where = next.where(key);
                mistakes.add(
                        where == null ? place : where,
                        key.name(),
                        "can't change while the network runs: restart, or put back what was there; nothing of this change"
                                + " was applied");
            }
        }
        try {
            mistakes.raise();
            change.apply(whole, next);
        } catch (SettingsException e) {
            throw refused(e.mistakes());
        } catch (IOException e) {
            throw refused(List.of(new Mistake(place, "", e.getMessage() + "; nothing of this change was applied")));
        }
        ofFile = newFile;
        ofApi = newApi;
        said = newSaid;
        whole = next;
        boolean mended = problem != null;
        problem = null;
        List<String> names = different.stream().map(Key::name).toList();
        if (!names.isEmpty() || mended) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    place.source() + ": "
                            + (names.isEmpty() ? "in order again" : "changed " + String.join(", ", names)));
            network.gateway().events().publish(Event.Kind.SETTINGS, new Changed(true, names, List.of()));
        }
    }

    /** Tells everybody; what the API asked wrongly concerns nobody but who asked. */
    private Refused refused(List<Mistake> mistakes) {
        List<SettingsDoor.Flaw> told =
                mistakes.stream().map(LiveSettings::mistake).toList();
        if (mistakes.getFirst().where().equals(Where.API)) {
            return new Refused(told);
        }
        problem = new Problem(System.currentTimeMillis(), told);
        told.forEach(each -> LOG.log(System.Logger.Level.WARNING, each.text()));
        LOG.log(System.Logger.Level.WARNING, "the settings stay as they were");
        network.gateway()
                .events()
                .publish(
                        Event.Kind.SETTINGS,
                        new Changed(
                                false,
                                List.of(),
                                told.stream().map(SettingsDoor.Flaw::text).toList()));
        return new Refused(told);
    }

    private static SettingsDoor.Flaw mistake(Mistake mistake) {
        return new SettingsDoor.Flaw(mistake.where().toString(), mistake.key(), mistake.message(), mistake.toString());
    }

    @Override
    public synchronized State state() {
        return new State(file == null ? null : file.toString(), whole.plain(), whole.origins(), problem);
    }

    @Override
    public void close() {
        FileWatch watching;
        synchronized (this) {
            closed = true;
            watching = watch;
        }
        if (watching != null) {
            watching.close();
        }
    }
}
