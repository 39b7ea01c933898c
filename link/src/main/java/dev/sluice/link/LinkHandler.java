package dev.sluice.link;

/** What a link tells its owner, on the loop's thread. */
public interface LinkHandler {
    /** Drops what comes: before a link starts, and after its end. */
    LinkHandler NOBODY = new LinkHandler() {
        @Override
        public void onFrame(Link link, Frame frame) {}

        @Override
        public void onRoom(Link link) {}

        @Override
        public void onClosed(Link link, String reason) {}
    };

    /** A frame came in; it and its memory are the handler's only during the call. The frame has at least 14 bytes. */
    void onFrame(Link link, Frame frame);

    /**
     * The frames of one read of the medium have all been delivered: the moment to acknowledge once for the lot. Called after every
     * batch of {@link #onFrame} calls, unless the link was closed meanwhile.
     */
    default void onBatchEnd(Link link) {}

    /** The link has room again after {@link Link#congested} was seen true. */
    void onRoom(Link link);

    /** The other side went away or broke the framing; {@code reason} is for people. The link has closed itself. */
    void onClosed(Link link, String reason);
}
