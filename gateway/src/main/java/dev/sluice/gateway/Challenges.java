package dev.sluice.gateway;

import dev.sluice.gateway.flow.Guest;
import java.util.ArrayDeque;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Decides who keeps what two guests claim, an address or a hardware address on two links: the one that had it is asked, at the place where
 * it was, and gives way only when it has been silent for three questions, a second apart. So a guest that has died, changed its hardware
 * address or moved to another link is followed within seconds, and one that is there cannot be robbed. Questions are sent only while
 * somebody claims, so no timer runs. At most {@value #MOST} disputes at a time; a further one puts the oldest back to its beginning.
 * Confined to the loop.
 */
final class Challenges {
    static final int MOST = 64;
    static final int QUESTIONS = 3;
    static final long INTERVAL = 1_000_000_000L;

    private static final class Dispute {
        final Guest holder;
        final long claimant;
        long asked;
        int questions;

        Dispute(Guest holder, long claimant) {
            this.holder = holder;
            this.claimant = claimant;
        }
    }

    private final Consumer<Guest> ask;
    private final ArrayDeque<Dispute> disputes = new ArrayDeque<>();

    /** @param ask asks a guest, where it is known to be, whether it is still there; whatever frame comes from it is an answer */
    Challenges(Consumer<Guest> ask) {
        this.ask = ask;
    }

    /**
     * Somebody else claims what {@code holder} has.
     *
     * @param claimant its hardware address, or another number that tells one claimant from another
     * @return whether the holder has given way
     */
    boolean yields(Guest holder, long claimant, long now) {
        Dispute dispute = find(holder, claimant);
        if (dispute == null) {
            if (disputes.size() == MOST) {
                disputes.removeFirst();
            }
            dispute = new Dispute(holder, claimant);
            disputes.add(dispute);
            question(dispute, now);
            return false;
        }
        if (now - dispute.asked < INTERVAL) {
            return false;
        }
        if (holder.lastSeen - dispute.asked >= 0) {
            dispute.questions = 0; // it has answered; whoever insists makes us ask again
        }
        if (dispute.questions < QUESTIONS) {
            question(dispute, now);
            return false;
        }
        disputes.remove(dispute);
        return true;
    }

    private void question(Dispute dispute, long now) {
        dispute.questions++;
        dispute.asked = now;
        ask.accept(dispute.holder);
    }

    private @Nullable Dispute find(Guest holder, long claimant) {
        for (Dispute dispute : disputes) {
            if (dispute.holder == holder && dispute.claimant == claimant) {
                return dispute;
            }
        }
        return null;
    }

    int size() {
        return disputes.size();
    }

    /** A guest is gone. */
    void forget(Guest guest) {
        disputes.removeIf(dispute -> dispute.holder == guest);
    }
}
