package dev.sluice.gateway.dns;

import dev.sluice.wire.IpAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Names that the program around a network knows by rules of its own. Any thread, at any time; must not block. */
@FunctionalInterface
public interface KnownNames {
    /**
     * The addresses of a name.
     *
     * @param name in lower case, without a final dot
     * @return empty if there is no such name; null if that is for others to say
     */
    @Nullable
    List<IpAddress> find(String name);
}
