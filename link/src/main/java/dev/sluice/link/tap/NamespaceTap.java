package dev.sluice.link.tap;

import dev.sluice.loop.LateLogger;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Namespaces;
import dev.sluice.posix.Netlink;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Processes;
import dev.sluice.posix.Spawn;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Opens and configures a TAP interface in a network namespace that exists already. Blocks: call it on a platform thread. The descriptor in what
 * is returned is the caller's; {@link dev.sluice.link.TapLink} closes it.
 */
public final class NamespaceTap {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.link.tap");
    /** Packets that may wait in the interface for us to read them. */
    private static final int QUEUE_LENGTH = 10_000;

    private static final int PATIENCE_SECONDS = 30;
    /** Where the helper finds the namespaces' descriptors; above {@link SetupShell}'s. */
    private static final int NETWORK = 7;

    private static final int USER = 8;

    private NamespaceTap() {}

    /**
     * In this process's own network namespace. Root may make the interface; an ordinary user may open one that was made for it, as with
     * {@code ip tuntap add tap0 mode tap user NAME}.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static OpenTap open(TapSpec spec) throws IOException {
        return openHere(spec);
    }

    /**
     * In the network namespace of process {@code pid}.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static OpenTap openByPid(long pid, TapSpec spec) throws IOException {
        Path process = Path.of("/proc", Long.toString(pid));
        if (pid <= 0 || !Files.exists(process)) {
            throw new IOException("there is no process " + pid);
        }
        return open(process.resolve("ns/net"), "process " + pid, spec);
    }

    /**
     * In the network namespace that {@code path} names, as {@code /run/netns/blue} or {@code /proc/PID/ns/net}.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static OpenTap openByPath(Path path, TapSpec spec) throws IOException {
        return open(path, path.toString(), spec);
    }

    private static OpenTap open(Path path, String target, TapSpec spec) throws IOException {
        int namespace = Io.open(path.toString(), Io.O_RDONLY | Io.O_NONBLOCK);
        if (namespace < 0) {
            throw refusal(target, -namespace);
        }
        try {
            if (Namespaces.type(namespace) != Namespaces.CLONE_NEWNET) {
                throw new IOException(target + " is not a network namespace; give /run/netns/NAME or /proc/PID/ns/net");
            }
            Optional<OpenTap> tap = Namespaces.callIn(namespace, () -> openHere(spec));
            return tap.isPresent() ? tap.get() : openByHelper(namespace, target, spec);
        } catch (IOException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IOException("interrupted while opening a TAP in " + target, e);
        } finally {
            Io.close(namespace);
        }
    }

    private static IOException refusal(String target, int errno) {
        return new IOException(
                switch (errno) {
                    case Errno.ENOENT, Errno.ENOTDIR -> "there is no namespace at " + target;
                    case Errno.EACCES, Errno.EPERM -> notPermitted(target);
                    default -> "cannot open the namespace of " + target + ": " + Errno.text(errno);
                });
    }

    private static String notPermitted(String target) {
        return "no permission to enter the network namespace of " + target
                + ": run this as the user who made it (and its user namespace), or as root";
    }

    /** With rights over the namespace, on a thread that is in it. */
    private static OpenTap openHere(TapSpec spec) throws IOException {
        OpenTap tap = TapDevice.attach(TapDevice.open(), spec.name(), spec.mac());
        if (!spec.configure()) {
            return tap;
        }
        boolean done = false;
        try (Netlink netlink = new Netlink()) {
            netlink.setUp(netlink.index("lo"));
            int index = netlink.index(tap.name());
            netlink.setMtu(index, spec.mtu());
            netlink.setQueueLength(index, QUEUE_LENGTH);
            netlink.addAddress(index, inet(spec.guest().address()), spec.guest().prefix());
            if (spec.ipv6() != null) {
                refuseAdvertisements(tap.name());
            }
            netlink.setUp(index);
            netlink.addDefaultRoute(index, inet(spec.gateway()));
            if (spec.ipv6() != null) {
                addIpv6(netlink, index, spec.ipv6());
            }
            done = true;
            return tap;
        } catch (PosixException e) {
            throw new IOException("cannot configure " + tap.name() + ": " + explain(e), e);
        } finally {
            if (!done) {
                Io.close(tap.fd());
            }
        }
    }

