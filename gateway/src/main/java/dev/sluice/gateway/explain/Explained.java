package dev.sluice.gateway.explain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came of a question.
 *
 * @param target as asked
 * @param works whether a guest reaches it
 * @param outcome in a sentence
 * @param remedy what to do; null where nothing is to be done
 * @param steps in order
 */
public record Explained(
        String target,
        boolean works,
        String outcome,
        @Nullable String remedy,
        List<Step> steps) {
    /** What a step is about. */
    public enum Stage {
        NAME,
        POLICY,
        PROXY,
        ROUTE,
        CONNECT,
        TUNNEL,
        TLS
    }

    /**
     * One decision.
     *
     * @param who made it
     * @param said what it was
     * @param ok false if it is what fails
     * @param remedy what to do if so; null where that is nothing special
     * @param millis it took
     */
    public record Step(
            Stage stage,
            String who,
            String said,
            boolean ok,
            @Nullable String remedy,
            long millis) {}

    public Explained {
        steps = List.copyOf(steps);
    }
}
