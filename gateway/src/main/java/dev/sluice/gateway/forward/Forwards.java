package dev.sluice.gateway.forward;

import dev.sluice.gateway.flow.Guest;
import dev.sluice.gateway.mux.AgentDatagrams;
import dev.sluice.gateway.mux.AgentLink;
import dev.sluice.gateway.mux.MuxTarget;
import dev.sluice.gateway.tcp.TcpForward;
import dev.sluice.gateway.tcp.TcpInbound;
import dev.sluice.gateway.udp.UdpFlows;
import dev.sluice.gateway.udp.UdpForward;
import dev.sluice.host.DatagramHost;
import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.host.Opening;
import dev.sluice.loop.Loop;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The forwards that are open. Confined to the loop; see the package. */
public final class Forwards {
    /** More are refused. */
    public static final int LIMIT = 32_768;

    private final Loop loop;
    private final DatagramHost datagramHost;
    private final TcpInbound inbound;
    private final UdpFlows udp;
    private final Guests guests;
    /** Null if there is none. */
    private @Nullable AgentLink agent;

    /** By where they listen, with the port that was chosen; in the order they were added. */
    private final Map<ForwardSpec.Listen, Open> open = new LinkedHashMap<>();

    /** One of the two kinds. */
    private sealed interface Opened {
        record Stream(TcpForward forward) implements Opened {}

        /** @param ipv6 the same port of every IPv6 address, where the forward is for every address */
        record Datagrams(UdpForward forward, @Nullable UdpForward ipv6) implements Opened {}

        record AgentPort(AgentDatagrams forward) implements Opened {}
    }

    private record Open(ForwardSpec spec, Opened opened, boolean automatic) {
        ForwardInfo info() {
            boolean udp = spec.listen().udp();
            return new ForwardInfo(
                    spec.toString(),
                    udp ? "udp" : "tcp",
                    spec.listen() instanceof ForwardSpec.Port(var address, int port, var _)
                            ? new ForwardSpec.Port(address, port, false).toString()
                            : spec.listen().toString(),
                    spec.listen() instanceof ForwardSpec.Port port ? port.port() : 0,
                    spec.target().toString(),
                    spec.guestPort(),
                    spec.proxy(),
                    automatic,
                    switch (opened) {
                        case Opened.Stream(var forward) -> forward.clients();
                        case Opened.Datagrams(var forward, var ipv6) ->
                            forward.size() + (ipv6 == null ? 0 : ipv6.size());
                        case Opened.AgentPort(var forward) -> forward.size();
                    });
        }
    }

    public Forwards(Loop loop, DatagramHost datagramHost, TcpInbound inbound, UdpFlows udp, Guests guests) {
        this.loop = loop;
        this.datagramHost = datagramHost;
        this.inbound = inbound;
        this.udp = udp;
        this.guests = guests;
    }

    /** Forwards may lead to an agent from now on. */
    public void agent(AgentLink way) {
        agent = way;
    }

    /**
     * What came of {@link #add}.
     *
     * @param spec as it was asked for, with the port that was chosen
     * @param isNew false if it was open just so already
     */
    public record Added(ForwardInfo info, ForwardSpec spec, boolean isNew) {}

    /**
     * Opens a forward; one that is open just so already stays as it is.
     *
     * @param automatic whether it is to go when the service it leads to goes
     * @throws IOException saying why not: the place is taken, not permitted, or leads elsewhere already
     */
    public Added add(ForwardSpec spec, boolean automatic) throws IOException {
        Open there = open.get(spec.listen());
        if (there != null) {
            if (there.spec.equals(spec)) {
                return new Added(there.info(), there.spec, false);
            }
            throw new IOException("port " + spec.listen() + " is published already, as " + there.spec
                    + "; remove that forward first");
        }
        if (open.size() >= LIMIT) {
            throw new IOException("there are " + LIMIT + " forwards, as many as can be; remove some first");
        }
        Opened opened = spec.listen().udp() ? datagrams(spec) : new Opened.Stream(stream(spec));
        int port = switch (opened) {
            case Opened.Stream(var forward) -> forward.port();
            case Opened.Datagrams(var forward, var _) -> forward.port();
            case Opened.AgentPort(var forward) -> forward.port();
        };
        ForwardSpec real = spec.listen() instanceof ForwardSpec.Port(var address, int wanted, boolean isUdp)
                        && wanted == 0
                ? new ForwardSpec(
                        new ForwardSpec.Port(address, port, isUdp), spec.target(), spec.guestPort(), spec.proxy())
                : spec;
        Open made = new Open(real, opened, automatic);
        open.put(real.listen(), made);
        return new Added(made.info(), real, true);
    }

