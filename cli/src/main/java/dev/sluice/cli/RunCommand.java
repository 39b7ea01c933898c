package dev.sluice.cli;

import dev.sluice.cli.namespace.ChildNamespace;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice run}: a command in namespaces of its own. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        sortOptions = false,
        usageHelpAutoWidth = true,
        customSynopsis =
                "sluice run [-hvV] [-p [ADDRESS:]HOST:GUEST[/udp]]… [--mtu BYTES] [--cidr NETWORK] [--host-loopback] [--pcap FILE] [--] COMMAND…",
        description =
                "Runs COMMAND in a network of its own whose only way out is sluice. Needs no root. Nothing is left behind afterwards.",
        footer = {
            "",
            "Examples:",
            "  sluice run -- curl https://example.com",
            "  sluice run -- bash                          look around: ip addr, ping, dig",
            "  sluice run -p 8080:80 -- python3 -m http.server 80",
            "  sluice run --host-loopback -- curl http://192.168.65.2:3000/",
            "  sluice run --pcap trace.pcap -- ./program   then: tcpdump -r trace.pcap",
            "",
            "Exit code: COMMAND's own, or 128 + the signal that ended it; 126 or 127 if it can't be run or found;",
            "2 wrong usage; 69 this machine lacks or forbids something (the message says what to do)."
        })
final class RunCommand implements Callable<Integer> {
    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[ADDRESS:]HOST:GUEST[/udp]",
            converter = NetworkOptions.PortConverter.class,
            description = "Lead the host's port HOST to COMMAND's port GUEST; may be repeated.")
    List<PublishedPort> published = new ArrayList<>();

    @Option(
            names = "--mtu",
            paramLabel = "BYTES",
            defaultValue = "65520",
            description = "Largest IP packet inside (default: ${DEFAULT-VALUE}; 1500 is what the Internet has).")
    int mtu;

    @Option(names = "--host-loopback", description = "Let COMMAND reach the host's loopback, as the network's .2.")
    boolean hostLoopback;

    @Mixin
    NetworkOptions network = new NetworkOptions();

    @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "Program and arguments.")
    List<String> command = List.of();

    @Override
    public Integer call() throws IOException {
        AddressPlan plan = network.plan(mtu, hostLoopback);
        ChildNamespace.Spec spec = new ChildNamespace.Spec(
                command,
                "tap0",
                mtu,
                new Ipv4Cidr(plan.firstGuest(), plan.subnet().prefix()),
                plan.gateway(),
                GuestNetwork.resolvConf(plan),
                0,
                Map.of());
        try (ChildNamespace child = ChildNamespace.start(spec);
                GuestNetwork guests = GuestNetwork.start(plan, network.pcap)) {
            child.notes().forEach(Console::detail);
            Signals.passOn(child);
            guests.attach(child.tap());
            guests.publish(published, plan.firstGuest());
            child.configureAndRun();
            guests.openControlSocket();
            return child.waitFor();
        }
    }
}
