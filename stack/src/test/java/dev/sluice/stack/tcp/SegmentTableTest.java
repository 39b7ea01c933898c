package dev.sluice.stack.tcp;

import static dev.sluice.stack.tcp.Dialogue.*;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.stack.tcp.Dialogue.Sent;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every state × all 256 flag combinations × where the segment lies in the window × what it acknowledges, with and without payload, against
 * RFC 9293 §3.10.7 (with RFC 5961 and RFC 1337) written down a second time, in the form of a table of consequences.
 */
@Tag("slow")
class SegmentTableTest {
    private static final TcpProfile GUEST = TcpProfile.guest(1500);

    /** Where a segment begins, relative to RCV.NXT. */
    private enum Place {
        FAR_LEFT(-100_000),
        LEFT(-1),
        EXACT(0),
        INSIDE(1000),
        RIGHT_OUTSIDE(8 << 20),
        FAR_RIGHT(1 << 30);

        final int offset;

        Place(int offset) {
            this.offset = offset;
        }
    }

    private enum Acknowledges {
        NOTHING_NEW,
        EVERYTHING,
        UNSENT,
        LONG_PAST
    }

    private record Case(TcpState state, int flags, Place place, Acknowledges what, int length, int isn) {
        boolean has(int flag) {
            return (flags & flag) != 0;
        }

        int span() {
            return length + (has(SYN) ? 1 : 0) + (has(FIN) ? 1 : 0);
        }
    }

