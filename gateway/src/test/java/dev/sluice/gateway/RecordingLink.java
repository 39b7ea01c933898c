package dev.sluice.gateway;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkHandler;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** A link to nowhere that keeps a copy of each frame. */
public class RecordingLink implements Link {
    public final List<byte[]> frames = new ArrayList<>();
    private final String name;

    public RecordingLink(String name) {
        this.name = name;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int mtu() {
        return 1500;
    }

    @Override
    public boolean offloads() {
        return false;
    }

    @Override
    public void start(LinkHandler handler) {}

    @Override
    public boolean send(Frame frame) {
        byte[] bytes = new byte[frame.length()];
        MemorySegment.copy(frame.head, ValueLayout.JAVA_BYTE, frame.headAt, bytes, 0, frame.headLength);
        MemorySegment.copy(frame.body, ValueLayout.JAVA_BYTE, frame.bodyAt, bytes, frame.headLength, frame.bodyLength);
        MemorySegment.copy(
                frame.body,
                ValueLayout.JAVA_BYTE,
                frame.bodyWrapAt,
                bytes,
                frame.headLength + frame.bodyLength,
                frame.bodyWrapLength);
        frames.add(bytes);
        return true;
    }

    @Override
    public boolean congested() {
        return false;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}

    @Override
    public LinkCounters counters() {
        return new LinkCounters();
    }
}
