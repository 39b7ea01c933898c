package dev.sluice.cli.face.vpnkit;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.control.ninep.NinepServer;
import dev.sluice.control.vpnkit.ForwarderApi;
import dev.sluice.control.vpnkit.PortTree;
import dev.sluice.control.vpnkit.StateFiles;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dns.DnsNames;
import dev.sluice.gateway.dns.DnsSettings;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Limits;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.mux.AgentLink;
import dev.sluice.gateway.mux.Generation;
import dev.sluice.host.VsockAddress;
import dev.sluice.link.LinkUrl;
import dev.sluice.loop.LateLogger;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** {@code vpnkit}. */
public final class Vpnkit implements Face {
    /** Of the VPNKit whose flags these are. */
    private static final String VERSION = "0.6.0\n";

    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.vpnkit");

    private final Settings settings = new Settings();
    private final Runnable beVerbose;
    private volatile List<JsonFiles.Tunnel> tunnels = List.of();
    /** Gateway forwards that the file has asked for, and are open. */
    private final Set<GatewayForward> fromFile = new LinkedHashSet<>();

    private @Nullable DnsFile dns;
    private JsonFiles.Dhcp dhcp = new JsonFiles.Dhcp(null, List.of());

    /** @param beVerbose turns debug messages on */
    public Vpnkit(Runnable beVerbose) {
        this.beVerbose = beVerbose;
    }

    @Override
    public int call(List<String> arguments) throws IOException {
        try {
            switch (Flags.parse(arguments, settings)) {
                case HELP -> {
                    return print(Flags.HELP);
                }
                case VERSION -> {
                    return print(VERSION);
                }
                case RUN -> {}
            }
        } catch (Cmdliner.Mistake e) {
            System.err.println("vpnkit: " + e.getMessage()
                    + "\nUsage: vpnkit [OPTION]...\nTry 'vpnkit --help' for more information.");
            return Cmdliner.WRONG_USAGE;
        }
        if (settings.ethernet.isEmpty()) {
            System.err.println("Please provide an --ethernet argument");
            return 0;
        }
        if (settings.debug || System.getenv("VPNKIT_DEBUG") != null) {
            beVerbose.run();
        }
        return run();
    }

    private static int print(String text) {
        System.out.print(text);
        System.out.flush();
        return 0;
    }

    private int run() throws IOException {
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork network = start();
                Doors doors = new Doors(network.gateway().loop());
                WatchedFiles files = new WatchedFiles()) {
            network.listen(ethernet(), stop::countDown);
            Gateway gateway = network.gateway();
            files.add(settings.dnsFile, text -> {
                DnsFile file = DnsFile.parse(text);
                replaceDns(gateway, file); // in one step, or not at all
                tellNames(gateway, dhcp, file);
            });
            files.add(settings.gatewayForwardsFile, text -> replaceForwards(gateway, JsonFiles.gatewayForwards(text)));
            files.add(settings.forwardsFile, text -> tunnels = JsonFiles.tunnels(text));
            ProxySettings proxy = new ProxySettings(gateway::proxy);
            files.add(settings.httpFile, proxy::read);
            files.add(settings.dhcpFile, text -> {
                JsonFiles.Dhcp file = JsonFiles.dhcp(text);
                tellNames(gateway, file, dns);
                dhcp = file;
            });
            openDoors(doors, gateway, proxy);
            network.control().openSocket();
            files.start();
            confine(network);
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (IllegalArgumentException e) {
            throw new IOException(e.getMessage(), e);
        }
        return 0;
    }

