package dev.sluice.gateway.dns;

import java.util.List;

/**
 * How a name was looked up, step by step, and what came of it.
 *
 * @param name as asked
 * @param type as {@code A}
 * @param steps who was asked, in order, and what they said
 * @param outcome in words
 * @param answers addresses, and aliases on the way; empty if there are none
 */
public record Explanation(String name, String type, List<Step> steps, String outcome, List<String> answers) {
    /**
     * @param who a source or a server
     * @param said what it said, or why it said nothing
     */
    public record Step(String who, String said) {}

    public Explanation {
        steps = List.copyOf(steps);
        answers = List.copyOf(answers);
    }
}
