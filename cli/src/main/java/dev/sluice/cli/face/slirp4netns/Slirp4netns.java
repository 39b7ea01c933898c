package dev.sluice.cli.face.slirp4netns;

import dev.sluice.cli.face.Face;
import dev.sluice.cli.network.Descriptors;
import dev.sluice.cli.network.GuestNetwork;
import dev.sluice.cli.network.NetworkNamespace;
import dev.sluice.cli.network.Signals;
import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.dhcp.DhcpSettings;
import dev.sluice.gateway.flow.AddressPlan;
import dev.sluice.gateway.flow.Ipv6Plan;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.host.Outbound;
import dev.sluice.link.LinkUrl;
import dev.sluice.link.tap.Ipv6Setup;
import dev.sluice.link.tap.TapDevice;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.Ipv6Cidr;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** {@code slirp4netns}: a network for a namespace, with the addresses and the ways of slirp4netns. */
public final class Slirp4netns implements Face {
    private static final String NAME = "slirp4netns";
    private static final int FAILED = 1;

    /** Its callers look here for whether an option is there, and then for its name only. */
    private static final String USAGE = """
            Usage: slirp4netns [OPTION]... PID|PATH|FD [TAPNAME]
            A network for a namespace, by sluice, with the options of slirp4netns.

            -c, --configure          set up lo, TAPNAME, its address and the default route
            -e, --exit-fd=FD         end when the other end of FD is closed
            -r, --ready-fd=FD        write 1 to FD and close it once the network works
            -m, --mtu=MTU            576 to 65521, default 1500
            -6, --enable-ipv6        IPv6 too: fd00::/64
            -a, --api-socket=PATH    listen there for requests to add, list and remove forwards
            --cidr=CIDR              the network, default 10.0.2.0/24
            --disable-host-loopback  keep the host's 127.0.0.1 closed
            --netns-type=TYPE        what the first argument is: pid (the default), path, or tapfd
            --userns-path=PATH       checked only: the system knows whose the namespace is
            --enable-sandbox         accepted; see docs/faces.md for what protects instead
            --enable-seccomp         refuse this process what it does not need, as to start programs
            --outbound-addr=IPv4     send from this address, or the first of this interface
            --outbound-addr6=IPv6    the same for IPv6
            --disable-dns            no name server at the network's .3
            --macaddress=MAC         of TAPNAME, with -c only
            --target-type=TYPE       netns (the default), or bess: the first argument is a socket for User Mode Linux
            -h, --help               this
            -v, --version            the version
            """;

    /** In the form that callers read: the number is that of the slirp4netns whose options these are. */
    private static final String VERSION = """
            slirp4netns version 1.2.0+sluice
            commit: unknown
            libslirp: 4.7.0
            SLIRP_CONFIG_VERSION_MAX: 4
            libseccomp: 2.5.4
            """;

    @Override
    public int call(List<String> arguments) {
        try {
            Request request = Request.parse(arguments);
            if (request.help || request.version) {
                System.out.print(request.help ? USAGE : VERSION);
                return 0;
            }
            Descriptors.checkExit("--exit-fd", request.exitFd);
            Descriptors.checkReady("--ready-fd", request.readyFd);
            if (request.target instanceof Request.TapDescriptor(int fd)) {
                Descriptors.check("--netns-type=tapfd", fd);
            }
            serve(request);
            return 0;
        } catch (Getopt.Mistake e) {
            return failed(NAME + ": " + e.getMessage(), true);
        } catch (Request.Wrong e) {
            return failed(String.valueOf(e.getMessage()), e.usage);
        } catch (IllegalArgumentException | IOException e) {
            return failed(String.valueOf(e.getMessage()), false);
        }
    }

    private static int failed(String message, boolean usage) {
        if (!message.isEmpty()) {
            System.err.println(message);
        }
        if (usage) {
            System.out.print(USAGE);
        }
        return FAILED;
    }

