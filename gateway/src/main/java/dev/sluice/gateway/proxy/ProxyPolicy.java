package dev.sluice.gateway.proxy;

import java.util.List;

/** Where requests go. Any thread; another policy may take its place at any time. */
public interface ProxyPolicy {
    /** Everything goes straight to its server, and nothing is looked into. */
    ProxyPolicy DIRECT = new ProxyPolicy() {
        @Override
        public boolean active() {
            return false;
        }

        @Override
        public List<Route> routes(ProxyTarget target) {
            return List.of(new Route.Direct("no proxy is set"));
        }
    };

    /**
     * Whether anything but {@link Route.Direct} can come of a question now. Only then are connections to transparent ports looked into. Asked on
     * the loop for each new connection: does not block.
     */
    boolean active();

    /**
     * The ways for a request, the best first; the next one is tried when an upstream cannot be reached. Never empty. May block (names, PAC):
     * virtual threads only.
     */
    List<Route> routes(ProxyTarget target);
}
