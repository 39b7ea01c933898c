package dev.sluice.cli;

import dev.sluice.cli.network.Descriptors;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.NetworkNamespace;
import dev.sluice.cli.network.Signals;
import dev.sluice.cli.options.Syntax;
import dev.sluice.cli.options.Value;
import dev.sluice.cli.settings.Keys;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.ForwardSyntax;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.posix.Linkage;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** {@code sluice attach}: a network for a namespace that exists. */
final class AttachCommand implements Command {
    private @Nullable Long pid;
    private @Nullable Path netns;
    private String tap = "tap0";
    private boolean configure;
    private static final int USUAL_MTU = 65520;
    private @Nullable String mac;
    private @Nullable Integer readyFd;
    private @Nullable Integer exitFd;
    private final NetworkOptions network = new NetworkOptions();

    @Override
    public void prepare() {
        Linkage.prepare();
    }

    @Override
    public Syntax syntax() {
        Syntax syntax = new Syntax(
                        "sluice attach",
                        "Gives an existing network namespace a TAP interface and serves it until the namespace is gone,"
                                + " or SIGTERM or SIGINT comes.")
                .optionalParameter("PID", "A process in the namespace.", text -> pid = Value.number(text))
                .option("--netns", "PATH", "The namespace's file, instead of PID.", text -> netns = Path.of(text))
                .option("--tap", "NAME", "The interface's name (default: " + tap + ").", text -> tap = text)
                .flag(
                        "--configure",
                        "Set up lo, the interface, its address and the default route.",
                        () -> configure = true)
                .flag(
                        "--publish-auto",
                        "Publish TCP and UDP services inside on this machine's loopback, under their own ports, as they come.",
                        () -> network.set(Keys.PUBLISH_AUTO, true))
                .option(
                        "--mtu",
                        "BYTES",
                        "Largest IP packet inside (default: " + USUAL_MTU + "; 1500 is what the Internet has).",
                        text -> network.set(Keys.MTU, (long) Value.integer(text)))
                .option("--mac", "ADDRESS", "The interface's hardware address (default: random).", text -> mac = text)
                .flag(
                        "--host-loopback",
                        "Let the namespace reach the host's loopback, as the network's .2.",
                        () -> network.set(Keys.HOST_LOOPBACK, true))
                .repeatable(
                        "-p, --publish",
                        NetworkOptions.PORT,
                        "Lead the host's port HOST to the namespace's port GUEST; may be repeated.",
                        text -> network.add(Keys.PUBLISH, ForwardSyntax.parse(text)))
                .option(
                        "--ready-fd",
                        "N",
                        "Write '1' to this descriptor, and close it, once the network works.",
                        text -> readyFd = Value.integer(text))
                .option(
                        "--exit-fd",
                        "N",
                        "End when the other end of this descriptor is closed.",
                        text -> exitFd = Value.integer(text));
        return network.addTo(syntax)
                .footer(
                        "",
                        "Examples:",
                        "  sluice attach --configure 4242                        the namespace of process 4242",
                        "  sluice attach --configure --netns /run/netns/blue     the one that 'ip netns add blue' made",
                        "  sluice attach --tap eth0 --mtu 1500 4242              address and route by DHCP inside",
                        "  sluice attach --configure --ready-fd 3 4242 3>ready   a '1' arrives there when the network works",
                        "",
                        "Exit code: 0 after a stop or when the namespace is gone; 2 wrong usage; 69 this machine lacks or forbids",
                        "something.");
    }

    @Override
    public Integer call() throws IOException {
        NetworkNamespace target = target();
        AddressPlan plan = network.plan(USUAL_MTU, false);
        TapSpec spec = spec(plan);
        try {
            Descriptors.checkReady("--ready-fd", readyFd);
            Descriptors.checkExit("--exit-fd", exitFd);
        } catch (IllegalArgumentException e) {
            throw Failure.usage(String.valueOf(e.getMessage()));
        }
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = network.start(plan)) {
            guests.attach(target.open(spec));
            guests.ports().publishTo(new ForwardSpec.Address(plan.firstGuest()), target::openNetwork);
            network.publish(guests);
            if (exitFd != null) {
                Descriptors.onHangUp(exitFd, stop::countDown);
            }
            target.onGone(stop::countDown);
            network.reloadOnHangUp(guests);
            network.openControl(guests);
            network.confine(guests);
            if (readyFd != null) {
                Descriptors.writeReady(readyFd);
            }
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return ExitCode.OK;
    }

    private NetworkNamespace target() {
        Path path = netns;
        Long process = pid;
        if (path != null && process != null) {
            throw Failure.usage("PID and --netns name the namespace twice; give one of them");
        }
        if (path != null) {
            return new NetworkNamespace.OfFile(path);
        }
        if (process != null) {
            if (process <= 0) {
                throw Failure.usage("PID " + process + ": process ids start at 1");
            }
            return new NetworkNamespace.OfProcess(process);
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
                tap,
                plan.mtu(),
                new Ipv4Cidr(plan.firstGuest(), plan.subnet().prefix()),
                plan.gateway(),
                address,
                configure,
                NetworkOptions.ipv6Setup(plan));
    }
}
