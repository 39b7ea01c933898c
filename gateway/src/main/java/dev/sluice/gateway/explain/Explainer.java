package dev.sluice.gateway.explain;

import dev.sluice.gateway.dns.Explanation;
import dev.sluice.gateway.explain.Explained.Stage;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.gateway.proxy.Upstream;
import dev.sluice.host.WayOut;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Goes the way of a guest's request and tells what is decided on it. Any thread; blocks, with a deadline on each step. See the package. */
public final class Explainer {
    private static final Duration NAME = Duration.ofSeconds(10);
    private static final Duration RULES = Duration.ofSeconds(10);
    /** Addresses of one host, and ways of one request, that are tried. */
    private static final int MAX_TRIES = 4;

    /** What to do about a script that does not say the way. */
    private static final String FAULT = "correct the proxy's script; 'sluice proxy' says which it is";

    /** A port as guests' programs have them. */
    private static final int GUEST_PORT = 50_000;

    /** The name server, as guests ask it. */
    @FunctionalInterface
    public interface Names {
        Explanation explain(String name, String type);
    }

    /** The policy about flows, wherever it may be called. */
    @FunctionalInterface
    public interface Decisions {
        FlowPolicy.Decision decide(FlowPolicy.Request request) throws IOException;
    }

    private final AddressPlan plan;
    private final Names names;
    private final Decisions decisions;
    private final Supplier<ProxyPolicy> proxies;
    private final IntPredicate lookedInto;

    /**
     * Over what decides for real traffic.
     *
     * @param lookedInto ports whose connections the proxy looks into
     */
    public Explainer(
            AddressPlan plan,
            Names names,
            Decisions decisions,
            Supplier<ProxyPolicy> proxies,
            IntPredicate lookedInto) {
        this.plan = plan;
        this.names = names;
        this.decisions = decisions;
        this.proxies = proxies;
        this.lookedInto = lookedInto;
    }

    /**
     * Explains how a guest gets there.
     *
     * @param text a URL, {@code HOST:PORT} or a name
     * @throws IllegalArgumentException if it is none
     */
    public Explained explain(String text, IpAddress guest) {
        return new Question(text, Target.parse(text), guest).answer();
    }

    /** One question, on one thread. */
    private final class Question {
        private final String text;
        private final Target target;
        private final IpAddress guest;
        private final Steps steps = new Steps();
        /** The proxy's script has failed. */
        private boolean fault;

        Question(String text, Target target, IpAddress guest) {
            this.text = text;
            this.target = target;
            this.guest = guest;
        }

        Explained answer() {
            List<IpAddress> found = lookUp(target.host());
            List<FlowPolicy.Allow> allowed = allowed(found);
            if (target.port() == 0) {
                allowed.forEach(place -> route(place.address()));
                return done(!allowed.isEmpty());
            }
            List<Route> routes = routes();
            boolean works = false;
            for (int i = 0; i < routes.size() && i < MAX_TRIES && !works; i++) {
                works = switch (routes.get(i)) {
                    case Route.Direct _ when allowed.isEmpty() -> false; // where to, has just failed
                    case Route.Direct direct -> {
                        steps.add(
                                Stage.PROXY,
                                direct.rule(),
                                "straight to the server",
                                !direct.isInstead(),
                                direct.isInstead() ? FAULT : null,
                                0);
                        fault |= direct.isInstead();
                        yield direct(allowed);
                    }
                    case Route.Via via -> {
                        steps.add(
                                Stage.PROXY,
                                via.rule(),
                                "by way of " + via.upstream().title(),
                                true,
                                null,
                                0);
                        yield via(via.upstream());
                    }
                    case Route.Refused refused -> {
                        steps.add(
                                Stage.PROXY,
                                refused.rule(),
                                refused.message(),
                                false,
                                "this rule forbids it: change it, or ask whoever set it",
                                0);
                        yield false;
                    }
                };
            }
            return done(works);
        }

        private Explained done(boolean works) {
            return new Explained(
                    text,
                    works,
                    works ? steps.lastSaid(target) : steps.failure(),
                    works ? null : remedy(),
                    steps.all());
        }

