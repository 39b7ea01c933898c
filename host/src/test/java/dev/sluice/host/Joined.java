package dev.sluice.host;

/** Two streams that are joined as soon as there are two, or both reset. */
class Joined extends Joint {
    Joined(Scratch scratch) {
        super(scratch);
    }

    @Override
    protected void moved(int toService, int toClient) {}

    @Override
    protected void ended() {}
}
