package dev.sluice.cli;

import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.link.tap.NamespaceTap;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sluice attach}: a network for a namespace that exists. */
@Command(
        name = "attach",
        mixinStandardHelpOptions = true,
        version = Main.VERSION,
        sortOptions = false,
        usageHelpAutoWidth = true,
        description = "Gives an existing network namespace a TAP interface and serves it until the namespace is gone,"
                + " or SIGTERM or SIGINT comes.",
        footer = {
            "",
            "Examples:",
            "  sluice attach --configure 4242                     the namespace of process 4242",
            "  sluice attach --configure --netns /run/netns/blue  the one that 'ip netns add blue' made",
            "  sluice attach --tap eth0 --mtu 1500 4242           leave address and route to somebody inside (DHCP works)",
            "  sluice attach --configure --ready-fd 3 4242 3>ready   a '1' arrives there when the network works",
            "",
            "Exit code: 0 after a stop or when the namespace is gone; 2 wrong usage; 69 this machine lacks or forbids something."
        })
final class AttachCommand implements Callable<Integer> {
    @Parameters(arity = "0..1", paramLabel = "PID", description = "A process in the namespace.")
    @Nullable
    Long pid;

    @Option(names = "--netns", paramLabel = "PATH", description = "The namespace's file, instead of PID.")
    @Nullable
    Path netns;

    @Option(
            names = "--tap",
            paramLabel = "NAME",
            defaultValue = "tap0",
            description = "The interface's name (default: ${DEFAULT-VALUE}).")
    String tap = "tap0";

    @Option(names = "--configure", description = "Set up lo, the interface, its address and the default route.")
    boolean configure;

    @Option(
            names = "--mtu",
            paramLabel = "BYTES",
            defaultValue = "65520",
            description = "Largest IP packet inside (default: ${DEFAULT-VALUE}; 1500 is what the Internet has).")
    int mtu;

    @Option(
            names = "--mac",
            paramLabel = "ADDRESS",
            description = "The interface's hardware address (default: random).")
    @Nullable
    String mac;

    @Option(
            names = "--host-loopback",
            description = "Let the namespace reach the host's loopback, as the network's .2.")
    boolean hostLoopback;

    @Option(
            names = {"-p", "--publish"},
            paramLabel = "[ADDRESS:]HOST:GUEST[/udp]",
            converter = NetworkOptions.PortConverter.class,
            description = "Lead the host's port HOST to the namespace's port GUEST; may be repeated.")
    List<PublishedPort> published = new ArrayList<>();

    @Option(
            names = "--ready-fd",
            paramLabel = "N",
            description = "Write '1' to this descriptor, and close it, once the network works.")
    @Nullable
    Integer readyFd;

    @Option(names = "--exit-fd", paramLabel = "N", description = "End when the other end of this descriptor is closed.")
    @Nullable
    Integer exitFd;

    @Mixin
    NetworkOptions network = new NetworkOptions();

    @Override
    public Integer call() throws IOException {
        Target target = target();
        AddressPlan plan = network.plan(mtu, hostLoopback);
        TapSpec spec = spec(plan);
        Descriptors.check("--ready-fd", readyFd);
        Descriptors.check("--exit-fd", exitFd);
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = GuestNetwork.start(plan, network.pcap)) {
            guests.attach(target.open(spec));
            guests.publish(published, plan.firstGuest());
            if (exitFd != null) {
                Descriptors.onHangUp(exitFd, stop::countDown);
            }
            target.onGone(stop::countDown);
            guests.openControlSocket();
            if (readyFd != null) {
                Descriptors.writeReady(readyFd);
            }
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }

    private Target target() {
        Path path = netns;
        Long process = pid;
        if (path != null && process != null) {
            throw Failure.usage("PID and --netns name the namespace twice; give one of them");
        }
        if (path != null) {
            return new Target.ByPath(path);
        }
        if (process != null) {
            if (process <= 0) {
                throw Failure.usage("PID " + process + ": process ids start at 1");
            }
            return new Target.ByPid(process);
        }
        throw Failure.usage("which namespace? Give the PID of a process in it, or --netns PATH");
    }

    private TapSpec spec(AddressPlan plan) {
        try {
            TapSpec.checkName(tap);
        } catch (IllegalArgumentException e) {
            throw Failure.usage("--tap: " + e.getMessage());
        }
        MacAddress address = null;
        if (mac != null) {
            try {
                address = MacAddress.parse(mac);
            } catch (IllegalArgumentException e) {
                throw Failure.usage("--mac: " + e.getMessage());
            }
            if (MacAddress.isGroup(address.bits())) {
                throw Failure.usage(
                        "--mac " + mac + ": an interface can't have a group's address; its second digit must be even");
            }
        }
        return new TapSpec(
                tap, mtu, new Ipv4Cidr(plan.firstGuest(), plan.subnet().prefix()), plan.gateway(), address, configure);
    }

    /** The namespace, by either of its names. */
    sealed interface Target {
        OpenTap open(TapSpec spec) throws IOException;

        /** Calls back, once, on some thread, when the name stops leading to the namespace. */
        void onGone(Runnable callback);

        record ByPid(long pid) implements Target {
            @Override
            public OpenTap open(TapSpec spec) throws IOException {
                return NamespaceTap.openByPid(pid, spec);
            }

            @Override
            public void onGone(Runnable callback) {
                ProcessHandle.of(pid)
                        .ifPresentOrElse(process -> process.onExit().thenRun(callback), callback);
            }
        }

        record ByPath(Path path) implements Target {
            @Override
            public OpenTap open(TapSpec spec) throws IOException {
                return NamespaceTap.openByPath(path, spec);
            }

            @Override
            public void onGone(Runnable callback) {
                NamespaceFile.onGone(path, callback);
            }
        }
    }
}
