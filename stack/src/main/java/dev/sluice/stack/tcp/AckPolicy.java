package dev.sluice.stack.tcp;

/**
 * When to acknowledge: at once, after a while (RFC 9293 §3.8.6.3), with the answer, or not for every strange segment (RFC 5961 §10).
 *
 * <p>Where a lone segment comes and data goes back soon, time after time, the next one's acknowledgment waits for that data. Two segments
 * in a row, an answer that is slow, and one that does not come in time, end that until it is earned again. So whoever sends the second of
 * two small segments only when the first is acknowledged (Nagle) waits once: at the begin of a connection to somebody near, and after each
 * three exchanges of one segment.
 */
final class AckPolicy {
    private static final long NEVER = Sender.NEVER;
    private static final long SECOND = 1_000_000_000L;
    /** Challenge ACKs per connection and second. */
    private static final int CHALLENGES = 10;
    /** Pure duplicates sent for segments beyond a hole, per transmission, to peers without SACK. */
    private static final int MOST_DUPLICATES = 4;
    /** Answers in a row that came soon, after which the next is waited for. */
    private static final int HABIT = 3;

    private final TcpShard shard;
    /** Something that came in earnest wants an acknowledgment. */
    private boolean wanted;
    /** A suspicious segment wants one. */
    private boolean challenged;
    /** Segments beyond holes since the last ACK. */
    private byte duplicatesOwed;
    /** Data has come since the last ACK. */
    private boolean dataOwed;
    /** When a delayed acknowledgment is due. */
    private long timer = NEVER;

    private byte challenges;
    /** The second of the clock in which they were sent, its low bits: which is enough to tell it from those near it. */
    private char challengesIn;
    /** What came though we had it, until told (RFC 2883), as sequence numbers; nothing if both are equal. */
    private int duplicateLeft;

    /** Its length: a segment's. */
    private char duplicateLength;

    /** Segments of data that will still be acknowledged at once. */
    private byte quick;

    /** Data has come since we sent any. */
    private boolean asked;
    /** Answers in a row that came soon, up to {@link #HABIT}. */
    private byte answers;

    AckPolicy(TcpShard shard) {
        this.shard = shard;
    }

    void open(int quick) {
        this.quick = (byte) quick;
    }

    /** {@code left}–{@code right} came though we have it. */
    void onDuplicate(int left, int right) {
        duplicateLeft = left;
        duplicateLength = (char) (right - left);
        wanted = true;
    }

    boolean hasDuplicate() {
        return duplicateLength != 0;
    }

    int duplicateLeft() {
        return duplicateLeft;
    }

    int duplicateRight() {
        return duplicateLeft + duplicateLength;
    }

    boolean pending() {
        return wanted || challenged;
    }

    long timer() {
        return timer;
    }

    /** How many equal ACKs are due: more than one only for peers that count them. */
    int copies(boolean sack) {
        return sack ? 1 : Math.max(1, duplicatesOwed);
    }

    void now() {
        wanted = true;
    }

    /** Something is missing before or in what came: the peer counts our answers (RFC 5681 §4.2). */
    void onHole() {
        wanted = true;
        duplicatesOwed = (byte) Math.min(duplicatesOwed + 1, MOST_DUPLICATES);
    }

    /** True if an acknowledgment may wait for an answer. */
    boolean answersSoon() {
        return answers == HABIT;
    }

    /** Whoever answers is near. */
    void expectAnswers() {
        answers = HABIT;
    }

    /** We send data, {@code since} the peer was heard last; {@code soon} is how quickly an answer must come to be waited for. */
    void onAnswer(long since, long soon) {
        if (asked) {
            asked = false;
            answers = since < soon ? (byte) Math.min(answers + 1, HABIT) : 0;
        }
    }

    /** {@code segments} of new data came; the second one is always acknowledged. */
    void onData(int segments, long delay, long now) {
        boolean second = dataOwed || segments > 1;
        dataOwed = true;
        if (asked || second) {
            answers = 0;
        }
        asked = true;
        if (delay == 0 || second || quick > 0) {
            quick = (byte) Math.max(0, quick - segments);
            wanted = true;
        } else if (timer == NEVER) {
            timer = now + delay;
        }
    }

    /** The end of the peer's stream came without data, and may wait. */
    void onBareFin(long delay, long now) {
        quick = 0;
        if (timer == NEVER) {
            timer = now + delay;
        }
    }

    void onTimer(long now) {
        if (timer != NEVER && now - timer >= 0) {
            timer = NEVER;
            wanted = true;
            answers = 0;
        }
    }

    /** Answers a suspicious segment, within limits. */
    void challenge(long now) {
        char second = (char) (now / SECOND);
        if (second != challengesIn) {
            challengesIn = second;
            challenges = 0;
        }
        if (challenges >= CHALLENGES) {
            shard.counters().challengeAcksSuppressed++;
            return;
        }
        challenges++;
        shard.counters().challengeAcks++;
        challenged = true;
    }

    /** True if nothing else wants an acknowledgment than a suspicious segment. */
    boolean challenging() {
        return challenged && !wanted;
    }

    /** A segment with ACK left. */
    void onSent() {
        wanted = false;
        challenged = false;
        duplicatesOwed = 0;
        dataOwed = false;
        timer = NEVER;
        duplicateLength = 0;
    }
}
