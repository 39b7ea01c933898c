package dev.sluice.link;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A link around another one, for those that look at frames or lose some on their way. The handler sees this link, not the one inside. */
public abstract class WrappedLink implements Link, LinkHandler {
    private final Link link;
    private LinkHandler handler = this;

    protected WrappedLink(Link link) {
        this.link = link;
    }

    @Override
    public void start(LinkHandler handler) {
        this.handler = handler;
        link.start(this);
    }

    @Override
    public boolean send(Frame frame) {
        return link.send(frame);
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        handler.onFrame(this, frame);
    }

    @Override
    public void onBatchEnd(Link from) {
        handler.onBatchEnd(this);
    }

    @Override
    public void onRoom(Link from) {
        handler.onRoom(this);
    }

    @Override
    public void onClosed(Link from, String reason) {
        handler.onClosed(this, reason);
    }

    @Override
    public String name() {
        return link.name();
    }

    @Override
    public int mtu() {
        return link.mtu();
    }

    @Override
    public boolean offloads() {
        return link.offloads();
    }

    @Override
    public boolean keeps(MemorySegment memory) {
        return link.keeps(memory);
    }

    @Override
    public boolean mayHoldMore() {
        return link.mayHoldMore();
    }

    @Override
    public boolean congested() {
        return link.congested();
    }

    @Override
    public void flush() {
        link.flush();
    }

    @Override
    public void close() {
        link.close();
    }

    @Override
    public void tap(@Nullable FrameTap tap) {
        link.tap(tap);
    }

    @Override
    public LinkCounters counters() {
        return link.counters();
    }

    @Override
    public String toString() {
        return link.toString();
    }
}