        /** A server that can't be reached directly is no wonder where a script should have named a proxy. */
        private @Nullable String remedy() {
            String last = steps.remedy();
            return !fault || FAULT.equals(last) ? last : FAULT + "; or else " + last;
        }

        // ---- names

        private List<IpAddress> lookUp(String host) {
            IpAddress literal = Target.address(host);
            if (literal != null) {
                return List.of(literal);
            }
            List<IpAddress> found = new ArrayList<>();
            long began = System.nanoTime();
            List<Explanation> answers = new ArrayList<>();
            for (String type : plan.ipv6() == null ? List.of("A") : List.of("A", "AAAA")) {
                try {
                    Explanation answer = Deadline.within(NAME, () -> names.explain(host, type), () -> {});
                    answers.add(answer);
                    answer.answers().stream().map(Target::address).forEach(address -> {
                        if (address != null) {
                            found.add(address);
                        }
                    });
                } catch (IllegalArgumentException e) {
                    steps.failed(Stage.NAME, "name server", String.valueOf(e.getMessage()), "correct the name", began);
                    return found; // it is none of the other kind either
                } catch (IOException e) {
                    steps.failed(
                            Stage.NAME,
                            "name server",
                            host + " " + type + ": " + e.getMessage(),
                            "no name server answers: check the network of this machine, or its VPN; 'sluice dns zones' shows"
                                    + " zones that are asked elsewhere",
                            began);
                }
            }
            for (Explanation answer : answers) {
                boolean any = answer.answers().stream().anyMatch(each -> Target.address(each) != null);
                // a name with one kind of address is well
                if (any || found.isEmpty()) {
                    steps.add(
                            Stage.NAME,
                            source(answer),
                            host + " " + answer.type() + ": " + answer.outcome(),
                            any,
                            any ? null : remedyOfName(answer),
                            Steps.millis(began));
                }
                if (!any && found.isEmpty() && answer.outcome().contains("NXDOMAIN")) {
                    break; // the other kind does not exist either
                }
            }
            return found;
        }

        /** Who had the last word, and how it came to be asked. */
        private static String source(Explanation answer) {
            List<String> who = answer.steps().stream()
                    .filter(step -> !step.said().startsWith("does not know"))
                    .map(step -> step.who().equals("route") ? step.said() : step.who())
                    .distinct()
                    .toList();
            return who.isEmpty() ? "name server" : String.join(", ", who);
        }

        private static String remedyOfName(Explanation answer) {
            if (answer.outcome().contains("NXDOMAIN")) {
                return "check the spelling; a name of a company's network needs its VPN, or a zone: sluice dns zone ZONE SERVER";
            }
            if (answer.outcome().contains("NODATA")) {
                return "the name exists but has no address of this kind";
            }
            return "the name server does not help: check it, or set others with dns.servers in the settings";
        }

        // ---- policy and route

        private List<FlowPolicy.Allow> allowed(List<IpAddress> addresses) {
            List<FlowPolicy.Allow> allowed = new ArrayList<>();
            for (IpAddress address : addresses.subList(0, Math.min(MAX_TRIES, addresses.size()))) {
                int port = target.port() == 0 ? 80 : target.port();
                long began = System.nanoTime();
                try {
                    switch (decisions.decide(
                            new FlowPolicy.Request(FlowPolicy.Protocol.TCP, guest, GUEST_PORT, address, port))) {
                        case FlowPolicy.Allow allow -> {
                            allowed.add(allow);
                            if (!allow.address().equals(address)) {
                                steps.add(
                                        Stage.POLICY,
                                        "policy",
                                        address + " means " + allow.address() + " of this machine",
                                        true,
                                        null,
                                        0);
                            }
                        }
                        case FlowPolicy.Tunnel(String path, var _, var _) ->
                            steps.add(Stage.POLICY, "policy", address + " through the tunnel " + path, true, null, 0);
                        case FlowPolicy.Prohibit _ ->
                            steps.failed(
                                    Stage.POLICY,
                                    "policy",
                                    address + " is closed to guests",
                                    isHost(address)
                                            ? "it is this machine's loopback; open it with --host-loopback, or one port of it"
                                                    + " with --gateway-forward"
                                            : "the policy of this network forbids it",
                                    began);
                        case FlowPolicy.Reject _ ->
                            steps.failed(
                                    Stage.POLICY,
                                    "policy",
                                    address + " is refused",
                                    "the policy of this network forbids it",
                                    began);
                    }
                } catch (IOException e) {
                    steps.failed(Stage.POLICY, "policy", String.valueOf(e.getMessage()), "try again", began);
                }
            }
            return allowed;
        }

