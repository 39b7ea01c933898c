package dev.sluice.cli.settings;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.control.ProxyDoor;
import dev.sluice.control.diagnose.Secret;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dns.AddressLookup;
import dev.sluice.gateway.dns.DnsNames;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Destination;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.loop.LateLogger;
import dev.sluice.proxy.LiveProxyPolicy;
import dev.sluice.proxy.ProxyChoice;
import dev.sluice.proxy.negotiate.Negotiate;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.Logins;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.proxy.rule.ProxySetting;
import dev.sluice.wire.IpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** Has a network's proxy policy follow the settings. Made with the first that says something about proxies; nothing of it is loaded before. */
final class ProxyFollower implements ProxyDoor {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.settings");
    private static final Pattern NUMBER = Pattern.compile("[0-9]+|0x[0-9a-f]*");

    private final Gateway gateway;
    private final LiveProxyPolicy policy;
    private final Negotiate negotiate = new Negotiate(System.getenv());
    private volatile Settings settings = Settings.NONE;

    ProxyFollower(GuestNetwork network) throws IOException {
        gateway = network.gateway();
        AddressPlan plan = gateway.plan();
        AddressLookup names = gateway.names();
        policy = LiveProxyPolicy.ofHost(
                target -> isOwn(plan, target.host()), System.getenv(), name -> addresses(names, plan, name));
        gateway.onHostNetworkChange(policy::networkChanged);
        network.control().proxy(this);
    }

    /** As guests find them, so that a script and its server may be in a zone that only this network has been told of. */
    private static List<InetAddress> addresses(AddressLookup names, AddressPlan plan, String name) {
        try {
            return List.of(InetAddress.ofLiteral(name));
        } catch (IllegalArgumentException e) {
            // a name
        }
        try {
            return names.addresses(name, plan.gateway()).stream()
                    .map(address -> InetAddress.ofLiteral(address.toString()))
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    /** What no proxy can reach, or would look for on its own machine, which is often this one. */
    private static boolean isOwn(AddressPlan plan, String host) {
        if (host.endsWith("." + DnsNames.ZONE)
                || host.endsWith(".docker.internal")
                || host.equals("localhost")
                || host.endsWith(".localhost")) {
            return true;
        }
        try {
            IpAddress address = IpAddress.parse(host);
            boolean foreign =
                    plan.ipv6() == null && address.high() != 0; // an upstream may well have the IPv6 that guests lack
            return !foreign && Destination.of(plan, address.high(), address.low()) != Destination.WORLD;
        } catch (IllegalArgumentException e) {
            // a name; or 127.1 and the like, of which every system makes an address of its own
            return NUMBER.matcher(host.substring(host.lastIndexOf('.') + 1)).matches();
        }
    }

    /**
     * From the next request on does as these say.
     *
     * @throws IOException if the gateway uses the port itself
     */
    void follow(Settings now) throws IOException {
        Secret use = now.get(Keys.PROXY);
        ProxyChoice choice =
                use == null ? new ProxyChoice.Host() : ProxyChoice.parse(use.reveal(), origin(now, Keys.PROXY));
        String file = choice.file();
        if (file != null && !Files.isReadable(Path.of(file))) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the proxy script {0} is not there, or not to be read; until it is, servers are reached directly",
                    file);
        }
        List<String> except = now.get(Keys.NO_PROXY, List.of());
        policy.follow(
                choice,
                except.isEmpty() ? Exceptions.NONE : new Exceptions(origin(now, Keys.NO_PROXY), NoProxy.of(except)),
                Logins.of(now.get(Keys.PROXY_LOGINS, List.of()).stream()
                        .map(Secret::reveal)
                        .toList()));
        gateway.proxy(NetworkParts.proxy(now).with(policy).with(negotiate));
        settings = now;
    }

    /** What rules call it: the option where it is one that says so. */
    private static String origin(Settings settings, Key<?> key) {
        Where where = settings.where(key);
        return where != null && where.source().startsWith("--") ? where.source() : key.name();
    }

    @Override
    public State state() {
        Settings now = settings;
        Secret use = now.get(Keys.PROXY);
        return new State(
                use == null ? null : shown(use), now.get(Keys.NO_PROXY, List.of()), policy.active(), policy.origin());
    }

    @Override
    public List<Route> routes(ProxyTarget target) {
        return policy.routes(target);
    }

    @Override
    public void close() {
        policy.close();
    }

    // ---- how it is written

    /** Checked, and kept where nothing prints it: it may hold a password. */
    static Secret parse(String text, Where where) {
        String file = ProxyChoice.parse(text, Keys.PROXY_NAME).file();
        return new Secret(
                file == null ? text.strip() : Form.resolved(file, where).toString());
    }

    /** The same for one of {@link Keys#PROXY_LOGINS}. */
    static Secret login(String text) {
        Logins.of(List.of(text));
        return new Secret(text.strip());
    }

    static String shownLogin(Secret login) {
        return Logins.shown(login.reveal()) + " (with a password)";
    }

    /** Without the password. */
    static String shown(Secret use) {
        ProxyChoice choice = ProxyChoice.parse(use.reveal(), Keys.PROXY_NAME);
        return choice instanceof ProxyChoice.Fixed(var setting)
                        && setting instanceof ProxySetting.Manual manual
                        && manual.http() != null
                ? manual.http().upstream().title()
                        + (manual.http().upstream().credentials().isPresent() ? " (with a password)" : "")
                : Secret.withoutCredentials(use.reveal());
    }
}
