package dev.sluice.stack.tcp;

/** Urgent pointers of a connection that uses them (RFC 9293 §3.8.5): where, in either direction, urgent data ends. */
final class Urgent {
    /** SND.UP as offset: the first byte after our urgent data; 0 for none. */
    private long sending;
    /** RCV.UP as offset. */
    private long receiving;

    void mark(long end) {
        sending = end;
    }

    /** The urgent pointer of a segment that begins at {@code offset}; 0 if nothing after it is urgent. */
    int pointer(long offset) {
        return sending <= offset ? 0 : (int) Math.min(sending - offset, 0xffff);
    }

    /** The peer's urgent data ends at {@code offset}; true if that is news to a user who has not read {@code unread}. */
    boolean onPointer(long offset, long unread) {
        if (offset <= Math.max(receiving, unread)) {
            return false;
        }
        receiving = offset;
        return true;
    }

    long left(long unread) {
        return Math.max(0, receiving - unread);
    }
}
