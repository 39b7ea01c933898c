package dev.sluice.link;

import java.util.ArrayList;
import java.util.List;

/** A link that keeps what it is sent and delivers what the test says. */
public final class FakeLink implements Link {
    final List<byte[]> sent = new ArrayList<>();
    final LinkCounters counters = new LinkCounters();
    private final String name;
    LinkHandler handler = new Recorder();
    boolean closed;
    boolean full;

    public FakeLink(String name) {
        this.name = name;
    }

    void deliver(byte[] frame) {
        handler.onFrame(this, Frames.frame(frame));
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
    public void start(LinkHandler handler) {
        this.handler = handler;
    }

    @Override
    public boolean send(Frame frame) {
        if (!full) {
            sent.add(Frames.bytes(frame));
        }
        return !full;
    }

    @Override
    public boolean congested() {
        return full;
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
        closed = true;
    }

    @Override
    public LinkCounters counters() {
        return counters;
    }

    @Override
    public String toString() {
        return name;
    }
}
