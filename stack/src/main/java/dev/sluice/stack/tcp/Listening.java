package dev.sluice.stack.tcp;

import dev.sluice.wire.TcpHeader;

/** What a segment means to a port that listens (RFC 9293 §3.10.7.2). LISTEN is no state of a {@link Tcb}, but of its owner's table. */
public enum Listening {
    /** A connection begins: the owner makes a {@link Tcb} and calls {@link Tcb#openPassive}. */
    OPEN,
    /** Answered by {@link TcpShard#writeReset}. */
    RESET,
    /** No answer. */
    IGNORE;

    /** Data and FIN of a SYN come again once the connection is open, so they do not matter here. */
    public static Listening on(int flags) {
        if ((flags & TcpHeader.RST) != 0) {
            return IGNORE;
        }
        if ((flags & TcpHeader.ACK) != 0) {
            return RESET;
        }
        return (flags & TcpHeader.SYN) != 0 ? OPEN : IGNORE;
    }
}
