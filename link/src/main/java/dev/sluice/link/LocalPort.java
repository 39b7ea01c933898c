package dev.sluice.link;

/** The gateway's side of a {@link Switch}, called on the loop's thread. */
public interface LocalPort {
    /**
     * A frame for the gateway's address, or for a group. As in {@link LinkHandler#onFrame}, frame and memory are only lent.
     *
     * @param from the guest's link; answers may be sent to it directly
     */
    void onFrame(Link from, Frame frame);

    /** Whether a frame from {@code from} may go to other guests: the one it is for, or all. */
    default boolean mayPass(Link from, Frame frame) {
        return true;
    }

    /** Whether a hardware address last seen on one link may now be on another one, both of which are live. */
    default boolean mayMove(long mac, Link from, Link to) {
        return true;
    }

    /** All frames of one read of {@code from} have been delivered. */
    default void onBatchEnd(Link from) {}

    /** {@code link} has room again after it was congested. */
    default void onRoom(Link link) {}

    /** A guest went away; {@code reason} is for people. Its link is closed and no longer part of the switch. */
    default void onClosed(Link link, String reason) {}
}
