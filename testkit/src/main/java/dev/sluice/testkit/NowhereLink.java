package dev.sluice.testkit;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.link.LinkCounters;
import dev.sluice.link.LinkHandler;

/** A link that leads nowhere, for who needs one; tests that look at frames override what they need. */
public class NowhereLink implements Link {
    private final String name;
    private final LinkCounters counters = new LinkCounters();

    public NowhereLink() {
        this("nowhere");
    }

    public NowhereLink(String name) {
        this.name = name;
    }

    @Override
    public final String name() {
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
    public final LinkCounters counters() {
        return counters;
    }
}
