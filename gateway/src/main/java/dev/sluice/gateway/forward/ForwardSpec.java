package dev.sluice.gateway.forward;

import dev.sluice.wire.IpAddress;
import org.jspecify.annotations.Nullable;

/**
 * A forward as it was asked for.
 *
 * @param listen where clients come
 * @param target whose port it leads to
 * @param guestPort that port, 1…65535
 * @param proxy whether a PROXY header before the data tells the guest who the client is (TCP only)
 */
public record ForwardSpec(Listen listen, Target target, int guestPort, boolean proxy) {

    /** Where clients come. */
    public sealed interface Listen {
        boolean udp();
    }

    /**
     * A port of the host.
     *
     * @param address to listen on; null is every address of both families
     * @param port 0 lets the system choose one
     */
    public record Port(@Nullable IpAddress address, int port, boolean udp) implements Listen {
        /** As {@code 8080}, {@code 127.0.0.1:8080} or {@code [::1]:53/udp}. */
        @Override
        public String toString() {
            String at = address == null ? "" : ForwardSyntax.bracketed(address) + ":";
            return at + port + (udp ? "/udp" : "");
        }
    }

    /** A socket in the file system. */
    public record UnixSocket(String path) implements Listen {
        @Override
        public boolean udp() {
            return false;
        }

        @Override
        public String toString() {
            return "unix:" + path;
        }
    }

    /** Whose port it leads to. */
    public sealed interface Target {}

    /** The one guest there is; while there are none or several, clients are refused. */
    public record Only() implements Target {
        @Override
        public String toString() {
            return "";
        }
    }

    /** The guest with this address. */
    public record Address(IpAddress address) implements Target {
        @Override
        public String toString() {
            return ForwardSyntax.bracketed(address);
        }
    }

    /** The guest that gave this name when it asked for its address (DHCP option 12); case does not matter. */
    public record Name(String name) implements Target {
        @Override
        public String toString() {
            return name;
        }
    }

    /** A port as an agent in the guest sees it: reached through the agent's multiplexer rather than by frames. */
    public record Agent(IpAddress address) implements Target {
        @Override
        public String toString() {
            return "agent/" + ForwardSyntax.bracketed(address);
        }
    }

    /** A socket in the guest's file system, reached by an agent there; its forward's guest port is 0. */
    public record AgentSocket(String path) implements Target {
        @Override
        public String toString() {
            return "agent" + path;
        }
    }

    public ForwardSpec {
        if (proxy && listen.udp()) {
            throw new IllegalArgumentException("a PROXY header goes before a stream's data; UDP has none");
        }
    }

    /** The same for a guest that the text did not name. */
    public ForwardSpec withDefault(Target other) {
        return target instanceof Only ? new ForwardSpec(listen, other, guestPort, proxy) : this;
    }

    /** A text that {@link ForwardSyntax#parse} reads back, unless it leads to an agent. */
    @Override
    public String toString() {
        String to = target + (target instanceof Only ? "" : ":") + guestPort;
        return switch (listen) {
            case Port(var address, int port, boolean udp) ->
                new Port(address, port, false) + ":" + to + (udp ? "/udp" : "") + (proxy ? ",proxy" : "");
            case UnixSocket unix -> unix + ":" + to + (proxy ? ",proxy" : "");
        };
    }
}
