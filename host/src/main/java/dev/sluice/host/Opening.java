package dev.sluice.host;

/** What came of asking the host for a socket. */
public sealed interface Opening<S> {

    /** It is open; the caller owns it and closes it. */
    record Open<S>(S socket) implements Opening<S> {}

    /**
     * It is not.
     *
     * @param reason one line for a log: what was tried, why it failed, what to do where that is known
     */
    record Failed<S>(HostError error, String reason) implements Opening<S> {}
}
