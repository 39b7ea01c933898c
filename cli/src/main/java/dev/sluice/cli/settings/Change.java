package dev.sluice.cli.settings;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.host.porthelper.PortHelper;
import dev.sluice.loop.LateLogger;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Leads a running network from one set of settings to another, all of it or not at all. Flows are not touched: what a port has let through
 * goes on when it closes. Used by one thread at a time.
 */
final class Change {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.settings");

    /** Something that can fail. */
    @FunctionalInterface
    private interface Step {
        void run() throws IOException;
    }

    private final GuestNetwork network;
    private final Gateway gateway;
    /** What was opened here, with the ports that the system chose, by what was asked for: what was open by hand is not ours to close. */
    private final Map<ForwardSpec, ForwardSpec> opened = new HashMap<>();
    /** The same of the gateway's ports. */
    private final Set<GatewayForward> led = new HashSet<>();

    private @Nullable ProxyFollower follower;
    private final Deque<Step> undo = new ArrayDeque<>();

    /** For a network that was started with {@code settings}, whose gateway forwards are open. */
    Change(GuestNetwork network, Settings settings) {
        this.network = network;
        this.gateway = network.gateway();
        led.addAll(settings.get(Keys.GATEWAY_FORWARDS, List.of()));
    }

    /**
     * Does it.
     *
     * @throws IOException saying what could not be done; all is as it was before
     */
    void apply(Settings before, Settings after) throws IOException {
        undo.clear();
        try {
            helper(before, after);
            published(before, after);
            gatewayForwards(before, after);
            names(before, after);
            proxy(before, after);
        } catch (IOException e) {
            takeBack();
            throw e;
        } catch (RuntimeException e) {
            takeBack();
            throw new IOException(String.valueOf(e.getMessage()), e);
        }
    }

    private void takeBack() {
        while (!undo.isEmpty()) {
            try {
                undo.pop().run();
            } catch (IOException | RuntimeException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "a part of the settings could not be taken back: " + e.getMessage());
            }
        }
    }

    private static <T extends Object> List<T> without(List<T> all, List<T> these) {
        Set<T> known = new HashSet<>(these);
        return all.stream().filter(each -> !known.contains(each)).toList();
    }

    private void helper(Settings before, Settings after) {
        String old = before.get(Keys.PORT_HELPER);
        String now = after.get(Keys.PORT_HELPER);
        if (!Objects.equals(old, now)) {
            undo.push(() -> use(old));
            use(now);
        }
    }

    private void use(@Nullable String helper) {
        gateway.ports().helper(helper == null ? null : new PortHelper(helper));
    }

    private void published(Settings before, Settings after) throws IOException {
        List<ForwardSpec> old = before.get(Keys.PUBLISH, List.of());
        List<ForwardSpec> now = after.get(Keys.PUBLISH, List.of());
        List<ForwardSpec> gone = without(old, now);
        List<ForwardSpec> come = without(now, old);
        if (!gone.isEmpty()) {
            List<ForwardSpec> closed = close(gone);
            undo.push(() -> open(closed));
        }
        if (!come.isEmpty()) {
            open(come);
            undo.push(() -> close(come));
        }
    }

    /** Opens ports, and remembers those that were not open before. */
    void open(List<ForwardSpec> specs) throws IOException {
        List<Forwards.Added> added = network.ports().open(specs);
        for (int i = 0; i < specs.size(); i++) {
            if (added.get(i).isNew()) {
                opened.put(specs.get(i), added.get(i).spec());
            }
        }
    }

    /** Closes those that were opened here and are open still; the answer is which. */
    private List<ForwardSpec> close(List<ForwardSpec> specs) throws IOException {
        Map<ForwardSpec, ForwardSpec> asked = new LinkedHashMap<>();
        for (ForwardSpec spec : specs) {
            ForwardSpec ours = opened.remove(spec);
            if (ours != null) {
                asked.put(ours, spec);
            }
        }
        asked.keySet().retainAll(Set.copyOf(gateway.ports().close(List.copyOf(asked.keySet()))));
        return List.copyOf(asked.values());
    }

    private void gatewayForwards(Settings before, Settings after) throws IOException {
        List<GatewayForward> old = before.get(Keys.GATEWAY_FORWARDS, List.of());
        List<GatewayForward> now = after.get(Keys.GATEWAY_FORWARDS, List.of());
        for (GatewayForward gone : without(old, now)) {
            if (unlead(gone)) {
                undo.push(() -> lead(gone));
            }
        }
        for (GatewayForward come : without(now, old)) {
            if (lead(come)) {
                undo.push(() -> unlead(come));
            }
        }
    }

    private boolean lead(GatewayForward forward) throws IOException {
        return gateway.forward(forward) && led.add(forward);
    }

    private boolean unlead(GatewayForward forward) throws IOException {
        return led.remove(forward) && gateway.unforward(forward);
    }

    /** Follows another proxy if it is one. */
    void proxy(Settings before, Settings after) throws IOException {
        if (before.differences(after).stream().anyMatch(key -> key.name().startsWith("proxy."))) {
            undo.push(() -> follow(before));
            follow(after);
        }
    }

    /** As {@link #proxy} for a network that begins: this machine's own settings hold where nothing else is said, if there are any. */
    void proxyFromTheStart(Settings settings) throws IOException {
        if (!settings.has(Keys.PROXY) && HostProxy.mayBeSet(System.getenv())) {
            follow(settings);
        } else {
            proxy(Settings.NONE, settings);
        }
    }

    private void follow(Settings settings) throws IOException {
        ProxyFollower known = follower;
        if (known == null && !settings.has(Keys.PROXY) && !HostProxy.mayBeSet(System.getenv())) {
            gateway.proxy(NetworkParts.proxy(settings));
            return;
        }
        if (known == null) {
            known = new ProxyFollower(network);
            follower = known;
        }
        known.follow(settings);
    }

    private void names(Settings before, Settings after) {
        if (before.differences(after).stream().anyMatch(key -> key.name().startsWith("dns."))) {
            gateway.dns().change(NetworkParts.dns(after, gateway.plan()));
            undo.push(() -> gateway.dns().change(NetworkParts.dns(before, gateway.plan())));
        }
    }
}
