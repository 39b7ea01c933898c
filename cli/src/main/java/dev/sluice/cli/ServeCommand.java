package dev.sluice.cli;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.link.LinkUrl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** {@code sluice serve}: a network for virtual machines. */
final class ServeCommand implements Command {
    private final List<LinkUrl> urls = new ArrayList<>();
    private int mtu = 1500;
    private boolean noHostLoopback;
    private final List<ForwardSpec> published = new ArrayList<>();
    private final NetworkOptions network = new NetworkOptions();

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice serve",
                        "Gives virtual machines a network with DHCP, DNS and a way out, until SIGTERM or SIGINT comes."
                                + " All guests share one network and reach each other.")
                .required(
                        "-l, --listen",
                        "URL",
                        "Where guests connect, see below; may be repeated.",
                        text -> urls.add(LinkUrl.parse(text)))
                .option(
                        "--mtu",
                        "BYTES",
                        "Largest IP packet of the guest network (default: " + mtu + ").",
                        text -> mtu = Value.integer(text))
                .flag(
                        "--no-host-loopback",
                        "Keep the host's loopback, the network's .2, closed to guests.",
                        () -> noHostLoopback = true);
        syntax.repeatable(
                "-p, --publish",
                NetworkOptions.PORT,
                "Lead the host's port HOST to the guest's port PORT; without GUEST, to the only one. May be repeated.",
                text -> published.addAll(ForwardSyntax.parse(text)));
        return network.addTo(syntax)
                .footer(
                        "",
                        "Where guests connect (URL):",
                        "  qemu:PATH    Unix socket for QEMU: -netdev stream,id=n,server=off,addr.type=unix,addr.path=PATH",
                        "  vmnet:PATH   Unix socket with VPNKit's protocol: HyperKit, virtio-vpnkit",
                        "  bess:PATH    Unix SEQPACKET socket: User Mode Linux, vec0:transport=bess,dst=PATH",
                        "  vfkit:PATH   Unix datagram socket: vfkit, krunkit",
                        "  stdio:       standard input and output: 16-bit little-endian length, frame",
                        "  fd:N         an inherited socket",
                        "",
                        "Examples:",
                        "  sluice serve --listen qemu:/tmp/vm.sock",
                        "  sluice serve --listen qemu:/tmp/vm.sock --listen vfkit:/tmp/vfkit.sock --cidr 10.1.2.0/24",
                        "",
                        "Exit code: 0 after a stop; 2 wrong usage; 69 this machine lacks or forbids something.");
    }

    @Override
    public Integer call() throws IOException {
        AddressPlan plan = network.plan(mtu, !noHostLoopback);
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = network.start(plan)) {
            for (LinkUrl url : urls) {
                guests.listen(url, stop::countDown);
            }
            guests.publish(published);
            network.openControl(guests);
            Console.say("serving " + plan.subnet() + " at "
                    + String.join(", ", urls.stream().map(LinkUrl::toString).toList()));
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }
}
