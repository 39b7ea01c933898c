package dev.sluice.gateway.flow;

import static dev.sluice.wire.IcmpHeader.ADMINISTRATIVELY_PROHIBITED;
import static dev.sluice.wire.IcmpHeader.DESTINATION_UNREACHABLE;
import static dev.sluice.wire.IcmpHeader.FRAGMENTATION_NEEDED;
import static dev.sluice.wire.IcmpHeader.HOST_UNREACHABLE;
import static dev.sluice.wire.IcmpHeader.NET_UNREACHABLE;
import static dev.sluice.wire.IcmpHeader.PORT_UNREACHABLE;
import static dev.sluice.wire.IcmpHeader.TIME_EXCEEDED;

import dev.sluice.host.DatagramSocket;
import dev.sluice.posix.Errno;

/** How a failure told by the host is told to a guest: ICMP type and code in one number (RFC 792, RFC 1812 §5.2.7.1). */
public final class IcmpCause {
    /** Nothing a guest could use. */
    public static final int NONE = -1;

    private IcmpCause() {}

    /**
     * Type and code, as {@code type << 8 | code}, or {@link #NONE}.
     *
     * @param icmpType what the host received, passed on as it is; or {@link DatagramSocket#LOCAL}, then {@code errno} decides
     */
    public static int of(int errno, int icmpType, int icmpCode) {
        if (icmpType == DESTINATION_UNREACHABLE || icmpType == TIME_EXCEEDED) {
            return icmpType << 8 | icmpCode & 0xff;
        }
        if (icmpType != DatagramSocket.LOCAL) {
            return NONE;
        }
        int code = switch (errno) {
            case Errno.ENETUNREACH, Errno.ENETDOWN -> NET_UNREACHABLE;
            case Errno.EHOSTUNREACH, Errno.EHOSTDOWN -> HOST_UNREACHABLE;
            case Errno.ECONNREFUSED -> PORT_UNREACHABLE;
            case Errno.EPERM, Errno.EACCES -> ADMINISTRATIVELY_PROHIBITED;
            case Errno.EMSGSIZE -> FRAGMENTATION_NEEDED;
            default -> NONE;
        };
        return code == NONE ? NONE : DESTINATION_UNREACHABLE << 8 | code;
    }

    public static int type(int cause) {
        return cause >>> 8;
    }

    public static int code(int cause) {
        return cause & 0xff;
    }
}
