package dev.sluice.cli.namespace;

import dev.sluice.link.tap.OpenTap;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * A command in network, mount, process and (for ordinary users) user namespaces of its own. In this order, on one platform thread:
 * {@link #start}, make the gateway serve {@link #tap}, {@link #configureAndRun}, {@link #waitFor}, {@link #close}. {@link #close} may be
 * called at any time from any thread and leaves nothing behind.
 */
public final class ChildNamespace implements AutoCloseable {
    /**
     * What to run and what network it sees.
     *
     * @param command program and arguments; the program is looked up in PATH
     * @param tapName name of the interface inside, as {@code tap0}
     * @param mtu of the interface, bytes
     * @param guest its address and prefix length
     * @param gateway where the default route leads
     * @param resolvConf content of /etc/resolv.conf inside
     * @param guestMac hardware address of the interface, 48 bits; 0 leaves the choice to the kernel
     * @param environment added to this process's environment for the command
     */
    public record Spec(
            List<String> command,
            String tapName,
            int mtu,
            Ipv4Cidr guest,
            Ipv4Address gateway,
            String resolvConf,
            long guestMac,
            Map<String, String> environment) {}

    private ChildNamespace() {}

    /**
     * Makes the namespaces and the TAP interface; the command waits.
     *
     * @throws IOException with one line saying what failed and what to do; nothing is left behind
     */
    public static ChildNamespace start(Spec spec) throws IOException {
        throw new IOException("not there yet");
    }

    /** The interface; its descriptor is the caller's (hand it to the link, which closes it). */
    public OpenTap tap() {
        throw new IllegalStateException();
    }

    /** Things the user should know about how this went, one line each; for {@code -v}. */
    public List<String> notes() {
        return List.of();
    }

    /**
     * Configures the interface from inside, and starts the command.
     *
     * @throws IOException with one line saying what failed and what to do; close() then leaves nothing behind
     */
    public void configureAndRun() throws IOException {}

    /** Blocks until the command ends; its exit code, or 128 + the signal that ended it. */
    public int waitFor() throws IOException {
        return 0;
    }

    /** Passes a signal on to the command; false if it is gone. From any thread. */
    public boolean signal(int signal) {
        return false;
    }

    /** Kills whatever is left in the namespaces. */
    @Override
    public void close() {}
}
