package dev.sluice.cli;

import dev.sluice.cli.namespace.ChildNamespace;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.settings.HostProxy;
import dev.sluice.cli.settings.Keys;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.gateway.proxy.ProxySettings;
import dev.sluice.posix.Linkage;
import dev.sluice.posix.Resources;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** {@code sluice run}: a command in namespaces of its own. */
final class RunCommand implements Command {
    private static final int USUAL_MTU = 65520;
    List<String> command = List.of();
    private boolean keepsProxyVariables;
    final NetworkOptions network = new NetworkOptions();

    @Override
    public void prepare() {
        Linkage.prepare();
    }

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice run",
                        "Runs COMMAND in a network of its own whose only way out is sluice. Needs no root. Nothing is left"
                                + " behind afterwards.")
                .rest("COMMAND", "Program and arguments.", words -> command = words)
                .repeatable(
                        "-p, --publish",
                        NetworkOptions.PORT,
                        "Lead the host's port HOST to COMMAND's port GUEST; may be repeated.",
                        text -> network.add(Keys.PUBLISH, ForwardSyntax.parse(text)))
                .flag(
                        "--publish-auto",
                        "Publish TCP and UDP services inside on this machine's loopback, under their own ports, as they come.",
                        () -> network.set(Keys.PUBLISH_AUTO, true))
                .option(
                        "--mtu",
                        "BYTES",
                        "Largest IP packet inside (default: " + USUAL_MTU + "; 1500 is what the Internet has).",
                        text -> network.set(Keys.MTU, (long) Value.integer(text)))
                .flag(
                        "--host-loopback",
                        "Let COMMAND reach the host's loopback, as the network's .2.",
                        () -> network.set(Keys.HOST_LOOPBACK, true));
        return network.addTo(syntax)
                .flag(
                        "--keep-proxy-env",
                        "Leave http_proxy and its like as they are, even if they name a proxy on this machine's loopback,"
                                + " which COMMAND does not reach there (it is given the gateway's instead).",
                        () -> keepsProxyVariables = true)
                .footer(
                        "",
                        "Examples:",
                        "  sluice run -- curl https://example.com",
                        "  sluice run -- bash                          look around: ip addr, ping, dig",
                        "  sluice run -p 8080:80 -- python3 -m http.server 80",
                        "  sluice run --host-loopback -- curl http://192.168.65.2:3000/",
                        "  sluice run --pcap trace.pcap -- ./program   then: tcpdump -r trace.pcap",
                        "",
                        "Exit code: COMMAND's own, or 128 + the signal that ended it; 126 or 127 if it can't be run or found;",
                        "2 wrong usage; 69 this machine lacks or forbids something (the message says what to do).");
    }

    @Override
    public Integer call() throws IOException {
        AddressPlan plan = network.plan(USUAL_MTU, false);
        ChildNamespace.checkCommand(command);
        ChildNamespace.Spec spec =
                spec(plan); // before the gateway raises the limit of descriptors, which is not for COMMAND
        // The gateway starts beside the namespace: one computes while the other waits for the kernel and programs.
        try (GuestNetwork.Start gateway = GuestNetwork.startBeside(() -> network.start(plan));
                ChildNamespace child = ChildNamespace.start(spec);
                GuestNetwork guests = gateway.started()) {
            List<String> notes = child.notes();
            notes.forEach(Console::detail);
            Signals.passOn(child);
            guests.attach(child.tap());
            guests.ports().publishTo(new ForwardSpec.Address(plan.firstGuest()), child::openNetwork);
            network.publish(guests);
            network.openApi(guests); // may fail, so before COMMAND does anything
            child.configureAndRun();
            child.notes().stream().skip(notes.size()).forEach(Console::detail);
            child.lacks().forEach(Console::say);
            network.openControlBeside(guests);
            network.confine(guests);
            int code = child.waitFor();
            child.close(); // the keyboard is ours again, for who does not want to wait
            guests.awaitSent();
            return code;
        }
    }

    private ChildNamespace.Spec spec(AddressPlan plan) {
        return new ChildNamespace.Spec(
                command,
                "tap0",
                plan.mtu(),
                new Ipv4Cidr(plan.firstGuest(), plan.subnet().prefix()),
                plan.gateway(),
                GuestNetwork.resolvConf(plan),
                0,
                environment(plan),
                Resources.descriptorLimit(),
                NetworkOptions.ipv6Setup(plan));
    }

    /** Of the command: this process's, but for proxies that it could not reach. */
    private Map<String, String> environment(AddressPlan plan) {
        long port = network.settings().get(Keys.PROXY_PORT, (long) ProxySettings.PORT);
        if (keepsProxyVariables || port == 0) {
            return Map.of();
        }
        Map<String, String> changed = HostProxy.reachable(System.getenv(), plan.gateway(), port);
        changed.forEach((name, value) ->
                Console.detail(name + " is " + value + " inside, as this machine's loopback is not there"));
        return changed;
    }
}
