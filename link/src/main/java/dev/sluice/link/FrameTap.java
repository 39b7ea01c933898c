package dev.sluice.link;

/** Sees the frames of one link pass, in the order they do; on the loop's thread. Frame and memory are only lent during the call. */
public interface FrameTap {
    /** A frame came from the guest; what is done about it comes before {@link #handled}. */
    void received(Frame frame);

    /** The frame received last has been dealt with. */
    void handled();

    /**
     * A frame went to the guest.
     *
     * @param sent false if the link had no room for it
     */
    void sent(Frame frame, boolean sent);
}