    /** Nobody asks for it here, and nothing that was asked for needs what it takes. */
    private static void confine(GuestNetwork network) {
        try {
            GuestNetwork.checkConfinement("seccomp");
            network.confine(false);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "the process is not confined: " + e.getMessage());
        }
    }

    private LinkUrl ethernet() {
        return switch (Endpoint.parse(settings.ethernet)) {
            case Endpoint.Path(String path) -> new LinkUrl.Vmnet(path);
            case Endpoint.Vsock vsock ->
                throw new IllegalArgumentException(
                        "--ethernet " + vsock.address() + ": frames come through a path or fd:N here");
            case Endpoint.Hyperkit hyperkit -> throw new IllegalStateException(hyperkit.toString());
            case Endpoint.Inherited(int number) -> new LinkUrl.Fd(number, LinkUrl.FdFraming.VMNET);
        };
    }

    private GuestNetwork start() throws IOException {
        dhcp = JsonFiles.dhcp(settings.dhcpFile.isEmpty() ? "" : Files.readString(Path.of(settings.dhcpFile)));
        AddressPlan plan = settings.plan(domain(dhcp), dhcp.search());
        DnsNames names = new DnsNames(settings.hostNames, settings.gatewayNames, vmNames());
        FlowPolicy usual = FlowPolicy.of(plan);
        Gateway.Builder builder = Gateway.builder()
                .plan(plan)
                .dns(DnsSettings.defaults()
                        .withNames(names)
                        .withHosts(Path.of(settings.hostsFile.isEmpty() ? "/dev/null" : settings.hostsFile)))
                .policy(request -> decide(usual, request));
        if (settings.maxConnections != null) {
            builder.limits(
                    Limits.defaults().change().tcpFlows(settings.maxConnections).build());
        }
        return GuestNetwork.start(builder, null, settings.forwards);
    }

    private void tellNames(Gateway gateway, JsonFiles.Dhcp dhcp, @Nullable DnsFile dns) throws IOException {
        gateway.guestNames(domain(dhcp), search(dhcp, dns));
    }

    /** What DHCP's own file says counts more than that of the servers. */
    static List<String> search(JsonFiles.Dhcp dhcp, @Nullable DnsFile dns) {
        return !dhcp.search().isEmpty() || dns == null ? dhcp.search() : dns.search();
    }

    private String domain(JsonFiles.Dhcp dhcp) {
        return settings.domain != null ? settings.domain : dhcp.domain() != null ? dhcp.domain() : "localdomain";
    }

    private Map<String, List<IpAddress>> vmNames() {
        Map<String, List<IpAddress>> all = new TreeMap<>();
        settings.vmNames.forEach(name -> all.put(name, List.of(settings.lowest)));
        return all;
    }

    /** On the loop's thread: the first tunnel that leads there. */
    private FlowPolicy.Decision decide(FlowPolicy usual, FlowPolicy.Request request) {
        if (request.protocol() == FlowPolicy.Protocol.TCP) {
            for (JsonFiles.Tunnel tunnel : tunnels) {
                if (tunnel.leads(request.destination(), request.destinationPort())) {
                    return new FlowPolicy.Tunnel(tunnel.path(), request.destination(), request.destinationPort());
                }
            }
        }
        return usual.decide(request);
    }

    /** Those of the flags come first and stay. */
    private void replaceForwards(Gateway gateway, List<GatewayForward> wanted) throws IOException {
        for (GatewayForward old : List.copyOf(fromFile)) {
            if (!wanted.contains(old)) {
                gateway.unforward(old);
                fromFile.remove(old);
            }
        }
        List<GatewayForward> open = gateway.gatewayForwards();
        for (GatewayForward forward : wanted) {
            if (!open.contains(forward)) {
                try {
                    gateway.forward(forward);
                    fromFile.add(forward);
                } catch (IOException e) {
                    LOG.log(System.Logger.Level.WARNING, "gateway forward {0}: {1}", forward, e.getMessage());
                }
            }
        }
    }

    /** Without servers in the file, those of this host are asked. */
    private void replaceDns(Gateway gateway, DnsFile file) {
        file.apply(gateway.dns(), dns);
        dns = file;
    }

    private static List<String> agentChannels(Gateway gateway) {
        try {
            return gateway.agentChannels();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** A vpnkit-forwarder that listens: at a socket of this machine, or behind the hypervisor's for a port of the guest's vsock. */
    private static void agentOfGo(Gateway gateway, String url) throws IOException {
        switch (Endpoint.connect(url)) {
            case Endpoint.Path(String path) -> gateway.agent(path, Generation.GREETING_CONNECTED, "");
            case Endpoint.Hyperkit(String path, int port) ->
                gateway.agent(path, Generation.GREETING_CONNECTED, AgentLink.vsockPreamble(port));
            case Endpoint.Vsock(VsockAddress address) -> gateway.agent(address, Generation.GREETING_CONNECTED);
            case Endpoint.Inherited(int number) ->
                throw new IllegalArgumentException(
                        "--data-connect fd:" + number + ": a path is needed, to connect again");
        }
    }

    private void openDoors(Doors doors, Gateway gateway, ProxySettings proxy) throws IOException {
        boolean agent = true;
        if (!settings.dataConnect.isEmpty()) {
            agentOfGo(gateway, settings.dataConnect);
        } else if (!settings.dataListen.isEmpty()) {
            switch (Endpoint.parse(settings.dataListen)) {
                case Endpoint.Path(String path) -> gateway.agentAt(path);
                case Endpoint.Vsock(VsockAddress address) -> gateway.agentAt(address);
                case Endpoint.Hyperkit _, Endpoint.Inherited _ ->
                    throw new IllegalArgumentException("--data-listen " + settings.dataListen + ": a path is needed");
            }
        } else if (VsockAddress.isMeant(settings.vsockPath)
                && Endpoint.connect(settings.vsockPath) instanceof Endpoint.Vsock(VsockAddress address)) {
            gateway.agent(address, Generation.PLAIN_HOST);
        } else if (!settings.vsockPath.isEmpty()) {
            gateway.agent(settings.vsockPath, Generation.PLAIN_HOST, AgentLink.VSOCK_PREAMBLE);
        } else {
            agent = false;
        }
        GatewayPorts ports = new GatewayPorts(gateway, agent, settings.allowedBindAddresses);
        doors.open("port", settings.ports, new NinepServer(new PortTree(ports))::serve);
        doors.openHttp(settings.controlListen, new ForwarderApi(ports, () -> agentChannels(gateway)));
        StateFiles state = new StateFiles(gateway);
        doors.open("introspection", settings.introspection, new NinepServer(state.tree())::serve);
        doors.open("diagnostics", settings.diagnostics, (_, out) -> state.writeTar(out));
        if (!settings.pcap.isEmpty() || !settings.diagnostics.isEmpty() || !settings.introspection.isEmpty()) {
            // whoever looks wants to see what was before
            gateway.captures().keepRings(settings.pcapSnapLength);
        }
        if (!settings.pcap.isEmpty()) {
            doors.open("pcap", settings.pcap, state::writeCapture);
        }
        doors.open(
                "http-api-path",
                settings.httpApiPath.isEmpty() ? List.of() : List.of(settings.httpApiPath),
                proxy::serve);
    }
}
