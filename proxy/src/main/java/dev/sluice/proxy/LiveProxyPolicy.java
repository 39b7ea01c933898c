package dev.sluice.proxy;

import dev.sluice.gateway.proxy.ProxyPolicy;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.gateway.proxy.Route;
import dev.sluice.proxy.pac.PacFile;
import dev.sluice.proxy.pac.PacHost;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.Logins;
import dev.sluice.proxy.rule.ProxySetting;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Follows a {@link ProxyChoice}, which may be replaced at any time and holds from the next request on. Any thread. */
public final class LiveProxyPolicy implements ProxyPolicy, AutoCloseable {
    private record Following(
            ProxyChoice choice,
            Exceptions except,
            Logins logins,
            @Nullable HostProxies host) {}

    private final Predicate<ProxyTarget> own;
    private final HostProxies host;
    private final PacHost names;
    private volatile Following following = new Following(new ProxyChoice.None(), Exceptions.NONE, Logins.NONE, null);
    private volatile @Nullable PacFile script;

    /**
     * @param own whether a target is of the guest network itself, which no proxy can reach
     * @param host of which {@link ProxyChoice.Host} is; this object's from now on
     * @param names what scripts may learn
     */
    public LiveProxyPolicy(Predicate<ProxyTarget> own, HostProxies host, PacHost names) {
        this.own = own;
        this.host = host;
        this.names = names;
    }

    /**
     * One that follows nothing yet, with what this machine says and knows.
     *
     * @param own as above
     * @param environment variables of this process
     * @param names who finds the addresses of names for scripts, and of the servers that scripts come from
     */
    public static LiveProxyPolicy ofHost(
            Predicate<ProxyTarget> own, Map<String, String> environment, Function<String, List<InetAddress>> names) {
        return new LiveProxyPolicy(own, HostProxies.ofHost(environment), PacHost.with(names));
    }

    /**
     * Follows another choice from the next request on. May block if it is the host's settings, which are read now.
     *
     * @param except hosts that are reached directly, whatever the choice says
     */
    public void follow(ProxyChoice choice, Exceptions except) {
        follow(choice, except, Logins.NONE);
    }

    /**
     * The same.
     *
     * @param logins what to say to proxies that the choice names without a password
     */
    public void follow(ProxyChoice choice, Exceptions except, Logins logins) {
        boolean asks = choice instanceof ProxyChoice.Host;
        if (asks) {
            host.watch(() -> {});
            host.look();
        }
        following = new Following(choice, except, logins, asks ? host : null);
    }

    /** What is followed now. */
    public ProxyChoice choice() {
        return following.choice;
    }

    /** Where the setting that counts now comes from, for people. */
    public String origin() {
        ProxySetting setting = setting(following, false);
        return setting == null ? "no proxy is set" : setting.origin();
    }

    @Override
    public boolean active() {
        return switch (setting(following, false)) {
            case null -> false;
            case ProxySetting.Manual manual ->
                manual.http() != null || manual.https() != null || manual.allow() != null;
            case ProxySetting.Automatic _, ProxySetting.Asked _ -> true;
        };
    }

    private static @Nullable ProxySetting setting(Following now, boolean look) {
        return switch (now.choice) {
            case ProxyChoice.None _ -> null;
            case ProxyChoice.Fixed(ProxySetting setting) -> setting;
            case ProxyChoice.Host _ -> now.host == null ? null : look ? now.host.look() : now.host.known();
        };
    }

    @Override
    public List<Route> routes(ProxyTarget target) {
        if (own.test(target)) {
            return List.of(new Route.Direct("it is of the guest network"));
        }
        Following now = following;
        ProxySetting setting = setting(now, true);
        if (setting == null) {
            return List.of(new Route.Direct(
                    now.choice instanceof ProxyChoice.None ? "no proxy is set" : "the host's settings name no proxy"));
        }
        String excepted = now.except.rule(target);
        excepted = excepted == null && !(setting instanceof ProxySetting.Manual)
                ? setting.except().rule(target)
                : excepted;
        if (excepted != null) {
            return List.of(new Route.Direct(excepted));
        }
        return now.logins.added(
                switch (setting) {
                    case ProxySetting.Manual manual -> manual.routes(target);
                    case ProxySetting.Asked asked -> asked.ask().apply(target);
                    case ProxySetting.Automatic automatic ->
                        script(automatic.script()).routes(target);
                });
    }

    private PacFile script(String place) {
        PacFile known = script;
        if (known == null || !known.place().equals(place)) {
            synchronized (this) {
                known = script;
                if (known == null || !known.place().equals(place)) {
                    known = new PacFile(place, names);
                    script = known;
                }
            }
        }
        return known;
    }

    /** The host's network is another one: what scripts said may be wrong. */
    public void networkChanged() {
        PacFile known = script;
        if (known != null) {
            known.forget();
        }
    }

    @Override
    public void close() {
        host.close();
    }
}
