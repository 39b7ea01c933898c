package dev.sluice.net;

import java.io.IOException;

/** Why something on a {@link NetStack} did not work; the message says what was tried and, where it helps, what to do. */
public abstract sealed class NetException extends IOException {
    private static final long serialVersionUID = 1L;

    private NetException(String message) {
        super(message);
    }

    /** The other side answered a connection attempt with RST: nobody listens there. */
    public static final class Refused extends NetException {
        private static final long serialVersionUID = 1L;

        public Refused(String message) {
            super(message);
        }
    }

    /** The other side ended an established connection with RST. */
    public static final class Reset extends NetException {
        private static final long serialVersionUID = 1L;

        public Reset(String message) {
            super(message);
        }
    }

    /** A deadline of the caller or a limit of the protocol passed without an answer. */
    public static final class TimedOut extends NetException {
        private static final long serialVersionUID = 1L;

        public TimedOut(String message) {
            super(message);
        }
    }

    /** There is no way to the other side. */
    public static final class Unreachable extends NetException {
        private static final long serialVersionUID = 1L;

        /** {@link #code} when this stack itself knows no way: no route, no address, or no answer to ARP. */
        public static final int LOCAL = -1;

        private final int code;

        public Unreachable(String message, int code) {
            super(message);
            this.code = code;
        }

        /** The code of the ICMP "destination unreachable" that said so (RFC 792), or {@link #LOCAL}. */
        public int code() {
            return code;
        }
    }

    /** It was closed on this side: the connection, socket or listener, or the whole stack. */
    public static final class Closed extends NetException {
        private static final long serialVersionUID = 1L;

        public Closed(String message) {
            super(message);
        }
    }

    /** A port is taken, or another machine has the address. */
    public static final class AddressInUse extends NetException {
        private static final long serialVersionUID = 1L;

        public AddressInUse(String message) {
            super(message);
        }
    }

    /** A bound of {@link NetLimits} is reached. */
    public static final class LimitReached extends NetException {
        private static final long serialVersionUID = 1L;

        public LimitReached(String message) {
            super(message);
        }
    }

    /** The calling thread was interrupted while it waited; its interrupt status is set again. Nothing else has changed. */
    public static final class Interrupted extends NetException {
        private static final long serialVersionUID = 1L;

        public Interrupted(String message) {
            super(message);
        }
    }
}
