package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A copy of a frame that waits for a hardware address. */
final class PendingFrame {
    private final byte[] bytes;
    private final int checksumStart;
    private final int checksumOffset;

    PendingFrame(Frame frame) {
        bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, frame.headLength);
        int at = frame.headLength;
        if (frame.bodyLength > 0) {
            MemorySegment.copy(frame.body, ValueLayout.JAVA_BYTE, frame.bodyAt, bytes, at, frame.bodyLength);
            at += frame.bodyLength;
        }
        if (frame.bodyWrapLength > 0) {
            MemorySegment.copy(frame.body, ValueLayout.JAVA_BYTE, frame.bodyWrapAt, bytes, at, frame.bodyWrapLength);
        }
        checksumStart = frame.checksumStart;
        checksumOffset = frame.checksumOffset;
    }

    int length() {
        return bytes.length;
    }

    /** Puts it into {@code memory}, which has room for {@link #length} bytes, and describes it in {@code frame}. */
    void restore(MemorySegment memory, Frame frame) {
        MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
        frame.set(memory, 0, bytes.length);
        frame.checksumStart = checksumStart;
        frame.checksumOffset = checksumOffset;
    }
}
