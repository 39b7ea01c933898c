package dev.sluice.gateway.explain;

import dev.sluice.gateway.explain.Explained.Stage;
import dev.sluice.gateway.explain.Explained.Step;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happened so far. Used by one thread. */
final class Steps {
    private final List<Step> all = new ArrayList<>();

    void add(Stage stage, String who, String said, boolean ok, @Nullable String remedy, long millis) {
        all.add(new Step(stage, who, said, ok, remedy, millis));
    }

    /** @param began {@link System#nanoTime} */
    void failed(Stage stage, String who, String said, String remedy, long began) {
        add(stage, who, said, false, remedy, millis(began));
    }

    void done(Stage stage, String who, String said, long began) {
        add(stage, who, said, true, null, millis(began));
    }

    static long millis(long began) {
        return (System.nanoTime() - began) / 1_000_000;
    }

    List<Step> all() {
        return all;
    }

    private @Nullable Step lastFailure() {
        for (int i = all.size() - 1; i >= 0; i--) {
            if (!all.get(i).ok()) {
                return all.get(i);
            }
        }
        return null;
    }

    String failure() {
        Step last = lastFailure();
        return last == null ? "there is nothing to try" : last.said();
    }

    @Nullable
    String remedy() {
        Step last = lastFailure();
        return last == null ? null : last.remedy();
    }

    String lastSaid(Target target) {
        return target.port() == 0 ? "guests find " + target.host() : "guests reach " + target.place();
    }
}