    /**
     * As {@link #add(ForwardSpec, boolean)} where somebody with more rights has bound the port.
     *
     * @param fd the bound socket (and listening, if TCP), ours from now on
     */
    public Added add(ForwardSpec spec, boolean automatic, int fd) throws IOException {
        boolean udpPort = spec.listen().udp();
        if (udpPort) {
            datagramHost.grant(fd);
        } else {
            inbound.grant(fd);
        }
        try {
            return add(spec, automatic);
        } finally {
            datagramHost.grant(-1);
            inbound.grant(-1);
        }
    }

    private TcpForward stream(ForwardSpec spec) throws IOException {
        MuxTarget inside = switch (spec.target()) {
            case ForwardSpec.Agent(var address) -> new MuxTarget.Tcp(address, spec.guestPort());
            case ForwardSpec.AgentSocket(String path) -> new MuxTarget.Unix(path);
            case ForwardSpec.Only _, ForwardSpec.Address _, ForwardSpec.Name _ -> null;
        };
        TcpForward forward;
        if (inside == null) {
            forward = inbound.forward(() -> find(spec.target()), spec.guestPort(), spec.proxy());
        } else {
            AgentLink way = agent();
            forward = inbound.forward(events -> way.open(inside, events), spec.guestPort(), spec.proxy());
        }
        switch (spec.listen()) {
            case ForwardSpec.Port(var address, int port, var _) -> forward.listen(address, port);
            case ForwardSpec.UnixSocket(String path) -> forward.listen(path);
        }
        return forward;
    }

    /** The channels to the agent, for people. */
    public List<String> agentChannels() {
        return agent == null ? List.of() : agent.describe();
    }

    private AgentLink agent() throws IOException {
        if (agent == null) {
            throw new IOException(
                    "there is no way to an agent in the guest; start with --vsock-path, or name the guest's"
                            + " own address");
        }
        return agent;
    }

    private Opened datagrams(ForwardSpec spec) throws IOException {
        if (!(spec.listen() instanceof ForwardSpec.Port(var wanted, int port, var _))) {
            throw new IllegalArgumentException(spec.toString());
        }
        if (spec.target() instanceof ForwardSpec.Agent(var inside)) {
            return agentDatagrams(wanted, port, new MuxTarget.Udp(inside, spec.guestPort()));
        }
        // a session is known by the address of its guest, so a guest that comes and goes needs one that stays
        Guest guest = find(spec.target());
        IpAddress address = switch (spec.target()) {
            case ForwardSpec.Address(var theirs) -> theirs;
            case ForwardSpec.AgentSocket(String path) ->
                throw new IOException("UDP port " + port + " cannot lead to the socket " + path);
            case ForwardSpec.Name _, ForwardSpec.Only _, ForwardSpec.Agent _ -> {
                if (guest == null) {
                    throw new IOException("which guest shall UDP port " + port
                            + " lead to? There is none like that now; give its address");
                }
                yield guest.ipAddress();
            }
        };
        UdpForward forward = datagrams(wanted == null ? Ipv4Address.ANY : wanted, port, address, spec.guestPort());
        if (wanted != null) {
            return new Opened.Datagrams(forward, null);
        }
        try {
            return new Opened.Datagrams(forward, datagrams(Ipv6Address.ANY, forward.port(), address, spec.guestPort()));
        } catch (ListenException e) {
            if (e.error() != HostError.ADDRESS_IN_USE) {
                return new Opened.Datagrams(forward, null); // no IPv6 here, or a port helper's socket, which is of IPv4
            }
            forward.close();
            throw e;
        }
    }