    @Test
    void everySegmentInEveryStateHasTheConsequencesOfTheStandard() {
        int cases = 0;
        List<String> wrong = new ArrayList<>();
        int[] isns = HandshakeTest.isns().toArray();
        for (TcpState state : TcpState.values()) {
            if (state == TcpState.SYN_SENT) {
                continue; // see everySegmentInSynSent…
            }
            for (int flags = 0; flags < 256; flags++) {
                for (Place place : Place.values()) {
                    for (Acknowledges what : Acknowledges.values()) {
                        for (int length : new int[] {0, 10}) {
                            Case c = new Case(state, flags, place, what, length, isns[cases % isns.length]);
                            String fault = play(c);
                            if (fault != null && wrong.size() < 20) {
                                wrong.add(c + ": " + fault + " with flags " + flagText(flags));
                            }
                            cases++;
                        }
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
        assertThat(cases).isEqualTo(9 * 256 * 6 * 4 * 2);
    }

    private static String play(Case c) {
        try (Dialogue d = new Dialogue(GUEST, c.isn, c.isn ^ 0x1234_5678).in(c.state)) {
            Snapshot before = d.tcb.snapshot();
            long seq = before.receiveNext() + c.place.offset;
            long ack = switch (c.what) {
                case NOTHING_NEW -> before.sendUnacknowledged();
                case EVERYTHING -> before.sendNext();
                case UNSENT -> before.sendNext() + 1;
                case LONG_PAST -> before.sendUnacknowledged() - 200_000;
            };
            int n = d.build(c.flags, seq, ack, c.length, 65535, NO_OPTIONS);
            dev.sluice.wire.Bytes.put32(d.input(), 2 + 8, d.iss + (int) ack);
            d.events = d.tcb.onSegment(d.input(), 2, n, d.now);
            d.transmit();
            return judge(c, d, before);
        }
    }

    /** What must have happened; null if it did. */
    private static String judge(Case c, Dialogue d, Snapshot before) {
        List<Sent> sent = new ArrayList<>(d.sent);
        d.sent.clear();
        boolean reset = (d.events & Tcb.Events.RESET) != 0;
        if (c.state == TcpState.CLOSED) {
            return nothing(d, sent, before);
        }
        if (c.has(RST)) {
            boolean exact = c.place == Place.EXACT
                    || c.place == Place.LEFT && (d.tcb.state() == TcpState.CLOSED) && finIsThrough(c.state);
            if (exact && c.state != TcpState.TIME_WAIT) {
                return reset && sent.isEmpty() ? null : "no reset";
            }
            return c.place == Place.INSIDE ? bareAck(d, sent, before) : nothing(d, sent, before);
        }
        boolean inWindow = c.place == Place.EXACT || c.place == Place.INSIDE || c.place == Place.LEFT && c.span() > 1;
        if (!inWindow) {
            if (c.state == TcpState.SYN_RECEIVED && c.has(SYN)) {
                return sent.size() == 1 && sent.getFirst().flags() == (SYN | ACK) ? null : "no SYN-ACK: " + sent;
            }
            return bareAck(d, sent, before);
        }
        if (c.has(SYN)) {
            return bareAck(d, sent, before);
        }
        if (!c.has(ACK)) {
            return nothing(d, sent, before);
        }
        if (c.state == TcpState.SYN_RECEIVED && c.what != Acknowledges.EVERYTHING) {
            return sent.size() == 1 && sent.getFirst().flags() == RST && d.tcb.state() == TcpState.SYN_RECEIVED
                    ? null
                    : "no RST of its own: " + sent;
        }
        if (c.what == Acknowledges.UNSENT || c.what == Acknowledges.LONG_PAST) {
            return bareAck(d, sent, before);
        }
        return accepted(c, d, sent);
    }

    private static boolean finIsThrough(TcpState state) {
        return switch (state) {
            case CLOSE_WAIT, LAST_ACK, CLOSING, TIME_WAIT -> true;
            default -> false;
        };
    }

    private static String nothing(Dialogue d, List<Sent> sent, Snapshot before) {
        if (!sent.isEmpty()) {
            return "an answer: " + sent;
        }
        return unchanged(d, before);
    }

    private static String bareAck(Dialogue d, List<Sent> sent, Snapshot before) {
        if (sent.size() != 1
                || sent.getFirst().flags() != ACK
                || sent.getFirst().length() > 0) {
            return "not one ACK: " + sent;
        }
        if (sent.getFirst().ack() != before.receiveNext()) {
            return "another ACK: " + sent;
        }
        return unchanged(d, before);
    }

    private static String unchanged(Dialogue d, Snapshot before) {
        Snapshot after = d.tcb.snapshot();
        boolean same = after.state() == before.state()
                && after.sendUnacknowledged() == before.sendUnacknowledged()
                && after.sendNext() == before.sendNext()
                && after.receiveNext() == before.receiveNext()
                && after.sendWindow() == before.sendWindow()
                && after.outOfOrder() == before.outOfOrder()
                && d.events == 0
                && d.received.size() == 0;
        return same ? null : "changed to " + after + " events " + d.events;
    }

    /** An acceptable ACK: state, data and FIN take effect. */
    private static String accepted(Case c, Dialogue d, List<Sent> sent) {
        boolean finAcked = c.what == Acknowledges.EVERYTHING;
        TcpState state = switch (c.state) {
            case SYN_RECEIVED -> TcpState.ESTABLISHED;
            case FIN_WAIT_1 -> finAcked ? TcpState.FIN_WAIT_2 : TcpState.FIN_WAIT_1;
            case CLOSING -> finAcked ? TcpState.TIME_WAIT : TcpState.CLOSING;
            case LAST_ACK -> finAcked ? TcpState.CLOSED : TcpState.LAST_ACK;
            default -> c.state;
        };
        boolean reads = state == TcpState.ESTABLISHED || state == TcpState.FIN_WAIT_1 || state == TcpState.FIN_WAIT_2;
        int news = c.place == Place.LEFT ? c.length - 1 : c.length;
        boolean inOrder = c.place != Place.INSIDE;
        if (reads && c.has(FIN) && inOrder) {
            state = switch (state) {
                case ESTABLISHED -> TcpState.CLOSE_WAIT;
                case FIN_WAIT_1 -> TcpState.CLOSING;
                default -> TcpState.TIME_WAIT;
            };
        }
        if (d.tcb.state() != state) {
            return "state " + d.tcb.state() + " instead of " + state;
        }
        int delivered = reads && inOrder ? Math.max(0, news) : 0;
        if (d.received.size() != delivered) {
            return "delivered " + d.received.size() + " instead of " + delivered;
        }
        boolean told = reads && (news > 0 || c.has(FIN));
        if (told != !sent.isEmpty()) {
            return "sent " + sent;
        }
        boolean closed = state == TcpState.TIME_WAIT && c.state != TcpState.TIME_WAIT || state == TcpState.CLOSED;
        if (closed != ((d.events & Tcb.Events.CLOSED) != 0)) {
            return "events " + d.events;
        }
        return null;
    }

    @Test
    void everySegmentInSynSentHasTheConsequencesOfTheStandard() {
        List<String> wrong = new ArrayList<>();
        int[] isns = HandshakeTest.isns().toArray();
        for (int flags = 0; flags < 256; flags++) {
            for (int ack = -1; ack <= 3; ack++) {
                int isn = isns[flags % isns.length];
                try (Dialogue d = new Dialogue(GUEST, isn, ~isn).in(TcpState.SYN_SENT)) {
                    int n = d.build(flags, 0, ack, 0, 1000, NO_OPTIONS);
                    int events = d.tcb.onSegment(d.input(), 2, n, d.now);
                    d.transmit();
                    String got = d.tcb.state() + " " + events + " "
                            + (d.sent.isEmpty() ? "-" : flagText(d.sent.remove().flags()));
                    boolean acks = (flags & ACK) != 0;
                    String right;
                    if (acks && ack != 1) {
                        right = "SYN_SENT 0 " + ((flags & RST) != 0 ? "-" : "R");
                    } else if ((flags & RST) != 0) {
                        right = acks ? "CLOSED 16 -" : "SYN_SENT 0 -";
                    } else if ((flags & SYN) == 0) {
                        right = "SYN_SENT 0 -";
                    } else if (acks) {
                        right = (flags & FIN) != 0 ? "CLOSE_WAIT 3 A" : "ESTABLISHED 1 A";
                    } else {
                        right = "SYN_RECEIVED 0 SA";
                    }
                    if (!got.equals(right)) {
                        wrong.add(flagText(flags) + " ack " + ack + ": " + got + " instead of " + right);
                    }
                }
            }
        }
        assertThat(wrong).isEmpty();
    }
}
