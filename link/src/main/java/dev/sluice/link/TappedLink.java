package dev.sluice.link;

import java.lang.foreign.MemorySegment;

/** A link whose frames are recorded on their way. The handler sees this link, not the one inside. */
final class TappedLink implements Link, LinkHandler {
    private final Link link;
    private final PcapTap tap;
    private LinkHandler handler = this;

    TappedLink(Link link, PcapTap tap) {
        this.link = link;
        this.tap = tap;
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
    public void start(LinkHandler handler) {
        this.handler = handler;
        link.start(this);
    }

    @Override
    public boolean send(Frame frame) {
        boolean sent = link.send(frame);
        if (sent) {
            tap.record(frame);
        }
        return sent;
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
    public LinkCounters counters() {
        return link.counters();
    }

    @Override
    public void onFrame(Link link, Frame frame) {
        tap.record(frame);
        handler.onFrame(this, frame);
    }

    @Override
    public void onBatchEnd(Link link) {
        handler.onBatchEnd(this);
    }

    @Override
    public void onRoom(Link link) {
        handler.onRoom(this);
    }

    @Override
    public void onClosed(Link link, String reason) {
        handler.onClosed(this, reason);
    }

    @Override
    public String toString() {
        return link.toString();
    }
}