    private UdpForward datagrams(IpAddress at, int port, IpAddress guest, int guestPort) throws ListenException {
        return switch (udp.forward(at.high(), at.low(), port, guest, guestPort, () -> guests.find(guest))) {
            case Opening.Open<UdpForward>(UdpForward forward) -> forward;
            case Opening.Failed<UdpForward> failed -> throw new ListenException(failed.error(), failed.reason());
        };
    }

    private Opened agentDatagrams(@Nullable IpAddress wanted, int port, MuxTarget.Udp target) throws IOException {
        IpAddress at = wanted == null ? Ipv4Address.ANY : wanted;
        return switch (AgentDatagrams.open(loop, datagramHost, agent(), at.high(), at.low(), port, target)) {
            case Opening.Open<AgentDatagrams>(AgentDatagrams forward) -> new Opened.AgentPort(forward);
            case Opening.Failed<AgentDatagrams> failed -> throw new ListenException(failed.error(), failed.reason());
        };
    }

    private @Nullable Guest find(ForwardSpec.Target target) {
        return switch (target) {
            case ForwardSpec.Only() -> guests.only();
            case ForwardSpec.Address(var address) -> guests.find(address);
            case ForwardSpec.Name(String name) -> guests.named(name);
            case ForwardSpec.Agent _, ForwardSpec.AgentSocket _ -> null;
        };
    }

    /**
     * Closes the forwards that listen at {@code listen}; one without an address means every address.
     *
     * @param cut whether connections through them are reset, rather than left to their own end
     * @return those that were closed
     */
    public List<ForwardInfo> remove(ForwardSpec.Listen listen, boolean cut) {
        List<Open> found = new ArrayList<>();
        Open exact = open.get(listen);
        if (exact != null) {
            found.add(exact);
        } else if (listen instanceof ForwardSpec.Port(var address, int port, boolean isUdp) && address == null) {
            for (Open candidate : open.values()) {
                if (candidate.spec.listen() instanceof ForwardSpec.Port(var _, int itsPort, boolean itsUdp)
                        && itsPort == port
                        && itsUdp == isUdp) {
                    found.add(candidate);
                }
            }
        }
        List<ForwardInfo> removed = new ArrayList<>();
        for (Open gone : found) {
            removed.add(remove(gone, cut));
        }
        return removed;
    }

    /**
     * Closes just that forward; what else may listen there by now stays.
     *
     * @return what it was; null if it is not open
     */
    public @Nullable ForwardInfo remove(ForwardSpec forward, boolean cut) {
        Open there = open.get(forward.listen());
        return there != null && there.spec.equals(forward) ? remove(there, cut) : null;
    }

    private ForwardInfo remove(Open gone, boolean cut) {
        open.remove(gone.spec.listen());
        ForwardInfo was = gone.info();
        close(gone, cut);
        return was;
    }

    private static void close(Open gone, boolean cut) {
        switch (gone.opened) {
            case Opened.Stream(var forward) -> {
                forward.close();
                if (cut) {
                    forward.cut();
                }
            }
            case Opened.Datagrams(var forward, var ipv6) -> {
                forward.close();
                if (ipv6 != null) {
                    ipv6.close();
                }
            }
            case Opened.AgentPort(var forward) -> forward.close();
        }
    }

    /** Whether a forward listens at just that place. */
    public boolean isOpen(ForwardSpec.Listen place) {
        return open.containsKey(place);
    }

    /** All, in the order they were added. */
    public List<ForwardInfo> list() {
        return open.values().stream().map(Open::info).toList();
    }

    /** Closes all listeners. */
    public void close() {
        open.values().forEach(forward -> close(forward, false));
        open.clear();
        if (agent != null) {
            agent.close();
        }
    }
}
