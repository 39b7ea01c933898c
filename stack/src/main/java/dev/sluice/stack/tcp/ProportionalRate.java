package dev.sluice.stack.tcp;

/**
 * Proportional rate reduction (RFC 6937, RFC 9937): during fast recovery each acknowledgment lets as much leave
 * as brings what is in flight down to the threshold by its end, neither in one silence nor in one burst. Below the threshold it grows back
 * as slow start does where the acknowledgment is safe, and by no more than has arrived where it tells of further losses.
 */
final class ProportionalRate {
    /** What was in flight when recovery began (RecoverFS). */
    private long began;
    /** Bytes that have reached the peer since. */
    private long delivered;
    /** Bytes sent since. */
    private long sent;
    /** Bytes that may leave before the next acknowledgment. */
    private long room;

    void begin(long flight) {
        began = Math.max(1, flight);
        delivered = 0;
        sent = 0;
        room = 0;
    }

    /**
     * The peer has told that {@code fresh} more bytes are there; {@code pipe} are thought to be on their way.
     *
     * @param safe whether SND.UNA has moved and nothing more counts as lost (SafeACK, RFC 9937 §6.2)
     */
    void onAck(long fresh, long pipe, int threshold, int mss, boolean safe) {
        if (fresh <= 0) {
            return; // nothing has left the network (RFC 9937 §6.2), whatever was repeated
        }
        delivered += fresh;
        if (pipe > threshold) {
            room = (delivered * threshold + began - 1) / began - sent;
        } else {
            long bound = Math.max(delivered - sent, fresh) + (safe ? mss : 0);
            room = Math.min(threshold - pipe, bound);
        }
        room = Math.max(0, room);
    }

    /** What a bare duplicate says has arrived: a segment, as long as so much can have. */
    long duplicate(int mss) {
        return Math.clamp(began - mss - delivered, 0, mss);
    }

    void onSent(int bytes) {
        sent += bytes;
        room = Math.max(0, room - bytes);
    }

    long room() {
        return room;
    }
}
