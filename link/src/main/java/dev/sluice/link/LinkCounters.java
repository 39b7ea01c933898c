package dev.sluice.link;

/** Plain counters, written on the loop's thread only; readers on other threads may see them late. */
public final class LinkCounters {
    /** Frames delivered to the handler; a super-segment counts once. */
    public long framesIn;
    /** Bytes of those, Ethernet headers included, framing not. */
    public long bytesIn;

    public long framesOut;
    public long bytesOut;
    /** Frames dropped because the medium was full. */
    public long droppedFull;
    /** Frames longer than the link's MTU that could not be segmented, or shorter than a header. */
    public long droppedSize;
    /** Frames the medium refused with an error. */
    public long droppedError;
}