    /** What is configured by hand needs no second address out of advertisements; where this may not be said, it does no harm. */
    private static void refuseAdvertisements(String name) {
        try {
            Files.writeString(Path.of("/proc/sys/net/ipv6/conf", name, "accept_ra"), "0");
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "advertisements stay accepted: {0}", e.getMessage());
        }
    }

    private static void addIpv6(Netlink netlink, int index, Ipv6Setup setup) throws IOException {
        try {
            netlink.addAddress(
                    index, inet(setup.address().address()), setup.address().prefix());
            if (setup.gateway() != null) {
                netlink.addDefaultRoute(index, inet(setup.gateway()));
            }
        } catch (PosixException e) {
            // IPv6 switched off in there, or a route of its own: IPv4 works all the same
            LOG.log(System.Logger.Level.INFO, "no IPv6 in the namespace: {0}", e.getMessage());
        }
    }

    private static InetAddress inet(Ipv6Address address) throws UnknownHostException {
        return InetAddress.getByAddress(ByteBuffer.allocate(16)
                .putLong(address.high())
                .putLong(address.low())
                .array());
    }

    private static String explain(PosixException e) {
        return e.errno() == Errno.EEXIST
                ? e.getMessage() + "; the namespace has one already, leave out --configure, or remove it"
                : String.valueOf(e.getMessage());
    }

    private static InetAddress inet(Ipv4Address address) throws UnknownHostException {
        return InetAddress.getByAddress(
                ByteBuffer.allocate(4).putInt(address.bits()).array());
    }

    /** As the owner of the namespace's user namespace, which only a single-threaded helper can enter. */
    private static OpenTap openByHelper(int namespace, String target, TapSpec spec) throws IOException {
        int user = Namespaces.userNamespaceOf(namespace);
        if (user < 0) {
            throw new IOException(notPermitted(target));
        }
        try {
            if (Files.isSameFile(Path.of("/proc/self/fd", Integer.toString(user)), Path.of("/proc/self/ns/user"))) {
                // no user namespace in between: what we lack here, the helper would lack too
                throw new IOException(notPermitted(target));
            }
            TapDevice.check();
            return openByHelper(namespace, user, target, spec);
        } finally {
            Io.close(user);
        }
    }

    private static OpenTap openByHelper(int namespace, int user, String target, TapSpec spec) throws IOException {
        Spawn process = new Spawn(List.of(
                        "nsenter",
                        "--user=/proc/self/fd/" + USER,
                        "--net=/proc/self/fd/" + NETWORK,
                        "--preserve-credentials",
                        "/bin/sh",
                        "-c",
                        script(),
                        "sluice",
                        spec.name(),
                        Integer.toString(spec.mtu()),
                        spec.guest().toString(),
                        spec.gateway().toString(),
                        spec.configure() ? "yes" : "no",
                        spec.ipv6() == null ? "" : spec.ipv6().address().toString(),
                        spec.ipv6() == null || spec.ipv6().gateway() == null
                                ? ""
                                : spec.ipv6().gateway().toString()))
                .descriptor(namespace, NETWORK)
                .descriptor(user, USER)
                .defaultSignal(Processes.SIGINT);
        SetupShell shell;
        try {
            shell = SetupShell.start(process);
        } catch (PosixException e) {
            if (e.errno() == Errno.ENOENT) {
                throw new IOException("there is no 'nsenter' command: install the package util-linux", e);
            }
            throw e;
        }
        OpenTap tap = null;
        boolean done = false;
        try (shell) {
            String line = shell.readLine(PATIENCE_SECONDS);
            if (line == null || !line.startsWith("pid ")) {
                throw new IOException(notPermitted(target) + " (" + shell.errors() + ")");
            }
            tap = TapDevice.attach(shell.fetchDevice(Integer.parseInt(line.substring(4))), spec.name(), spec.mac());
            shell.send("go");
            if (!"done".equals(shell.readLine(PATIENCE_SECONDS))) {
                String errors = shell.errors();
                throw new IOException("cannot configure " + tap.name() + " in the namespace of " + target + ": "
                        + (errors.contains("ip: not found")
                                ? "there is no 'ip' command: install the package iproute2"
                                : errors));
            }
            done = true;
            return tap;
        } finally {
            if (!done && tap != null) {
                Io.close(tap.fd());
            }
            shell.waitFor();
        }
    }

    private static String script() {
        try (InputStream in = NamespaceTap.class.getResourceAsStream("attach.sh")) {
            return new String(Objects.requireNonNull(in, "attach.sh").readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("attach.sh", e);
        }
    }
}
