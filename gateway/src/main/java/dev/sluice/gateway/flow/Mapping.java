package dev.sluice.gateway.flow;

import dev.sluice.stack.share.Share;
import org.jspecify.annotations.Nullable;

/**
 * What stands for one port or identifier of a guest, whoever the guest talks to with it, and the host's socket behind it, opened for the first
 * packet that the policy allows. Lives in {@link Mappings}.
 */
public abstract class Mapping<M extends Mapping<M>> extends FlowTable.Entry<M> implements Flow {
    public final Decisions decisions = new Decisions();
    public final Traffic traffic;
    /** The guest as it last spoke. */
    Guest guest;
    /** Where it counts, while it is in the table. */
    @Nullable
    Share share;

    private boolean over;

    protected Mapping(Guest guest, int port, Counters counters, long now) {
        super(guest.high, guest.low, port);
        this.traffic = new Traffic(counters, now);
        this.guest = guest;
    }

    public final Guest guest() {
        return guest;
    }

    /** Whether it has a socket. */
    protected abstract boolean isOpen();

    /** Closes its socket, if there is one. */
    protected abstract void closeSocket();

    final void close() {
        over = true;
        closeSocket();
    }

    @Override
    public final Traffic traffic() {
        return traffic;
    }

    @Override
    public final boolean isOver() {
        return over;
    }
}
