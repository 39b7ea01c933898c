package dev.sluice.gateway;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.host.PortOwner;
import dev.sluice.host.porthelper.PortHelper;
import dev.sluice.loop.Offload;
import dev.sluice.wire.Ipv4Address;
import dev.sluice.wire.Ipv6Address;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The published ports of a gateway, for any thread; see package {@code forward}. Calls wait for the loop. */
public final class Ports {
    /** Opened or closed in one turn of the loop, so that thousands do not hold up the guests' traffic. */
    private static final int PER_TURN = 64;

    private final Forwards forwards;
    private final Events events;
    /** Null if there is none to ask. */
    private volatile @Nullable PortHelper helper;

    private final OnLoop loop;

    Ports(Forwards forwards, Events events, OnLoop loop) {
        this.forwards = forwards;
        this.events = events;
        this.loop = loop;
    }

    /** What is said of forwards that were opened or closed together. */
    public record Changed(List<ForwardInfo> forwards) {}

    /**
     * Opens forwards: all of them, or none. What is open just so already stays.
     *
     * @return one for each of {@code specs}, in their order
     * @throws IOException saying which is not to be had, why, and what to do
     */
    public List<ForwardInfo> add(List<ForwardSpec> specs) throws IOException {
        return add(specs, false);
    }

    /** As {@link #add(List)}; {@code automatic} marks those that are to go with the service they lead to. */
    public List<ForwardInfo> add(List<ForwardSpec> specs, boolean automatic) throws IOException {
        return open(specs, automatic).stream().map(Forwards.Added::info).toList();
    }

    /** As {@link #add(List)}, for who is to close no more than was opened: those of them that are new. */
    public List<Forwards.Added> open(List<ForwardSpec> specs) throws IOException {
        return open(specs, false);
    }

    private List<Forwards.Added> open(List<ForwardSpec> specs, boolean automatic) throws IOException {
        List<Forwards.Added> added = new ArrayList<>(specs.size());
        boolean done = false;
        try {
            while (added.size() < specs.size()) {
                List<ForwardSpec> part = specs.subList(added.size(), Math.min(specs.size(), added.size() + PER_TURN));
                try {
                    loop.run(() -> {
                        for (ForwardSpec spec : part) {
                            added.add(forwards.add(spec, automatic));
                        }
                    });
                } catch (ListenException e) {
                    ForwardSpec refused = specs.get(added.size());
                    int bound = askHelper(refused, e);
                    if (bound < 0) {
                        throw explained(refused, e);
                    }
                    loop.run(() -> added.add(forwards.add(refused, automatic, bound)));
                }
            }
            done = true;
            List<ForwardInfo> opened = added.stream()
                    .filter(Forwards.Added::isNew)
                    .map(Forwards.Added::info)
                    .toList();
            if (!opened.isEmpty()) {
                events.publish(Event.Kind.FORWARD_OPEN, new Changed(opened));
            }
            return added;
        } finally {
            if (!done) {
                inTurns(
                        added.stream().filter(Forwards.Added::isNew).toList(),
                        each -> forwards.remove(each.spec(), true));
            }
        }
    }

    /** From now on, ports that this user may not bind are asked of {@code helper}; null for nobody. */
    public void helper(@Nullable PortHelper helper) {
        this.helper = helper;
    }

    /**
     * A socket that the helper has bound for a refused forward; -1 if that is nothing for it.
     *
     * @throws ListenException if the helper was asked, and had none either
     */
    private int askHelper(ForwardSpec refused, ListenException why) throws IOException {
        PortHelper asked = helper;
        if (asked == null
                || why.error() != HostError.PROHIBITED
                || !(refused.listen() instanceof ForwardSpec.Port(var address, int port, boolean udp))
                || address instanceof Ipv6Address) {
            return -1;
        }
        Ipv4Address at = address instanceof Ipv4Address v4 ? v4 : Ipv4Address.ANY;
        // its calls block, which virtual threads must not
        FutureTask<Integer> answer = new FutureTask<>(() -> asked.bind(at, port, udp));
        if (!Offload.start(Thread.ofPlatform().name("port-helper").factory(), "the port helper's answer", answer)) {
            throw new IOException(
                    "no thread is left to ask the port helper: end some programs, or raise the limit (ulimit -u, pids.max)");
        }
        try {
            return answer.get();
        } catch (ExecutionException e) {
            throw e.getCause() instanceof ListenException refusal ? explained(refused, refusal) : new IOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted while the port helper was asked", e);
        }
    }

    /** Says who has the port, if that is the matter; the search is for the caller's thread. */
    private static IOException explained(ForwardSpec spec, ListenException reason) {
        if (reason.error() != HostError.ADDRESS_IN_USE
                || !(spec.listen() instanceof ForwardSpec.Port(var _, int port, boolean udp))) {
            return reason;
        }
        Optional<PortOwner> owner = PortOwner.find(port, udp);
        return new IOException(
                (udp ? "UDP port " : "port ") + port + " is already used by "
                        + owner.map(who -> who.pid() == ProcessHandle.current().pid()
                                        ? "another forward of this sluice"
                                        : who + ": stop it, or choose another port")
                                .orElse("a program of another user ('ss -lntup' as root names it):"
                                        + " choose another port"),
                reason);
    }

    /** Whether a forward listens at just that place. */
    public boolean isOpen(ForwardSpec.Listen place) throws IOException {
        return loop.call(() -> forwards.isOpen(place));
    }

    /** All that are open. */
    public List<ForwardInfo> list() throws IOException {
        return loop.call(forwards::list);
    }

    /**
     * Closes the forwards that listen at any of {@code places}; what is not there is passed over.
     *
     * @param cut whether connections through them are reset, rather than left to their own end
     * @return those that were closed
     */
    public List<ForwardInfo> remove(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
        List<ForwardInfo> removed = new ArrayList<>();
        inTurns(places, place -> removed.addAll(forwards.remove(place, cut)));
        tellClosed(removed);
        return removed;
    }

    /**
     * Closes just those forwards, and leaves connections through them to their own end; what else listens where one of them did stays.
     *
     * @param specs as they were opened, with the ports that were chosen
     * @return those that were closed
     */
    public List<ForwardSpec> close(List<ForwardSpec> specs) throws IOException {
        List<ForwardSpec> closed = new ArrayList<>();
        List<ForwardInfo> removed = new ArrayList<>();
        inTurns(specs, spec -> {
            ForwardInfo was = forwards.remove(spec, false);
            if (was != null) {
                closed.add(spec);
                removed.add(was);
            }
        });
        tellClosed(removed);
        return closed;
    }

    private void tellClosed(List<ForwardInfo> removed) {
        if (!removed.isEmpty()) {
            events.publish(Event.Kind.FORWARD_CLOSE, new Changed(removed));
        }
    }

    private <T> void inTurns(List<T> all, Consumer<T> close) throws IOException {
        for (int from = 0; from < all.size(); from += PER_TURN) {
            List<T> part = all.subList(from, Math.min(all.size(), from + PER_TURN));
            loop.run(() -> part.forEach(close));
        }
    }
}
