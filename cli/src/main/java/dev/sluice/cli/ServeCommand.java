package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.link.LinkUrl;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** {@code sluice serve}: a network for virtual machines. */
@Command(
        name = "serve",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Gives virtual machines a network with DHCP, DNS and a way out, until SIGTERM or SIGINT comes."
                + " All guests share one network and reach each other.",
        footer = {
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
            "Exit code: 0 after a stop; 2 wrong usage; 69 this machine lacks or forbids something."
        })
final class ServeCommand implements Callable<Integer> {
    @Option(
            names = {"-l", "--listen"},
            paramLabel = "URL",
            required = true,
            converter = UrlConverter.class,
            description = "Where guests connect, see below; may be repeated.")
    List<LinkUrl> urls = new ArrayList<>();

    @Option(
            names = "--mtu",
            paramLabel = "BYTES",
            defaultValue = "1500",
            description = "Largest IP packet of the guest network (default: ${DEFAULT-VALUE}).")
    int mtu;

    @Option(names = "--no-host-loopback", description = "Keep the host's loopback, the network's .2, closed to guests.")
    boolean noHostLoopback;

    @Mixin
    NetworkOptions network = new NetworkOptions();

    @Override
    public Integer call() throws IOException {
        AddressPlan plan = network.plan(mtu, !noHostLoopback);
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = GuestNetwork.start(plan, network.pcap)) {
            for (LinkUrl url : urls) {
                guests.listen(url, stop::countDown);
            }
            guests.openControlSocket();
            Console.say("serving " + plan.subnet() + " at "
                    + String.join(", ", urls.stream().map(LinkUrl::toString).toList()));
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }

    /** Reads URLs for picocli. */
    static final class UrlConverter implements ITypeConverter<LinkUrl> {
        @Override
        public LinkUrl convert(String text) {
            try {
                return LinkUrl.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
