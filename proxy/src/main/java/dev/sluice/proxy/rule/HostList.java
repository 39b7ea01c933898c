package dev.sluice.proxy.rule;

import dev.sluice.gateway.proxy.ProxyTarget;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Hosts by name, domain, address or network. Immutable. */
public interface HostList {
    /** More are a mistake. */
    int MAX_TOKENS = 10_000;

    /** The entry that the target is in by, as it was written; null if it is not in the list. */
    @Nullable
    String match(ProxyTarget target);

    /** Splits at commas and ASCII white space. */
    static List<String> tokens(String text) {
        List<String> tokens = List.of(text.strip().split("[,\\s]+"));
        if (tokens.size() > MAX_TOKENS) {
            throw new IllegalArgumentException("a list of more than " + MAX_TOKENS + " hosts");
        }
        return tokens.stream().filter(token -> !token.isEmpty()).toList();
    }
}
