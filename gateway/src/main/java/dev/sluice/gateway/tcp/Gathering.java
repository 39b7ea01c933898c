package dev.sluice.gateway.tcp;

import dev.sluice.host.StreamSocket;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Payloads of one flow's frames that wait, within a batch, to be written to its socket by one call: what a fast guest sends costs a
 * system call and a wake-up of the reader per half a MiB instead of one per frame. The frames stay where the link read them ({@code
 * Link.keeps}), so nothing may be left here after the batch. Confined to the loop.
 */
final class Gathering {
    /** Bytes after which the batch is not waited for. */
    private static final int ENOUGH = 512 << 10;

    private final long[] at = new long[StreamSocket.MAX_PIECES];
    private final int[] lengths = new int[StreamSocket.MAX_PIECES];
    private MemorySegment memory = MemorySegment.NULL;
    private @Nullable TcpFlow flow;
    private int count;
    private int bytes;

    boolean holds(TcpFlow flow) {
        return this.flow == flow;
    }

    /**
     * True if nothing of {@code flow} is held, or if a payload in {@code memory} can join it. If not, the flow must {@link #flush}
     * before it looks at the segment: in the middle of one its Tcb takes nothing back.
     */
    boolean accepts(TcpFlow flow, MemorySegment memory) {
        return this.flow != flow || count < StreamSocket.MAX_PIECES && bytes < ENOUGH && this.memory.equals(memory);
    }

    /** Appends a payload of {@code flow}, which this {@link #accepts}; what another flow left is written first. */
    void add(TcpFlow flow, MemorySegment memory, long at, int length) {
        if (this.flow != flow) {
            flush();
            this.flow = flow;
            this.memory = memory;
        }
        this.at[count] = at;
        lengths[count++] = length;
        bytes += length;
    }

    /** Hands everything to its flow. */
    void flush() {
        TcpFlow owner = flow;
        if (owner != null) {
            int pieces = count;
            int total = bytes;
            forget();
            owner.write(memory, at, lengths, pieces, total);
        }
    }

    /** Drops what is held; its flow has ended. */
    void forget() {
        flow = null;
        count = 0;
        bytes = 0;
    }
}
