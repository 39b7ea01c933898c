package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.gateway.proxy.ProxyTarget;
import dev.sluice.proxy.LiveProxyPolicy;
import dev.sluice.proxy.ProxyChoice;
import dev.sluice.proxy.rule.Exceptions;
import dev.sluice.proxy.rule.NoProxy;
import dev.sluice.wire.Ipv4Address;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The options of a network's HTTP proxy. */
final class ProxyOptions {
    /** Null for none; then nothing of it is loaded. */
    private @Nullable ProxyChoice choice;

    private @Nullable Exceptions exceptions;
    private int port = ProxySettings.PORT;
    private Set<Integer> transparent = ProxySettings.TRANSPARENT_PORTS;

    /** Adds them to a command's own. */
    Syntax addTo(Syntax syntax) {
        return syntax.option(
                        "--http-proxy",
                        "URL",
                        "Send the web traffic of guests through this proxy: http://[USER:PASSWORD@]HOST:PORT, https://"
                                + " for TLS to the proxy, or socks5://; the URL of a PAC file, 'wpad', 'host' for what"
                                + " this machine is set to, 'none' (default).",
                        text -> choice = text.equals("none") ? null : ProxyChoice.parse(text, "--http-proxy"))
                .option(
                        "--no-proxy",
                        "LIST",
                        "Names (with those below them), addresses and networks that --http-proxy is not for; * for"
                                + " all.",
                        text -> exceptions = new Exceptions("--no-proxy", NoProxy.parse(text)))
                .option(
                        "--proxy-port",
                        "PORT",
                        "Where the gateway is a proxy for guests that want one (default: 3128); 0 for nowhere.",
                        text -> port = number(text, 0))
                .option(
                        "--transparent-ports",
                        "LIST",
                        "Ports whose connections go through --http-proxy though guests know nothing of it (default:"
                                + " 80,443); 'none' for none.",
                        text -> transparent = ports(text));
    }

    private static int number(String text, int least) {
        try {
            int port = Integer.parseInt(text.strip());
            if (port >= least && port <= 65_535) {
                return port;
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("'" + text + "' is no port");
    }

    private static Set<Integer> ports(String text) {
        return text.equals("none")
                ? Set.of()
                : Stream.of(text.split(",")).map(one -> number(one, 1)).collect(Collectors.toUnmodifiableSet());
    }

    /** What they amount to. */
    ProxySettings settings(AddressPlan plan) {
        ProxySettings settings = ProxySettings.DEFAULT
                .withPorts(port == 0 ? List.of() : List.of(port))
                .withTransparentPorts(transparent);
        ProxyChoice chosen = choice;
        if (chosen == null) {
            return settings;
        }
        LiveProxyPolicy policy = LiveProxyPolicy.ofHost(target -> isOwn(plan, target), System.getenv());
        policy.follow(chosen, exceptions == null ? Exceptions.NONE : exceptions);
        return settings.with(policy);
    }

    /** Of the guest network itself, which no upstream can reach. */
    private static boolean isOwn(AddressPlan plan, ProxyTarget target) {
        String host = target.host();
        if (host.endsWith(".sluice.internal") || host.endsWith(".docker.internal")) {
            return true;
        }
        try {
            return plan.subnet().contains(Ipv4Address.parse(host).bits());
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
