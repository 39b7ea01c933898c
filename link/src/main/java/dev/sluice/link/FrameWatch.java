package dev.sluice.link;

/** Who watches the frames of a {@link Switch}'s links; on the loop's thread. */
public interface FrameWatch {
    /** What sees the frames of this link. */
    FrameTap tap(Link link);

    /** The switch did not accept the frame that is being dealt with: its sender's hardware address is not its own. */
    void badSource();
}
