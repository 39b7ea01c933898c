package dev.sluice.cli;

import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.settings.Keys;
import dev.sluice.cli.settings.Settings;
import dev.sluice.cli.settings.Where;
import java.util.List;
import java.util.stream.Stream;

/** The options of a network's HTTP proxy. */
final class ProxyOptions {
    private ProxyOptions() {}

    /** Adds them to a command's own. */
    static Syntax addTo(Syntax syntax, Settings.Draft given) {
        return syntax.option(
                        "--http-proxy",
                        "URL",
                        "Send the web traffic of guests through this proxy: http://[USER:PASSWORD@]HOST:PORT, https://"
                                + " for TLS to the proxy, or socks5://; the URL or path of a PAC file, 'wpad', 'none', or"
                                + " 'host' for what this machine is set to (default).",
                        text -> given.parse(Keys.PROXY, text, Where.option("--http-proxy")))
                .repeatable(
                        "--no-proxy",
                        "LIST",
                        "Names (with those below them), addresses and networks that --http-proxy is not for; * for"
                                + " all. May be repeated.",
                        text -> given.add(
                                Keys.NO_PROXY,
                                Stream.of(text.split("[,\\s]+"))
                                        .filter(host -> !host.isEmpty())
                                        .map(Keys::excepted)
                                        .toList(),
                                Where.option("--no-proxy")))
                .repeatable(
                        "--proxy-login",
                        "USER:PASSWORD@HOST:PORT",
                        "What to say to a proxy that a PAC file or the host's settings name without a password. May be"
                                + " repeated. Other users of this machine see command lines: proxy.logins in a settings"
                                + " file is the better place.",
                        text -> given.add(Keys.PROXY_LOGINS, List.of(Keys.login(text)), Where.option("--proxy-login")))
                .option(
                        "--proxy-port",
                        "PORT",
                        "Where the gateway is a proxy for guests that want one (default: 3128); 0 for nowhere.",
                        text -> given.set(Keys.PROXY_PORT, port(text, 0), Where.option("--proxy-port")))
                .option(
                        "--transparent-ports",
                        "LIST",
                        "Ports whose connections go through --http-proxy though guests know nothing of it (default:"
                                + " 80,443); 'none' for none.",
                        text -> given.set(
                                Keys.TRANSPARENT_PORTS,
                                text.equals("none")
                                        ? List.of()
                                        : Stream.of(text.split(","))
                                                .map(one -> port(one.strip(), 1))
                                                .toList(),
                                Where.option("--transparent-ports")));
    }

    private static long port(String text, int least) {
        int port = Value.integer(text);
        if (port < least || port > 65_535) {
            throw new IllegalArgumentException("'" + text + "' is no port");
        }
        return port;
    }
}
