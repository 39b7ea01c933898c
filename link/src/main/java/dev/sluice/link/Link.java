package dev.sluice.link;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A two-way channel of Ethernet frames to one guest, driven by one loop; all methods on that loop's thread.
 *
 * <p>A link accepts any {@link Frame}: what its medium cannot finish (checksums, segmentation) it does in software. It copies or
 * writes a frame before {@link #send} returns, and never changes its bytes. It never blocks: when its medium is full it drops and counts, and says so beforehand
 * through {@link #congested}.
 */
public interface Link {
    /** For people: {@code tap0}, {@code qemu:/tmp/vm.sock#2}. */
    String name();

    /** Largest IP packet, in bytes: Ethernet payload without header. */
    int mtu();

    /** True if super-segments and unfinished checksums cost nothing here: the medium takes them as they are. */
    boolean offloads();

    /**
     * True if a frame received in {@code memory} stays as it is until {@link LinkHandler#onBatchEnd}, so that a handler may gather several
     * frames into one write; false if the next frame overwrites it, or if the memory is none of this link's. The {@link Frame} object
     * is reused either way.
     */
    default boolean keeps(MemorySegment memory) {
        return false;
    }

    /**
     * True if more frames are likely to wait in the medium: a turn's share of them is used up, or is being delivered. The link delivers
     * again then without being asked, in this turn or the next.
     */
    default boolean mayHoldMore() {
        return false;
    }

    /** Starts delivery; called once. */
    void start(LinkHandler handler);

    /** Sends a frame; false if it was dropped (counted by the link). */
    boolean send(Frame frame);

    /** True while {@link #send} of a full-size super-segment would be dropped; {@link LinkHandler#onRoom} tells when that ends. */
    boolean congested();

    /** Hands batched frames to the medium; called at the end of each turn. */
    void flush();

    /** Ends it: closes descriptors; {@link LinkHandler#onClosed} is not called for it. Idempotent. */
    void close();

    /** Shows all frames from now on to {@code tap}; null for nobody, which costs a frame one comparison. Links of tests need not. */
    default void tap(@Nullable FrameTap tap) {}

    /** Frames and bytes so far. */
    LinkCounters counters();
}
