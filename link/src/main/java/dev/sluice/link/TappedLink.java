package dev.sluice.link;

/** A link whose frames are recorded on their way. */
final class TappedLink extends WrappedLink {
    private final PcapTap tap;

    TappedLink(Link link, PcapTap tap) {
        super(link);
        this.tap = tap;
    }

    @Override
    public boolean send(Frame frame) {
        boolean sent = super.send(frame);
        if (sent) {
            tap.record(frame);
        }
        return sent;
    }

    @Override
    public void onFrame(Link from, Frame frame) {
        tap.record(frame);
        super.onFrame(from, frame);
    }
}
