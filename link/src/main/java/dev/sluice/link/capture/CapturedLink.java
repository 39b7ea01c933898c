package dev.sluice.link.capture;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkHandler;

/** A link whose frames are written to a file as they pass. On the loop's thread, like every link; borrows the file. */
public final class CapturedLink implements Link {
    private final Link link;
    private final CaptureFile file;

    public CapturedLink(Link link, CaptureFile file) {
        this.link = link;
        this.file = file;
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
    public boolean keepsBatch() {
        return link.keepsBatch();
    }

    @Override
    public void start(LinkHandler handler) {
        link.start(new LinkHandler() {
            @Override
            public void onFrame(Link inner, Frame frame) {
                file.add(frame);
                handler.onFrame(CapturedLink.this, frame);
            }

            @Override
            public void onBatchEnd(Link inner) {
                handler.onBatchEnd(CapturedLink.this);
            }

            @Override
            public void onRoom(Link inner) {
                handler.onRoom(CapturedLink.this);
            }

            @Override
            public void onClosed(Link inner, String reason) {
                file.flush();
                handler.onClosed(CapturedLink.this, reason);
            }
        });
    }

    @Override
    public boolean send(Frame frame) {
        boolean sent = link.send(frame);
        if (sent) {
            file.add(frame);
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
        file.flush();
    }

    @Override
    public void close() {
        link.close();
        file.flush();
    }

    @Override
    public LinkCounters counters() {
        return link.counters();
    }

    @Override
    public String toString() {
        return link.name();
    }
}
