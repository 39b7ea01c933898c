package dev.sluice.gateway.flow;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkHandler;

/** A link for guests whose frames no test looks at. */
public final class NowhereLink implements Link {
    @Override
    public String name() {
        return "nowhere";
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
        return false;
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