    private static void serve(Request request) throws IOException {
        request.warnings.forEach(warning -> System.err.println("WARNING: " + warning));
        if (request.seccomp) {
            GuestNetwork.checkConfinement("--enable-seccomp");
        }
        AddressPlan plan = request.plan();
        describe(request, plan);
        CountDownLatch stop = new CountDownLatch(1);
        Signals.onStop(stop);
        try (GuestNetwork guests = GuestNetwork.start(gateway(request, plan), null, List.of());
                ApiSocket api = new ApiSocket(guests, request.guest())) {
            connect(request, plan, guests);
            if (request.apiSocket != null) {
                api.open(request.apiSocket);
            }
            if (request.exitFd != null) {
                Descriptors.onHangUp(request.exitFd, stop::countDown);
            }
            if (request.seccomp) {
                guests.confine(request.apiSocket != null);
            }
            if (request.readyFd != null) {
                Descriptors.writeReady(request.readyFd);
            }
            guests.control().openSocket();
            stop.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static Gateway.Builder gateway(Request request, AddressPlan plan) {
        List<Ipv4Address> dns = request.disableDns ? List.of() : List.of(plan.gateway());
        return Gateway.builder()
                .plan(plan)
                .nameServer(!request.disableDns)
                .dhcp(new DhcpSettings(DhcpSettings.DEFAULT_LEASE_SECONDS, request.router(), dns, List.of(), true))
                .outbound(new Outbound(request.outbound, request.outbound6));
    }

    private static void connect(Request request, AddressPlan plan, GuestNetwork guests) throws IOException {
        ForwardSpec.Target guest = new ForwardSpec.Address(request.guest());
        switch (request.target) {
            case Request.ByPid(long pid) -> attach(new NetworkNamespace.OfProcess(pid), request, plan, guests);
            case Request.ByPath(Path path) -> attach(new NetworkNamespace.OfFile(path), request, plan, guests);
            case Request.TapDescriptor(int fd) -> {
                guests.attach(TapDevice.adopt(fd), request.guest());
                guests.ports().publishTo(guest, null);
            }
            case Request.Bess(String path) -> {
                guests.listen(LinkUrl.parse("bess:" + path), () -> {});
                guests.ports().publishTo(guest, null);
            }
        }
    }

    private static void attach(NetworkNamespace namespace, Request request, AddressPlan plan, GuestNetwork guests)
            throws IOException {
        guests.attach(namespace.open(tap(request, plan)), request.guest());
        guests.ports().publishTo(new ForwardSpec.Address(request.guest()), namespace::openNetwork);
    }

    private static TapSpec tap(Request request, AddressPlan plan) {
        Ipv6Plan six = plan.ipv6();
        return new TapSpec(
                request.tapName,
                plan.mtu(),
                new Ipv4Cidr(request.guest(), request.cidr.prefix()),
                request.router(),
                request.mac,
                request.configure,
                six == null ? null : new Ipv6Setup(new Ipv6Cidr(six.firstGuest(), 64), six.host()));
    }

    /** What people see at the start, under the names they know. */
    private static void describe(Request request, AddressPlan plan) {
        StringBuilder out = new StringBuilder("sluice as slirp4netns\n");
        line(out, "MTU", plan.mtu());
        line(out, "Network", request.cidr.address());
        line(out, "Netmask", new Ipv4Address(request.cidr.mask()));
        line(out, "Gateway", request.router());
        line(out, "DNS", request.disableDns ? "none" : plan.gateway());
        line(out, "DHCP begin", plan.firstGuest());
        line(out, "DHCP end", plan.lastGuest());
        line(out, "Recommended IP", request.guest());
        if (request.apiSocket != null) {
            line(out, "API Socket", request.apiSocket);
        }
        if (plan.hostLoopback()) {
            out.append("WARNING: what listens on the host's 127.0.0.1 can be reached as ")
                    .append(request.router())
                    .append(" (--disable-host-loopback closes it)\n");
        }
        System.out.print(out);
        System.out.flush();
    }

    private static void line(StringBuilder out, String label, Object value) {
        out.append("%-18s %s%n".formatted("* " + label + ":", value));
    }
}
