package dev.sluice.loop;

/** A descriptor under watch by an {@link EventLoop}; made by {@link EventLoop#watch}. Confined to the loop. */
public final class Watch implements AutoCloseable {
    private final EventLoop loop;
    final Watcher watcher;
    final int fd;
    /** Index and generation, as given to epoll: tells a late event of a closed watch from one of its successor. */
    final long key;

    private int interest;
    private boolean closed;

    Watch(EventLoop loop, int fd, int interest, Watcher watcher, long key) {
        this.loop = loop;
        this.fd = fd;
        this.interest = interest;
        this.watcher = watcher;
        this.key = key;
    }

    /** Changes the epoll bits watched for; also re-arms an edge that was consumed. */
    public void interest(int bits) {
        interest = bits;
        loop.poll.modify(fd, bits, key);
    }

    public int interest() {
        return interest;
    }

    /** Ends the watch; the descriptor stays open and is the caller's. Call before closing the descriptor. Idempotent. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            loop.unwatch(this);
        }
    }
}
