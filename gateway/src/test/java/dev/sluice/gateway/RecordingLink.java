package dev.sluice.gateway;

import dev.sluice.link.Frame;
import dev.sluice.testkit.NowhereLink;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A link to nowhere that keeps a copy of each frame. */
public class RecordingLink extends NowhereLink {
    public final List<byte[]> frames = new ArrayList<>();

    public RecordingLink(String name) {
        super(name);
    }

    @Override
    public boolean send(Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, frame.headLength);
        if (frame.bodyLength > 0) {
            MemorySegment.copy(
                    frame.body, ValueLayout.JAVA_BYTE, frame.bodyAt, bytes, frame.headLength, frame.bodyLength);
        }
        if (frame.bodyWrapLength > 0) {
            MemorySegment.copy(
                    frame.body,
                    ValueLayout.JAVA_BYTE,
                    frame.bodyWrapAt,
                    bytes,
                    frame.headLength + frame.bodyLength,
                    frame.bodyWrapLength);
        }
        frames.add(bytes);
        return true;
    }
}
