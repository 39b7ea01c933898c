package dev.sluice.gateway;

import dev.sluice.gateway.event.Event;
import dev.sluice.gateway.event.Events;
import dev.sluice.gateway.forward.ForwardInfo;
import dev.sluice.gateway.forward.ForwardSpec;
import dev.sluice.gateway.forward.Forwards;
import dev.sluice.host.HostError;
import dev.sluice.host.ListenException;
import dev.sluice.host.PortOwner;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The published ports of a gateway, for any thread; see package {@code forward}. Calls wait for the loop. */
public final class Ports {
    /** Opened or closed in one turn of the loop, so that thousands do not hold up the guests' traffic. */
    private static final int PER_TURN = 64;

    private final Forwards forwards;
    private final Events events;
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
        List<ForwardInfo> added = new ArrayList<>(specs.size());
        List<ForwardSpec.Listen> made = new ArrayList<>();
        List<ForwardInfo> opened = new ArrayList<>();
        boolean done = false;
        try {
            for (int from = 0; from < specs.size(); from += PER_TURN) {
                List<ForwardSpec> part = specs.subList(from, Math.min(specs.size(), from + PER_TURN));
                loop.call(() -> {
                    for (ForwardSpec spec : part) {
                        add(spec, automatic, added, made, opened);
                    }
                    return true;
                });
            }
            done = true;
            if (!opened.isEmpty()) {
                events.publish(Event.Kind.FORWARD_OPEN, new Changed(opened));
            }
            return added;
        } catch (Refusal e) {
            throw e.explained();
        } finally {
            if (!done) {
                close(made, true);
            }
        }
    }

    /** On the loop. */
    private void add(
            ForwardSpec spec,
            boolean automatic,
            List<ForwardInfo> added,
            List<ForwardSpec.Listen> made,
            List<ForwardInfo> opened)
            throws IOException {
        try {
            Forwards.Added one = forwards.add(spec, automatic);
            added.add(one.info());
            if (one.isNew()) {
                made.add(one.listen());
                opened.add(one.info());
            }
        } catch (ListenException e) {
            throw new Refusal(spec, e);
        }
    }

    /** Which of several it was; the search for who has the port is for the caller's thread. */
    private static final class Refusal extends IOException {
        private static final long serialVersionUID = 1;
        private final transient ForwardSpec spec;
        private final ListenException reason;

        Refusal(ForwardSpec spec, ListenException reason) {
            super(reason);
            this.spec = spec;
            this.reason = reason;
        }

        IOException explained() {
            if (reason.error() != HostError.ADDRESS_IN_USE
                    || !(spec.listen() instanceof ForwardSpec.Port(var _, int port, boolean udp))) {
                return reason;
            }
            Optional<PortOwner> owner = PortOwner.find(port, udp);
            return new IOException(
                    (udp ? "UDP port " : "port ") + port + " is already used by "
                            + owner.map(who ->
                                            who.pid() == ProcessHandle.current().pid()
                                                    ? "another forward of this sluice"
                                                    : who + ": stop it, or choose another port")
                                    .orElse("a program of another user ('ss -lntup' as root names it):"
                                            + " choose another port"),
                    reason);
        }
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
        List<ForwardInfo> removed = close(places, cut);
        if (!removed.isEmpty()) {
            events.publish(Event.Kind.FORWARD_CLOSE, new Changed(removed));
        }
        return removed;
    }

    private List<ForwardInfo> close(List<ForwardSpec.Listen> places, boolean cut) throws IOException {
        List<ForwardInfo> removed = new ArrayList<>();
        for (int from = 0; from < places.size(); from += PER_TURN) {
            List<ForwardSpec.Listen> part = places.subList(from, Math.min(places.size(), from + PER_TURN));
            loop.call(() -> {
                for (ForwardSpec.Listen place : part) {
                    removed.addAll(forwards.remove(place, cut));
                }
                return true;
            });
        }
        return removed;
    }
}
