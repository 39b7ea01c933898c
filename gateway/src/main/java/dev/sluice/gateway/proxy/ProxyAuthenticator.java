package dev.sluice.gateway.proxy;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * Answers upstreams that want to know who the host's user is (RFC 9110 §11.7), by other means than a password in the {@link Upstream}. Any
 * thread.
 */
@FunctionalInterface
public interface ProxyAuthenticator {
    /** Has no answer. */
    ProxyAuthenticator NONE = _ -> _ -> Optional.empty();

    /** Begins to identify itself on one connection to an upstream. Does not block. */
    Exchange begin(Upstream upstream);

    /** What is said to one upstream on one connection; one thread at a time. */
    @FunctionalInterface
    interface Exchange {
        /**
         * The answer to a response 407, as the value of {@code Proxy-Authorization}; empty if there is none (any more): then the guest gets
         * the response. May block.
         *
         * @param challenges the values of {@code Proxy-Authenticate}, one for each field
         * @throws IOException saying why there is none although there should be, and what to do: then the guest gets a page that says so
         */
        Optional<String> answer(List<String> challenges) throws IOException;
    }
}