        private boolean isHost(IpAddress address) {
            Ipv6Plan six = plan.ipv6();
            return address.equals(plan.host()) || six != null && address.equals(six.host());
        }

        private boolean route(IpAddress address) {
            long began = System.nanoTime();
            try {
                WayOut way = WayOut.to(address);
                steps.add(
                        Stage.ROUTE,
                        "routes of this machine",
                        address + " from " + way.source() + (way.device().isEmpty() ? "" : " by " + way.device())
                                + (way.gateway() == null ? "" : " via " + way.gateway()),
                        true,
                        null,
                        Steps.millis(began));
                return true;
            } catch (IOException e) {
                steps.failed(
                        Stage.ROUTE,
                        "routes of this machine",
                        "no way to " + address + ": " + e.getMessage(),
                        "this machine has no route there: check its network, or its VPN",
                        began);
                return false;
            }
        }

        // ---- the request's way

        private List<Route> routes() {
            ProxyPolicy policy = proxies.get();
            if (!policy.active()) {
                return List.of(new Route.Direct("no proxy is set"));
            }
            if (target.scheme().isEmpty() && !lookedInto.test(target.port())) {
                return List.of(new Route.Direct("port " + target.port() + " is not looked into"));
            }
            long began = System.nanoTime();
            try {
                ProxyTarget asked = target.proxyTarget();
                return Deadline.within(RULES, () -> policy.routes(asked), () -> {});
            } catch (IOException e) {
                steps.failed(
                        Stage.PROXY,
                        "proxy rules",
                        String.valueOf(e.getMessage()),
                        "check the PAC file: 'sluice proxy show' says where it is",
                        began);
                return List.of();
            }
        }

        private boolean direct(List<FlowPolicy.Allow> places) {
            for (FlowPolicy.Allow place : places) {
                if (!route(place.address())) {
                    continue;
                }
                try (Socket socket = Connection.open(place.address(), place.port(), "the server", steps)) {
                    return !target.tls() || TlsLook.at(socket, target.host(), "the server", steps);
                } catch (IOException e) {
                    // it was told; the next address may do
                }
            }
            return false;
        }

        private boolean via(Upstream upstream) {
            for (IpAddress address : lookUp(upstream.host())) {
                IpAddress place = !isHost(address)
                        ? address
                        : address instanceof Ipv4Address ? Ipv4Address.LOOPBACK : Ipv6Address.LOOPBACK;
                if (!route(place)) {
                    continue;
                }
                try (Socket socket = Connection.open(place, upstream.port(), "the proxy", steps);
                        Socket spoken = upstream.kind() == Upstream.Kind.HTTPS
                                ? TlsLook.over(socket, upstream.host(), "the proxy", steps)
                                : socket) {
                    return tunnelled(upstream, spoken);
                } catch (IOException e) {
                    // it was told
                }
            }
            return false;
        }

        private boolean tunnelled(Upstream upstream, Socket socket) throws IOException {
            boolean plain = target.scheme().equals("http") || target.scheme().isEmpty() && target.port() == 80;
            if (plain && upstream.kind() != Upstream.Kind.SOCKS5) {
                steps.add(
                        Stage.TUNNEL,
                        upstream.title(),
                        "takes requests for http://" + target.place() + "/ as they are; none was sent",
                        true,
                        null,
                        0);
                return true;
            }
            Tunnel.open(socket, upstream, target, steps);
            return !target.tls() || TlsLook.at(socket, target.host(), "the server behind the proxy", steps);
        }
    }
}
