package dev.sluice.gateway.proxy;

/** One way a request may take, and the rule that says so, for people ({@code no_proxy .corp.example}, {@code proxy.pac line 12}). */
public sealed interface Route {
    String rule();

    /** Straight to the server. */
    record Direct(String rule) implements Route {
        /** How a rule begins that is there because another could not be found. */
        public static final String INSTEAD = "direct, as ";

        /** Whether something has failed that should have said the way. */
        public boolean isInstead() {
            return rule.startsWith(INSTEAD);
        }
    }

    /** By way of a proxy. */
    record Via(Upstream upstream, String rule) implements Route {}

    /**
     * Not at all.
     *
     * @param message for the guest's user
     */
    record Refused(String message, String rule) implements Route {}
}
