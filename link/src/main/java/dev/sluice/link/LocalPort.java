package dev.sluice.link;

/** The gateway's side of a {@link Switch}, called on the loop's thread. */
public interface LocalPort {
    /**
     * A frame for the gateway's address, or for a group. As in {@link LinkHandler#onFrame}, frame and memory are only lent.
     *
     * @param from the guest's link; answers may be sent to it directly
     */
    void onFrame(Link from, Frame frame);

    /** All frames of one read of {@code from} have been delivered. */
    default void onBatchEnd(Link from) {}

    /** {@code link} has room again after it was congested. */
    default void onRoom(Link link) {}

    /** A guest went away; {@code reason} is for people. Its link is closed and no longer part of the switch. */
    default void onClosed(Link link, String reason) {}
}
