package dev.sluice.testkit.packetdrill;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What an event does. */
sealed interface Action {
    /** {@code < …} or {@code > …}: a segment that comes to the stack, or that it must send. */
    record TcpPacket(
            boolean inbound,
            IpMarks marks,
            @Nullable Ports ports,
            int flags,
            boolean anySequence,
            long sequence,
            int length,
            long acknowledgment,
            int window,
            int urgent,
            @Nullable List<TcpOption> options)
            implements Action {
        /** Stands for a window or urgent pointer that is not written. */
        static final int UNSAID = -1;
    }

    /** {@code < icmp …}: an error about a segment of the stack. */
    record IcmpPacket(boolean inbound, String type, String code, int mtu, long sequence, int length)
            implements Action {}

    /**
     * A system call.
     *
     * @param end when it returns if it may block, microseconds after its start or absolute as the event's time; −1 if it must not block
     * @param errno name of the expected error, or ""
     */
    record Call(String name, List<Expression> arguments, long end, Expression result, String errno) implements Action {}

    /** A backquoted line for a shell. */
    record Command(String text) implements Action {}

    /** Python between %{ and }%. */
    record Code(String text) implements Action {}

    /** Something that cannot be run; {@code why} goes to the report. */
    record Unsupported(String why) implements Action {}

    /** What stands in parentheses or brackets before a packet; "" and 0 are not checked. */
    record IpMarks(String ecn, int ttl, int trafficClass) {
        static final IpMarks NONE = new IpMarks("", 0, -1);

        boolean isEmpty() {
            return equals(NONE);
        }
    }

    /** {@code source > destination}, if a packet names them. */
    record Ports(int source, int destination) {}
}
