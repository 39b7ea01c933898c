package dev.sluice.control;

import dev.sluice.control.diagnose.Secret;
import dev.sluice.gateway.Captures;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.GatewayStatus;
import dev.sluice.gateway.dns.DnsDirectory;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.explain.Explained;
import dev.sluice.gateway.flow.Counters;
import dev.sluice.gateway.flow.FlowInfo;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.GatewayForward;
import dev.sluice.gateway.proxy.Credentials;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A backend that shows one of everything and remembers what was asked of it, served on a socket. */
final class ApiFixture implements ControlBackend, AutoCloseable {
    static final FlowInfo FLOW = new FlowInfo(
            17,
            FlowPolicy.Protocol.TCP,
            FlowInfo.Direction.OUT,
            Ipv4Address.parse("192.168.65.3"),
            40_000,
            Ipv4Address.parse("192.168.65.2"),
            80,
            1,
            Ipv4Address.LOOPBACK,
            80,
            50_000,
            "ESTABLISHED",
            100,
            2000,
            10,
            200,
            1500,
            List.of("web.test"));
    private static final FlowInfo PING = new FlowInfo(
            18,
            FlowPolicy.Protocol.PING,
            FlowInfo.Direction.OUT,
            Ipv4Address.parse("192.168.65.3"),
            7,
            null,
            0,
            0,
            null,
            0,
            0,
            "closed",
            5000,
            0,
            5,
            0,
            15,
            List.of());

    static final SettingsDoor.Flaw MISTAKE = new SettingsDoor.Flaw(
            "/etc/sluice.yaml:3:8", "network.mtu", "can't change", "/etc/sluice.yaml:3:8: network.mtu can't change");
    final List<GatewayForward> gatewayForwards =
            List.of(GatewayForward.parse("5432:127.0.0.1:5432"), GatewayForward.parse("123:127.0.0.1:1123/udp"));

    final Counters counters = new Counters();
    final Events events = new Events(counters, () -> 0);
    final Directory directory = new Directory();
    private @Nullable Gateway gateway;
    final List<String> asked = new ArrayList<>();
    final Path socket;
    final ControlServer server = new ControlServer(this);

    ApiFixture(Path folder) throws ControlException {
        socket = folder.resolve("1.sock");
        server.open(socket);
    }

    ControlClient client() {
        return new ControlClient(socket).patient(Duration.ofMinutes(1));
    }

    @Override
    public GatewayStatus status() {
        return StatusFixture.status();
    }

    @Override
    public List<FlowInfo> flows() {
        return List.of(FLOW, PING);
    }

    @Override
    public Optional<FlowInfo> flow(long id) {
        return flows().stream().filter(flow -> flow.id() == id).findFirst();
    }

    @Override
    public Optional<FlowInfo> cutFlow(long id) {
        asked.add("cut " + id);
        return flow(id);
    }

    @Override
    public List<ForwardInfo> forwards() {
        return List.of(new ForwardInfo("8080:vm1:80", "tcp", "8080", 8080, "vm1", 80, false, false, 7));
    }

    @Override
    public List<ForwardInfo> addForwards(List<ForwardSpec> specs) throws IOException {
        if (specs.toString().contains("81")) {
            throw new IOException("port 81 is already used by nginx (pid 1234)");
        }
        asked.add("add " + specs);
        return forwards();
    }

    @Override
    public List<ForwardInfo> removeForwards(List<ForwardSpec.Listen> places, boolean cut) {
        asked.add("remove " + places + (cut ? " cut" : ""));
        return places.toString().contains("9999") ? List.of() : forwards();
    }

    @Override
    public DnsDirectory dns() {
        return directory;
    }

    @Override
    public Events events() {
        return events;
    }

    /** Of a gateway without guests, made with the first question. */
    @Override
    public synchronized Captures captures() throws IOException {
        Gateway made = gateway;
        if (made == null) {
            made = Gateway.builder().start();
            gateway = made;
        }
        return made.captures();
    }

