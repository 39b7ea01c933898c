package dev.sluice.gateway.proxy;

import dev.sluice.gateway.flow.FlowPolicy;
import dev.sluice.gateway.http.RequestHead;
import dev.sluice.gateway.http.ResponseHead;
import dev.sluice.loop.LateLogger;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One connection of a guest, until it is over or a tunnel stands, after which the data path goes on alone. On a virtual thread of its own,
 * which blocks.
 */
final class Session {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.gateway.proxy");
    private static final int TLS = 0x16;
    /** After which a guest that says nothing is taken for one that waits for its server to begin. */
    private static final int SILENCE_SECONDS = 3;

    private final HttpProxy proxy;
    private final GuestEnd guest;
    private final FlowPolicy.@Nullable Allow chosen;
    private final Links links;

    /** @param chosen where the connection leads; null if it leads to the proxy */
    Session(HttpProxy proxy, GuestEnd guest, FlowPolicy.@Nullable Allow chosen) {
        this.proxy = proxy;
        this.guest = guest;
        this.chosen = chosen;
        this.links = new Links(proxy, new Dialer(proxy, guest, chosen), guest);
    }

    void run() {
        try {
            FlowPolicy.Allow direct = chosen;
            if (direct == null) {
                new HttpSession(proxy, guest, links, null).run(new byte[0]);
            } else {
                look(direct);
            }
        } catch (Throwable e) { // an Error, too: the guest must not wait for what will not come
            guest.reset("proxy-fault");
            LOG.log(System.Logger.Level.WARNING, "a session of the proxy has failed inside", e);
            if (e instanceof VirtualMachineError fatal && !(e instanceof StackOverflowError)) {
                throw fatal;
            }
        }
    }

    /** Finds out what a connection is that does not know of us. */
    private void look(FlowPolicy.Allow direct) {
        Collector collector = guest.collect(new FirstLook(), 2 * FirstLook.LONGEST_LINE);
        ProxyTarget byAddress = new ProxyTarget("https", direct.address().toString(), direct.port());
        if (Waiting.await(collector.begun(), SILENCE_SECONDS) == null) {
            if (isDirect(byAddress)) {
                guest.stopCollecting(collector);
            } else if (Waiting.await(collector.begun(), proxy.limits().proxyIdleSeconds()) == null) {
                proxy.counters().timeouts.increment();
                guest.finish();
                return;
            }
        }
        Collector.Taken taken = Waiting.await(collector.taken(), proxy.limits().proxyHeadSeconds());
        if (taken == null) {
            guest.stopCollecting(collector);
            taken = Waiting.await(collector.taken());
        }
        byte[] first = taken.bytes();
        if (taken.end() == Collector.End.STREAM_ENDED && !collector.isStopped()) {
            if (first.length == 0) {
                guest.finish();
                return;
            }
        }
        if (first.length > 0 && first[0] == TLS) {
            hello(byAddress, first);
        } else if (first.length > 0 && taken.isWhole() && RequestHead.mayBegin(first, first.length)) {
            new HttpSession(proxy, guest, links, direct).run(first);
        } else {
            tunnel(byAddress, first);
        }
    }

    private boolean isDirect(ProxyTarget target) {
        try {
            return links.routes(target).getFirst() instanceof Route.Direct;
        } catch (ProxyFailure e) {
            return false;
        }
    }

    /** TLS: which server, its hello says. */
    private void hello(ProxyTarget byAddress, byte[] first) {
        byte[] bytes = first;
        while (true) {
            switch (ClientHello.of(bytes)) {
                case ClientHello.Hello(String name) -> {
                    tunnel(name.isEmpty() ? byAddress : new ProxyTarget("https", name, byAddress.port()), bytes);
                    return;
                }
                case ClientHello.Other() -> {
                    tunnel(byAddress, bytes);
                    return;
                }
                case ClientHello.More() -> {
                    Collector.Taken more = bytes.length >= ClientHello.LIMIT
                            ? null
                            : Waiting.await(
                                    guest.collect(Scan.ANYTHING, ClientHello.LIMIT)
                                            .taken(),
                                    proxy.limits().proxyHeadSeconds());
                    if (more == null || more.bytes().length == 0) {
                        proxy.counters().timeouts.increment();
                        guest.reset("tls-hello-incomplete");
                        return;
                    }
                    bytes = joined(bytes, more.bytes());
                }
            }
        }
    }

    static byte[] joined(byte[] a, byte[] b) {
        byte[] all = Arrays.copyOf(a, a.length + b.length);
        System.arraycopy(b, 0, all, a.length, b.length);
        return all;
    }

    /**
     * Whatever it is, to its server.
     *
     * @param said what the guest has said so far
     */
    private void tunnel(ProxyTarget target, byte[] said) {
        try {
            List<Route> routes = links.routes(target);
            Links.Tunnel tunnel = links.tunnel(target, routes, Forwarding.connect(target.authority()));
            ResponseHead response = tunnel.response();
            if (!tunnel.isOpen() && response != null) {
                proxy.counters().upstreamRefusals.increment();
                tunnel.end().close();
                refuse(
                        target,
                        "proxy-refused-" + response.status(),
                        tunnel.title() + " answers " + response.status() + " " + response.reason() + " (rule: "
                                + tunnel.route().rule() + ")");
                return;
            }
            if (said.length > 0 && !Waiting.await(tunnel.end().send(said))) {
                refuse(target, "reset", tunnel.title() + " has closed the connection");
                return;
            }
            proxy.counters().tunnels.increment();
            guest.tunnel(tunnel.end(), new byte[0]);
        } catch (ProxyFailure e) {
            String reason = e.status() == 403 ? "proxy-rule" : "proxy-unreachable";
            refuse(target, reason, e.what() + " " + e.detail().replace("\n", " "));
        }
    }

    /** A guest that does not speak HTTP with us learns what it would learn without a proxy: that it cannot get there. */
    private void refuse(ProxyTarget target, String reason, String why) {
        LOG.log(System.Logger.Level.INFO, "no way for a guest to {0}: {1}", target.authority(), why);
        guest.reset(reason);
    }
}
