package dev.sluice.control;

import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Which way requests go, as the API shows it. Any thread. */
public interface ProxyDoor extends AutoCloseable {
    /**
     * What holds.
     *
     * @param use what was chosen, without its password; null for nothing
     * @param except hosts that are reached directly
     * @param active whether any request may take another way than straight
     * @param origin where the setting comes from that counts now
     */
    record State(@Nullable String use, List<String> except, boolean active, String origin) {}

    State state();

    /** What it decides about a request; blocks. */
    List<Route> routes(ProxyTarget target);

    /** Follows nothing any more. */
    @Override
    default void close() {}

    /** Of a network whose policy no setting has chosen, if there is any. */
    static ProxyDoor of(Supplier<ProxyPolicy> policy) {
        return new ProxyDoor() {
            @Override
            public State state() {
                boolean active = policy.get().active();
                return new State(null, List.of(), active, active ? "not these settings" : "no proxy is set");
            }

            @Override
            public List<Route> routes(ProxyTarget target) {
                return policy.get().routes(target);
            }
        };
    }
}
