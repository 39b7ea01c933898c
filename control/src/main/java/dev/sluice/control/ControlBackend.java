package dev.sluice.control;

import dev.sluice.control.diagnose.Secret;
import dev.sluice.gateway.Captures;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.explain.Explained;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the control API shows and steers. Called on virtual threads, several at a time; may block for a moment. */
public interface ControlBackend {
    /** The gateway as it is now. */
    GatewayStatus status() throws IOException;

    /** The conversations of guests, with their bytes and rates. */
    default List<FlowInfo> flows() throws IOException {
        return List.of();
    }

    /** One of them; empty if there is none with this id. */
    default Optional<FlowInfo> flow(long id) throws IOException {
        return Optional.empty();
    }

    /** Ends one of them; how it was, or empty if there is none with this id. */
    default Optional<FlowInfo> cutFlow(long id) throws IOException {
        return Optional.empty();
    }

    /** The published ports. */
    default List<ForwardInfo> forwards() throws IOException {
        return List.of();
    }

    /**
     * Publishes ports, all or none.
     *
     * @throws IOException saying why not and what to do
     */
    default List<ForwardInfo> addForwards(List<ForwardSpec> specs) throws IOException {
        throw new IOException("this process publishes no ports");
    }

    /**
     * Closes published ports.
     *
     * @param cut whether connections through them are reset
     * @return those that were closed
     */
    default List<ForwardInfo> removeForwards(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
        return List.of();
    }

    /**
     * Records and zones of the name server.
     *
     * @throws IOException if it has none of its own
     */
    default DnsDirectory dns() throws IOException {
        throw new IOException("this process has no name server");
    }

    /**
     * What happens.
     *
     * @throws IOException if nothing is told
     */
    default Events events() throws IOException {
        throw new IOException("this process tells of nothing that happens");
    }

    /**
     * What passes.
     *
     * @throws IOException if nothing can be recorded
     */
    default Captures captures() throws IOException {
        throw new IOException("this process records no frames");
    }

    /** Which way requests go. */
    default ProxyDoor proxy() {
        return ProxyDoor.of(() -> ProxyPolicy.DIRECT);
    }

    /**
     * What can be set while it runs.
     *
     * @throws IOException if nothing can
     */
    default SettingsDoor settingsDoor() throws IOException {
        throw new IOException("the settings of this process can't be asked for");
    }

    /** Ports of the gateway that lead guests to places of the host. */
    default List<GatewayForward> gatewayForwards() throws IOException {
        return List.of();
    }

    /**
     * Opens some, all or none.
     *
     * @throws IOException saying why not
     */
    default void addGatewayForwards(List<GatewayForward> forwards) throws IOException {
        throw new IOException("this process leads no ports of a gateway anywhere");
    }

    /** Closes one; connections through it go on. False if it is not there. */
    default boolean removeGatewayForward(GatewayForward forward) throws IOException {
        return false;
    }

    /**
     * How a guest reaches a URL, {@code HOST:PORT} or name.
     *
     * @param guest who asks; null for the first
     * @throws IllegalArgumentException if it is none of these
     */
    default Explained explain(String target, @Nullable IpAddress guest) throws IOException {
        throw new IOException("this process has no guests");
    }

    /** How this process was started: options and words by name; what may be secret is a {@link Secret}. */
    default Map<String, Object> settings() {
        return Map.of();
    }
}
