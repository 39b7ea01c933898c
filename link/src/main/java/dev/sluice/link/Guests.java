package dev.sluice.link;

import dev.sluice.link.vmnet.VmnetIdentity;
import org.jspecify.annotations.Nullable;

/** Who takes the guests of a {@link LinkServer}; called on the loop's thread. */
public interface Guests {
    /**
     * A guest has connected. Whoever takes it calls {@link Link#start}, or {@link Link#close} to turn it away.
     *
     * @param identity for vmnet, the hardware address it was told and the IPv4 address it must be given; else null
     */
    void onGuest(Link link, @Nullable VmnetIdentity identity);

    /** Something to tell people, in one line: a guest refused, no descriptors left. Rate-limited. */
    default void onProblem(String message) {
        System.getLogger("dev.sluice.link").log(System.Logger.Level.WARNING, message);
    }
}
