package dev.sluice.cli;

import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.settings.Keys;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.link.LinkUrl;
import dev.sluice.posix.Linkage;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** {@code sluice serve}: a network for virtual machines. */
final class ServeCommand implements Command {
    private static final int USUAL_MTU = 1500;
    private final NetworkOptions network = new NetworkOptions();

    @Override
    public void prepare() {
        Linkage.prepare();
    }

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice serve",
                        "Gives virtual machines a network with DHCP, DNS and a way out, until SIGTERM or SIGINT comes."
                                + " All guests share one network and reach each other.")
                .repeatable(
                        "-l, --listen",
                        "URL",
                        "Where guests connect, see below; may be repeated.",
                        text -> network.add(Keys.LISTEN, List.of(LinkUrl.parse(text))))
                .option(
                        "--mtu",
                        "BYTES",
                        "Largest IP packet of the guest network (default: " + USUAL_MTU + ").",
                        text -> network.set(Keys.MTU, (long) Value.integer(text)))
                .flag(
                        "--no-host-loopback",
                        "Keep the host's loopback, the network's .2, closed to guests.",
                        () -> network.set(Keys.HOST_LOOPBACK, false));
        syntax.repeatable(
                "-p, --publish",
                NetworkOptions.PORT,
                "Lead the host's port HOST to the guest's port PORT; without GUEST, to the only one. May be repeated.",
                text -> network.add(Keys.PUBLISH, ForwardSyntax.parse(text)));
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
        AddressPlan plan = network.plan(USUAL_MTU, true);
        List<LinkUrl> urls = network.settings().get(Keys.LISTEN, List.of());
        if (urls.isEmpty()) {
            throw Failure.usage(
                    "where do guests connect? Say --listen URL, as in --listen qemu:/tmp/vm.sock, or serve.listen"
                            + " in a settings file");
        }
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = network.start(plan)) {
            for (LinkUrl url : urls) {
                guests.listen(url, stop::countDown);
            }
            network.publish(guests);
            network.reloadOnHangUp(guests);
            network.openControl(guests);
            network.confine(guests);
            Console.say("serving " + plan.subnet() + " at "
                    + String.join(", ", urls.stream().map(LinkUrl::toString).toList()));
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }
}
