package dev.sluice.cli.namespace;

import dev.sluice.link.tap.Ipv6Setup;
import dev.sluice.link.tap.OpenTap;
import dev.sluice.link.tap.SetupShell;
import dev.sluice.link.tap.TapDevice;
import dev.sluice.link.tap.TapSpec;
import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.PosixException;
import dev.sluice.posix.Processes;
import dev.sluice.posix.Spawn;
import dev.sluice.posix.Tun;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import dev.sluice.wire.MacAddress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A command in network, mount, process and (for ordinary users) user namespaces of its own. In this order, on one platform thread:
 * {@link #start}, make the gateway serve {@link #tap}, {@link #configureAndRun}, {@link #waitFor}, {@link #close}. {@link #close} may be
 * called at any time from any thread and leaves nothing behind.
 */
public final class ChildNamespace implements AutoCloseable {
    /** Read when this class is first used, which is while system calls are being linked on another thread. */
    private static final String SCRIPT = script();

    private static final int PATIENCE_SECONDS = 30;
    private static final int EARLY_LIMIT = 16;
    /** What the user had in {@code LC_ALL}, where the launcher, or we, have put something else there; empty for nothing. */
    private static final String LOCALE = "SLUICE_LC_ALL";

    /**
     * What to run and what network it sees.
     *
     * @param command program and arguments; the program is looked up in PATH
     * @param tapName name of the interface inside, as {@code tap0}
     * @param mtu of the interface, bytes, 576–65521
     * @param guest its address and prefix length
     * @param gateway where the default route leads
     * @param resolvConf content of /etc/resolv.conf inside
     * @param guestMac hardware address of the interface, 48 bits; 0 leaves the choice to the kernel
     * @param environment added to this process's environment for the command
     * @param openFiles descriptors that the command may open, as a limit that it may raise; {@link Long#MAX_VALUE} leaves it at our own
     * @param ipv6 the IPv6 side; null for none
     */
    public record Spec(
            List<String> command,
            String tapName,
            int mtu,
            Ipv4Cidr guest,
            Ipv4Address gateway,
            String resolvConf,
            long guestMac,
            Map<String, String> environment,
            long openFiles,
            @Nullable Ipv6Setup ipv6) {

        /** One without IPv6, with our own limit of descriptors. */
        public Spec(
                List<String> command,
                String tapName,
                int mtu,
                Ipv4Cidr guest,
                Ipv4Address gateway,
                String resolvConf,
                long guestMac,
                Map<String, String> environment) {
            this(command, tapName, mtu, guest, gateway, resolvConf, guestMac, environment, Long.MAX_VALUE, null);
        }

        public Spec {
            command = List.copyOf(command);
            environment = Map.copyOf(environment);
            TapSpec.checkName(tapName);
        }
    }

    /** How isolated the command gets: with a user namespace, with a process namespace. */
    private record Mode(boolean user, boolean pid) {}

    private final SetupShell shell;
    private final int shellPid;
    private final OpenTap tap;
    private final Mode mode;
    private final List<String> notes;
    private final List<String> lacks = new ArrayList<>();
    private final Processes.IgnoredSignal interrupt;
    private final Processes.IgnoredSignal quit;
    /** The command's process id as the shell sees it; empty until it runs. */
    private volatile String command = "";
    /** Signals that came before that; further ones are lost. */
    private final List<Integer> early = new ArrayList<>();

    /** What {@link #waitFor} returns; -1 until it has. */
    private int ended = -1;

    private boolean closed;

    private ChildNamespace(
            SetupShell shell,
            int shellPid,
            OpenTap tap,
            Mode mode,
            List<String> notes,
            Processes.IgnoredSignal interrupt,
            Processes.IgnoredSignal quit) {
        this.shell = shell;
        this.shellPid = shellPid;
        this.tap = tap;
        this.mode = mode;
        this.notes = notes;
        this.interrupt = interrupt;
        this.quit = quit;
    }

    /**
     * Checks, before anything is done, that {@link #start} will find the command.
     *
     * @throws CommandException if it is not there or not executable
     */
    public static void checkCommand(List<String> command) throws CommandException {
        Programs.checkCommand(command.getFirst(), System.getenv("PATH"));
    }

    /**
     * Makes the namespaces and the TAP interface; the command waits. From now on until {@link #close} this process ignores SIGINT and
     * SIGQUIT, which a terminal sends to the command as well.
     *
     * @throws CommandException if the command is not there or not executable
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static ChildNamespace start(Spec spec) throws IOException {
        Programs.checkCommand(spec.command.getFirst(), spec.environment.getOrDefault("PATH", System.getenv("PATH")));
        String unshare = Programs.tool("unshare", "util-linux");
        String _ = Programs.tool("mount", "mount (or util-linux)");
        String _ = Programs.tool("ip", "iproute2");
        TapDevice.check();
        Processes.IgnoredSignal interrupt = Processes.ignore(Processes.SIGINT);
        Processes.IgnoredSignal quit = Processes.ignore(Processes.SIGQUIT);
        try {
            List<String> notes = new ArrayList<>();
            boolean root = Processes.effectiveUid() == 0;
            Mode mode = new Mode(!root, true);
            Attempt first = null;
            while (true) {
                Attempt attempt = attempt(spec, unshare, mode, interrupt, quit, notes);
                if (attempt.child != null) {
                    return attempt.child;
                }
                if (first == null) {
                    first = attempt;
                }
                Mode next = nextMode(mode, attempt);
                if (next == null) {
                    throw attempt.stage.isEmpty()
                            // a root that failed twice shall read about the root's rights
                            ? new IOException(NamespaceAdvice.explain(first.error, !root))
                            : new IOException("cannot set up the namespace (" + attempt.stage + "): " + attempt.error);
                }
                notes.add(
                        next.pid
                                ? "root lacks rights here (" + attempt.error + "); going on in a user namespace"
                                : "no process namespace (" + attempt.error
                                        + "); the command shares the host's process table");
                mode = next;
            }
        } catch (IOException | RuntimeException e) {
            quit.close();
            interrupt.close();
            throw e;
        }
    }

    /** What to try after a failure: less, if less might do. */
    private static @Nullable Mode nextMode(Mode mode, Attempt failed) {
        if (failed.stage.equals("proc") && mode.pid) {
            return new Mode(mode.user, false);
        }
        return failed.stage.isEmpty() && !mode.user && failed.error.contains("not permitted")
                ? new Mode(true, mode.pid)
                : null;
    }

    /** A child, or where the shell stopped ("" = before the shell) and what it said. */
    private record Attempt(@Nullable ChildNamespace child, String stage, String error) {}

    private static Attempt attempt(
            Spec spec,
            String unshare,
            Mode mode,
            Processes.IgnoredSignal interrupt,
            Processes.IgnoredSignal quit,
            List<String> notes)
            throws IOException {
        Map<String, String> ours = System.getenv();
        // We read what tools say, so they say it in English; the script gives the command the user's locale back.
        Spawn process = new Spawn(commandLine(spec, unshare, mode))
                .environment(spec.environment)
                .environment(Map.of("LC_ALL", "C", LOCALE, ours.getOrDefault(LOCALE, ours.getOrDefault("LC_ALL", ""))));
        // a background job of a script has SIGINT ignored, and so shall its command
        if (!interrupt.wasIgnored()) {
            process.defaultSignal(Processes.SIGINT);
        }
        if (!quit.wasIgnored()) {
            process.defaultSignal(Processes.SIGQUIT);
        }
        SetupShell shell = SetupShell.start(process);
        boolean done = false;
        try {
            String line = shell.readLine(PATIENCE_SECONDS);
            if (line == null || !line.startsWith("pid ")) {
                if (line == null && shell.errors().isEmpty()) {
                    CommandException.throwIfInterrupted(shell.waitFor());
                }
                shell.kill();
                shell.waitFor();
                String error = shell.errors();
                String stage =
                        line != null ? line.substring("fail ".length()) : error.contains(Tun.DEVICE) ? Tun.DEVICE : "";
                return new Attempt(null, stage, error);
            }
            int pid = Integer.parseInt(line.substring(4));
            int fd = device(shell, pid);
            MacAddress mac = spec.guestMac == 0 ? null : new MacAddress(spec.guestMac);
            OpenTap tap = TapDevice.attach(fd, spec.tapName, mac);
            done = true;
            return new Attempt(new ChildNamespace(shell, pid, tap, mode, notes, interrupt, quit), "", "");
        } finally {
            if (!done) {
                shell.close();
                shell.waitFor();
            }
        }
    }

    private static int device(SetupShell shell, int pid) throws IOException {
        try {
            return shell.fetchDevice(pid);
        } catch (PosixException e) {
            if (e.errno() == Errno.ESRCH
                    || e.errno() == Errno.EBADF) { // it has ended since, or is about to (pidfd_getfd(2))
                shell.close();
                CommandException.throwIfInterrupted(shell.waitFor());
            }
            throw e;
        }
    }

    private static List<String> commandLine(Spec spec, String unshare, Mode mode) {
        List<String> line = new ArrayList<>();
        line.add(unshare);
        if (mode.user) {
            line.addAll(List.of("--user", "--map-root-user"));
        }
        line.addAll(List.of("--net", "--mount"));
        if (mode.pid) {
            line.add("--pid");
        }
        line.addAll(List.of("--fork", "--kill-child", "/bin/sh", "-c", SCRIPT, "sluice"));
        line.addAll(List.of(
                mode.pid ? "pid" : "nopid",
                spec.tapName,
                Integer.toString(spec.mtu),
                spec.guest.toString(),
                spec.gateway.toString(),
                spec.ipv6 == null ? "" : spec.ipv6.address().toString(),
                spec.ipv6 == null || spec.ipv6.gateway() == null
                        ? ""
                        : spec.ipv6.gateway().toString(),
                mode.user ? "0 0" : "0 2147483647",
                spec.resolvConf,
                spec.openFiles == Long.MAX_VALUE ? "" : Long.toString(spec.openFiles)));
        line.addAll(spec.command);
        return line;
    }

    private static String script() {
        try (InputStream in = ChildNamespace.class.getResourceAsStream("run.sh")) {
            return new String(Objects.requireNonNull(in, "run.sh").readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException("run.sh", e);
        }
    }

    /** The interface; its descriptor is the caller's (hand it to the link, which closes it). */
    public OpenTap tap() {
        return tap;
    }

    /** A descriptor of the network namespace, the caller's. To be called before {@link #waitFor} returns. */
    public int openNetwork() throws IOException {
        return PosixException.check(
                Io.open("/proc/" + shellPid + "/ns/net", Io.O_RDONLY), "cannot open the namespace of " + shellPid);
    }

    /** Things the user should know about how this went, one line each; for {@code -v}. */
    public List<String> notes() {
        return List.copyOf(notes);
    }

    /** What the command has to do without and the user could mend, one line each; known once it runs. */
    public List<String> lacks() {
        return List.copyOf(lacks);
    }

    /**
     * Configures the interface from inside, and starts the command.
     *
     * @throws IOException with one line saying what failed and what to do; close() then leaves nothing behind
     */
    public void configureAndRun() throws IOException {
        shell.send("go");
        while (true) {
            String line = shell.readLine(PATIENCE_SECONDS);
            if (line == null || line.startsWith("fail ")) {
                if (line == null && shell.errors().isEmpty()) {
                    CommandException.throwIfInterrupted(shell.waitFor());
                }
                throw new IOException(NamespaceAdvice.network(shell.errors()));
            }
            if (line.startsWith("note ")) {
                notes.add(line.substring(5));
            } else if (line.equals("lack names")) {
                lacks.add(
                        "the command will find no names, as its /etc/resolv.conf could not be put over this machine's ("
                                + shell.errors() + "); where there is none, an empty file will do");
            } else if (line.startsWith("run ")) {
                synchronized (shell) {
                    command = line.substring(4);
                }
                early.forEach(this::signal);
                return;
            }
        }
    }

    /** Blocks until the command ends; its exit code, or 128 + the signal that ended it. From any platform thread. */
    public int waitFor() {
        int code = shell.waitFor();
        synchronized (shell) {
            if (ended < 0) {
                boolean killed = code < 128 && !shell.lastLine().startsWith("end ");
                ended = killed ? 128 + Processes.SIGKILL : code;
            }
            return ended;
        }
    }

    /**
     * Passes a signal on to the command; one that comes before the command runs is kept for it. False if the command is gone. From any
     * thread.
     *
     * @param signal its number, as {@link Processes#SIGTERM}
     */
    public boolean signal(int signal) {
        synchronized (shell) {
            if (command.isEmpty()) {
                if (early.size() < EARLY_LIMIT) {
                    early.add(signal);
                }
                return true;
            }
        }
        return !shell.hasEnded() && shell.send(signal + " " + command);
    }

    /** Whether the command has a process namespace, so that the kernel itself ends all it started. */
    public boolean hasProcessNamespace() {
        return mode.pid;
    }

    /** Kills whatever is left in the namespaces and waits for its end. The TAP descriptor stays its owner's. Idempotent. */
    @Override
    public void close() {
        // the watcher in there kills all the rest when our end of its pipe closes; before there is one, the shell just
        // ends
        shell.close();
        shell.waitFor();
        synchronized (shell) {
            if (!closed) {
                closed = true;
                quit.close();
                interrupt.close();
            }
        }
    }
}