    @Override
    public List<GatewayForward> gatewayForwards() {
        return gatewayForwards;
    }

    @Override
    public void addGatewayForwards(List<GatewayForward> forwards) throws IOException {
        if (forwards.toString().contains("53:")) {
            throw new IOException("port 53 of the gateway has a service already");
        }
        asked.add("add gateway " + forwards);
    }

    @Override
    public boolean removeGatewayForward(GatewayForward forward) {
        asked.add("remove gateway " + forward);
        return true;
    }

    @Override
    public Explained explain(String target, @Nullable IpAddress guest) {
        asked.add("explain " + target + " for " + guest);
        if (target.equals("x")) {
            throw new IllegalArgumentException("'x' is none");
        }
        return new Explained(
                target,
                false,
                "refused",
                "check it",
                List.of(new Explained.Step(Explained.Stage.CONNECT, "192.0.2.1:80", "refused", false, "check it", 3)));
    }

    @Override
    public ProxyDoor proxy() {
        return new ProxyDoor() {
            private final Route via = new Route.Via(
                    new Upstream(
                            Upstream.Kind.HTTP,
                            "proxy.test",
                            3128,
                            Optional.of(new Credentials("me", "canary-in-settings"))),
                    "a rule");

            @Override
            public State state() {
                return new State("http://proxy.test:3128", List.of(".test"), true, "the settings");
            }

            @Override
            public List<Route> routes(ProxyTarget target) {
                asked.add("routes " + target.url());
                return List.of(via, new Route.Direct("then"), new Route.Refused("no", "a list"));
            }
        };
    }

    @Override
    public SettingsDoor settingsDoor() {
        return new SettingsDoor() {
            @Override
            public State state() {
                return new State(
                        "/etc/sluice.yaml",
                        Map.of("dns", Map.of("cache", false, "token", new Secret("canary-in-settings"))),
                        Map.of("dns.cache", "/etc/sluice.yaml:2:10"),
                        new Problem(1, List.of(MISTAKE)));
            }

            @Override
            public State patch(Map<?, ?> changes) throws Refused {
                asked.add("patch " + changes);
                if (changes.containsKey("network")) {
                    throw new Refused(List.of(MISTAKE));
                }
                return state();
            }

            @Override
            public State reload() {
                asked.add("reload");
                return state();
            }
        };
    }

    @Override
    public Map<String, Object> settings() {
        return Map.of("--token", new Secret("canary-in-settings"), "--mtu", "1500");
    }

    @Override
    public synchronized void close() {
        server.close();
        if (gateway != null) {
            gateway.close();
        }
    }

    /** Keeps what it is given; refuses what has "bad" in it. */
    static final class Directory implements DnsDirectory {
        private final List<Entry> records = new ArrayList<>();
        private final List<Zone> zones = new ArrayList<>();

        @Override
        public List<Entry> records() {
            return List.copyOf(records);
        }

        @Override
        public void addRecords(List<Entry> entries) {
            if (entries.toString().contains("bad")) {
                throw new IllegalArgumentException("'bad' is not a name");
            }
            records.addAll(entries);
        }

        @Override
        public List<Entry> removeRecords(String name, String type) {
            List<Entry> removed = records.stream()
                    .filter(entry -> entry.name().equals(name)
                            && (type.isEmpty() || entry.type().equals(type)))
                    .toList();
            records.removeAll(removed);
            return removed;
        }

        @Override
        public List<Zone> zones() {
            return List.copyOf(zones);
        }

        @Override
        public void putZone(Zone zone) {
            if (zone.toString().contains("bad")) {
                throw new IllegalArgumentException("'bad' is no server");
            }
            removeZone(zone.name());
            zones.add(zone);
        }

        @Override
        public Optional<Zone> removeZone(String name) {
            Optional<Zone> found =
                    zones.stream().filter(zone -> zone.name().equals(name)).findFirst();
            found.ifPresent(zones::remove);
            return found;
        }
    }
}
