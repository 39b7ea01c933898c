package dev.sluice.cli.face.vpnkit;

import dev.sluice.control.vpnkit.PortDoor;
import dev.sluice.control.vpnkit.PortSpec;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The forwards that clients of the port control files ask for, as published ports of the gateway: through the agent in the guest if there
 * is one, else to the guest itself.
 */
final class GatewayPorts implements PortDoor {
    private final Gateway gateway;
    private final boolean agent;
    private final List<Ipv4Address> allowed;
    /** What is open through this door, by its place: asking for one again is a mistake, not a wish fulfilled. Guarded by this. */
    private final Map<ForwardSpec.Listen, PortSpec> open = new HashMap<>();
    /** Places at ::1 that were opened beside one of IPv4, and whose they are. Guarded by this. */
    private final Map<ForwardSpec.Port, PortSpec> beside = new HashMap<>();

    /**
     * @param agent whether the gateway knows the way to an agent
     * @param allowed addresses to listen on; with 0.0.0.0 among them, all
     */
    GatewayPorts(Gateway gateway, boolean agent, List<Ipv4Address> allowed) {
        this.gateway = gateway;
        this.agent = agent;
        this.allowed = allowed;
    }

    @Override
    public synchronized PortSpec open(PortSpec spec) throws IOException {
        ForwardSpec.Listen place = place(spec);
        if (spec instanceof PortSpec.Port(var _, var address, int port, var _, var _)
                && !allowed.contains(Ipv4Address.ANY)
                && !allowed.stream().anyMatch(address::equals)) {
            throw new PortRefusal(
                    "Bind for " + address + ":" + port + " failed: not one of --allowed-bind-addresses",
                    new IOException());
        }
        PortSpec before = open.get(place);
        if (before != null) {
            if (gateway.ports().isOpen(place)) {
                throw new PortRefusal(inUse(spec), new IOException());
            }
            close(before); // it was closed by other means
        }
        PortSpec other = makeWay(spec);
        try {
            ForwardSpec forward = forward(place, spec);
            prepare(spec);
            ForwardInfo info = gateway.ports().add(List.of(forward)).getFirst();
            PortSpec opened = place instanceof ForwardSpec.Port(var _, int port, var _) && port == 0
                    ? spec.withPort(info.port())
                    : spec;
            open.put(place(opened), opened);
            openBeside(opened);
            return opened;
        } catch (IOException e) {
            if (other != null) {
                openBeside(other);
            }
            throw new PortRefusal(words(spec, e), e);
        }
    }

    /** A folder that is missing is made, as VPNKit's Go programs do. */
    private static void prepare(PortSpec spec) throws IOException {
        if (spec instanceof PortSpec.Unix(String path, var _) && Path.of(path).getParent() instanceof Path folder) {
            Files.createDirectories(folder);
        }
    }

    /** As VPNKit does: whoever looks for localhost may find ::1 first. */
    private void openBeside(PortSpec spec) {
        ForwardSpec.Port place = beside(spec);
        if (place != null) {
            try {
                if (!gateway.ports().isOpen(place)) { // else it is not ours to close
                    gateway.ports().add(List.of(forward(place, spec)));
                    beside.put(place, spec);
                }
            } catch (IOException e) {
                // another program's, or no IPv6 here: then without
            }
        }
    }

    /** Docker asks for 0.0.0.0 and for :: one after the other; what was opened beside the first is then in the way, and whose it was is told. */
    private @Nullable PortSpec makeWay(PortSpec spec) throws IOException {
        ForwardSpec.Port place = localhost6(spec);
        PortSpec owner = place == null ? null : beside.remove(place);
        if (owner != null) {
            gateway.ports().remove(List.of(place), false);
        }
        return owner;
    }

    /** ::1 with the port of a forward that listens there, too. */
    private static ForwardSpec.@Nullable Port localhost6(PortSpec spec) {
        return spec instanceof PortSpec.Port(boolean udp, var address, int port, var _, var _)
                        && !udp
                        && (address.equals(Ipv6Address.ANY) || address.equals(Ipv6Address.LOOPBACK))
                ? new ForwardSpec.Port(Ipv6Address.LOOPBACK, port, false)
                : null;
    }

