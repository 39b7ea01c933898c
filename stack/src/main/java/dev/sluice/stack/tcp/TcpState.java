package dev.sluice.stack.tcp;

/** The states of RFC 9293 §3.3.2. There is no LISTEN: a listener is the owner's table entry, a {@link Tcb} begins with a SYN. */
public enum TcpState {
    CLOSED,
    SYN_SENT,
    SYN_RECEIVED,
    ESTABLISHED,
    FIN_WAIT_1,
    FIN_WAIT_2,
    CLOSE_WAIT,
    CLOSING,
    LAST_ACK,
    TIME_WAIT;

    /** Both sides have agreed on sequence numbers: ESTABLISHED or later, but not CLOSED. */
    public boolean isSynchronized() {
        return this != CLOSED && this != SYN_SENT && this != SYN_RECEIVED;
    }
}
