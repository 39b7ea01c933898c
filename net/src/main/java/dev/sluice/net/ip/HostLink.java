package dev.sluice.net.ip;

import dev.sluice.link.Frame;
import dev.sluice.link.Link;
import dev.sluice.loop.Loop;
import dev.sluice.loop.Work;

/** The link as its one host uses it: frames out, handed to the medium at the end of the turn. Confined to the loop. */
public final class HostLink {
    final Loop loop;
    private final Link link;
    private final long mac;
    private final IpCounters counters;
    private boolean closed;

    private final Work flushing = new Work() {
        @Override
        protected void run() {
            if (!closed) {
                link.flush();
            }
        }
    };

    /** @param mac the host's hardware address, 48 bits */
    public HostLink(Loop loop, Link link, long mac, IpCounters counters) {
        this.loop = loop;
        this.link = link;
        this.mac = mac;
        this.counters = counters;
    }

    /** The host's hardware address, 48 bits. */
    public long mac() {
        return mac;
    }

    public int mtu() {
        return link.mtu();
    }

    public boolean congested() {
        return link.congested();
    }

    /** Sends a frame with a complete Ethernet header; false if it was dropped, which has been counted. */
    public boolean send(Frame frame) {
        if (closed) {
            return false;
        }
        loop.enqueue(flushing);
        if (link.send(frame)) {
            return true;
        }
        counters.droppedByLink++;
        return false;
    }

    /** Hands the last frames to the medium and closes it. */
    public void close() {
        if (!closed) {
            closed = true;
            link.flush();
            link.close();
        }
    }
}
