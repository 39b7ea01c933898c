package dev.sluice.cli.network;

import dev.sluice.gateway.Gateway;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.host.NamespaceSockets;
import dev.sluice.loop.LateLogger;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv4Cidr;
import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The ports of the host that lead to guests, and the way into the guest's namespace by which clients on this host get there without frames. */
public final class PublishedPorts {
    private static final System.Logger LOG = LateLogger.of("dev.sluice.cli.network");

    private final Gateway gateway;
    /** Where forwards lead that name no guest. */
    private volatile ForwardSpec.Target target = new ForwardSpec.Only();
    /** The way into the guest's namespace, until it was taken. */
    private @Nullable Namespace namespace;

    private @Nullable NamespaceSockets inside;
    private boolean closed;

    PublishedPorts(Gateway gateway) {
        this.gateway = gateway;
    }

    /** Opens the guest's network namespace: a descriptor, the caller's. */
    public interface Namespace {
        int open() throws IOException;
    }

    /**
     * Says where published ports that name no guest lead.
     *
     * @param namespace the guest's: clients on this host reach its services without frames; null if there is none
     */
    public void publishTo(ForwardSpec.Target guest, @Nullable Namespace namespace) {
        target = guest;
        this.namespace = namespace;
    }

    /**
     * As {@link #publish}, for people, who mistype addresses.
     *
     * @throws IOException also if one leads to an IPv4 address that no guest of this network can have
     */
    public List<ForwardInfo> publishChecked(List<ForwardSpec> forwards) throws IOException {
        return open(forwards).stream().map(Forwards.Added::info).toList();
    }

    /** As {@link #publishChecked}, for who is to close no more than was opened. */
    public List<Forwards.Added> open(List<ForwardSpec> forwards) throws IOException {
        Ipv4Cidr subnet = gateway.plan().subnet();
        for (ForwardSpec forward : forwards) {
            if (forward.target() instanceof ForwardSpec.Address(Ipv4Address guest) && !subnet.contains(guest)) {
                throw new IOException(forward + ": no guest has " + guest + ", as the guest network is " + subnet
                        + "; leave the address out for the only guest, or take one that 'sluice guests' shows");
            }
        }
        return openUnchecked(forwards);
    }

    /** Opens ports of the host; none or all. */
    public List<ForwardInfo> publish(List<ForwardSpec> forwards) throws IOException {
        return openUnchecked(forwards).stream().map(Forwards.Added::info).toList();
    }

    private List<Forwards.Added> openUnchecked(List<ForwardSpec> forwards) throws IOException {
        if (forwards.isEmpty()) {
            return List.of();
        }
        openShortcut();
        List<ForwardSpec> specs =
                forwards.stream().map(spec -> spec.withDefault(target)).toList();
        List<Forwards.Added> open = gateway.ports().open(specs);
        for (int i = 0; i < open.size(); i++) {
            if (specs.get(i).listen() instanceof ForwardSpec.Port port && port.port() == 0) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "port " + open.get(i).info().listen() + " leads to the guest's port "
                                + open.get(i).info().guestPort());
            }
        }
        return open;
    }

    /**
     * Publishes the namespace's services by themselves.
     *
     * @throws IOException if the namespace cannot be looked into
     */
    public void publishAutomatically() throws IOException {
        openShortcut();
        NamespaceSockets sockets;
        synchronized (this) {
            sockets = inside;
        }
        try {
            if (sockets == null) {
                throw new IOException("there is no way into the namespace");
            }
            sockets.read("tcp");
            AutoPublish.start(sockets, gateway.ports(), target);
        } catch (IOException e) {
            throw new IOException("--publish-auto: the namespace's services can't be seen: " + e.getMessage(), e);
        }
    }

    /** With the first forward: a network without any needs no thread for it. */
    private synchronized void openShortcut() {
        Namespace way = namespace;
        if (way == null || closed) {
            return;
        }
        namespace = null;
        try {
            NamespaceSockets sockets = new NamespaceSockets(way.open());
            inside = sockets;
            gateway.shortcut(sockets);
        } catch (IOException e) {
            LOG.log(System.Logger.Level.DEBUG, "published ports go as frames: " + e.getMessage());
        }
    }

    /**
     * Waits until the way into the namespace has been taken, if it is.
     *
     * @param open takes it now, for ports that are published later
     * @return the descriptor of the process that is there for us; -1 if there is none
     */
    int awaitShortcut(boolean open) throws InterruptedException {
        if (open) {
            openShortcut();
        }
        NamespaceSockets sockets;
        synchronized (this) {
            sockets = inside;
        }
        return sockets == null ? -1 : sockets.awaitEntry();
    }

    void close() {
        NamespaceSockets sockets;
        synchronized (this) {
            closed = true;
            sockets = inside;
        }
        if (sockets != null) {
            sockets.close();
        }
    }
}
