package dev.sluice.net;

/** How a connection ended, kept until its users come to hear of it; each gets an exception of its own. */
record Failure(Kind kind, String message, int code) {
    enum Kind {
        REFUSED,
        RESET,
        TIMED_OUT,
        UNREACHABLE,
        CLOSED,
        ADDRESS_IN_USE,
        LIMIT_REACHED
    }

    Failure(Kind kind, String message) {
        this(kind, message, NetException.Unreachable.LOCAL);
    }

    NetException exception() {
        return switch (kind) {
            case REFUSED -> new NetException.Refused(message);
            case RESET -> new NetException.Reset(message);
            case TIMED_OUT -> new NetException.TimedOut(message);
            case UNREACHABLE -> new NetException.Unreachable(message, code);
            case CLOSED -> new NetException.Closed(message);
            case ADDRESS_IN_USE -> new NetException.AddressInUse(message);
            case LIMIT_REACHED -> new NetException.LimitReached(message);
        };
    }
}