    private static ForwardSpec.@Nullable Port beside(PortSpec spec) {
        return spec instanceof PortSpec.Port(boolean udp, var address, int port, var _, var _)
                        && !udp
                        && (address.equals(Ipv4Address.ANY) || address.equals(Ipv4Address.LOOPBACK))
                ? new ForwardSpec.Port(Ipv6Address.LOOPBACK, port, false)
                : null;
    }

    private static ForwardSpec.Listen place(PortSpec spec) {
        return switch (spec) {
            case PortSpec.Port(boolean udp, var address, int port, var _, var _) ->
                new ForwardSpec.Port(address, port, udp);
            case PortSpec.Unix(String path, var _) -> new ForwardSpec.UnixSocket(path);
        };
    }

    private ForwardSpec forward(ForwardSpec.Listen place, PortSpec spec) throws IOException {
        return switch (spec) {
            case PortSpec.Port(var _, var _, var _, IpAddress target, int port) ->
                new ForwardSpec(place, target(target), port, false);
            case PortSpec.Unix(var _, String target) -> {
                if (!agent) {
                    throw new IOException(
                            "a socket in the guest is reached by an agent there only; start with --vsock-path");
                }
                yield new ForwardSpec(place, new ForwardSpec.AgentSocket(target), 0, false);
            }
        };
    }

    /** Without an agent an address that only the guest knows (its loopback, its containers') means the guest itself. */
    private ForwardSpec.Target target(IpAddress address) {
        if (agent) {
            return new ForwardSpec.Agent(address);
        }
        return address instanceof Ipv4Address v4 && gateway.plan().subnet().contains(v4)
                ? new ForwardSpec.Address(address)
                : new ForwardSpec.Only();
    }

    @Override
    public synchronized void close(PortSpec opened) throws IOException {
        ForwardSpec.Listen place = place(opened);
        if (open.get(place) != opened) {
            return; // it was closed by other means, and the place is another's by now
        }
        ForwardSpec.Port second = beside(opened);
        try {
            List<ForwardSpec> ours = new ArrayList<>(List.of(forward(place, opened)));
            if (second != null && beside.remove(second, opened)) {
                ours.add(forward(second, opened));
            }
            gateway.ports().close(ours);
        } finally {
            open.remove(place);
        }
        ForwardSpec.Port free = localhost6(opened);
        if (free != null) {
            for (Ipv4Address address : List.of(Ipv4Address.ANY, Ipv4Address.LOOPBACK)) {
                PortSpec neighbour = open.get(new ForwardSpec.Port(address, free.port(), false));
                if (neighbour != null) {
                    openBeside(neighbour);
                }
            }
        }
    }

    private static String inUse(PortSpec spec) {
        if (spec instanceof PortSpec.Unix(String path, var _)
                && (Files.isRegularFile(Path.of(path), LinkOption.NOFOLLOW_LINKS)
                        || Files.isDirectory(Path.of(path)))) {
            return "refusing to remove path " + path + ": it is no socket";
        }
        return "Bind for " + where(spec) + " failed: port is already allocated";
    }

    private static String where(PortSpec spec) {
        return switch (spec) {
            case PortSpec.Port(var _, var address, int port, var _, var _) ->
                (address instanceof Ipv6Address ? "[" + address + "]" : address) + ":" + port;
            case PortSpec.Unix(String path, var _) -> path;
        };
    }

    private static String words(PortSpec spec, IOException e) {
        Throwable cause = e;
        while (cause != null && !(cause instanceof ListenException)) {
            cause = cause.getCause();
        }
        HostError error = cause instanceof ListenException reason ? reason.error() : HostError.OTHER;
        String protocol = spec instanceof PortSpec.Port port && port.udp() ? "udp" : "tcp";
        return switch (error) {
            case ADDRESS_IN_USE -> inUse(spec);
            case NO_SUCH_ADDRESS ->
                "listen " + protocol + " " + where(spec) + ": bind: cannot assign requested address";
            case PROHIBITED -> "Bind for " + where(spec) + " failed: permission denied";
            default ->
                String.valueOf(e.getMessage()).contains("is published already")
                        ? inUse(spec)
                        : "Bind for " + where(spec) + ": unexpected error " + e.getMessage();
        };
    }
}
