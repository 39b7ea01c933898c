package dev.sluice.link;

import dev.sluice.wire.EthernetHeader;

/** One guest's place on a {@link Switch}: hears its link and asks the switch what to do with each frame. */
final class SwitchPort implements LinkHandler {
    /** No hardware address: they have 48 bits. */
    static final long UNKNOWN = -1;

    final Link link;
    /** The address this link was given (vmnet), or 0; nobody else may use it while the link lives. */
    final long assigned;

    private final Switch parent;
    /** Entries in the address table; kept by {@link MacTable}. */
    int addresses;
    /** The source of the last frame, known to be learnt: makes learning one comparison for a guest with one address. */
    long lastSource = UNKNOWN;

    SwitchPort(Switch parent, Link link, long assigned) {
        this.parent = parent;
        this.link = link;
        this.assigned = assigned;
    }

    @Override
    public void onFrame(Link link, Frame frame) {
        long source = EthernetHeader.source(frame.head, frame.headAt);
        if (source == lastSource || parent.learn(this, source)) {
            parent.forward(this, frame);
        } else {
            parent.badSource();
        }
    }

    @Override
    public void onBatchEnd(Link link) {
        parent.local.onBatchEnd(link);
    }

    @Override
    public void onRoom(Link link) {
        parent.local.onRoom(link);
    }

    @Override
    public void onClosed(Link link, String reason) {
        parent.remove(this);
        parent.local.onClosed(link, reason);
    }
}
