package dev.sluice.link;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A handler that keeps what it hears, for a test on another thread to wait for. */
class Recorder implements LinkHandler {
    final BlockingQueue<byte[]> frames = new LinkedBlockingQueue<>();
    final BlockingQueue<Integer> batches = new LinkedBlockingQueue<>();
    final BlockingQueue<String> closed = new LinkedBlockingQueue<>();
    final BlockingQueue<Boolean> room = new LinkedBlockingQueue<>();
    private int inBatch;

    @Override
    public void onFrame(Link link, Frame frame) {
        inBatch++;
        frames.add(Frames.bytes(frame));
    }

    @Override
    public void onBatchEnd(Link link) {
        batches.add(inBatch);
        inBatch = 0;
    }

    @Override
    public void onRoom(Link link) {
        room.add(true);
    }

    @Override
    public void onClosed(Link link, String reason) {
        closed.add(reason);
    }

    static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
        T item = queue.poll(60, TimeUnit.SECONDS);
        if (item == null) {
            throw new AssertionError("nothing came within a minute");
        }
        return item;
    }
}
