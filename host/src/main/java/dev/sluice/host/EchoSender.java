package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Sends echo requests with a header of ours and the guest's data from where it lies; one per host, as it holds only scratch memory. */
final class EchoSender {
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment name = arena.allocate(SocketAddress.V6_LENGTH, 8);
    private final MemorySegment control = arena.allocate(2 * (Message.CONTROL_HEADER + 8), 8);
    private final MemorySegment iovecs = arena.allocate(2L * Io.IOVEC, 8);
    private final MemorySegment echo = arena.allocate(IcmpHeader.LENGTH, 8);
    private final MemorySegment header = arena.allocate(Message.HEADER, 8);

    EchoSender() {
        Message.putHeader(header, 0, name, 0, SocketAddress.V6_LENGTH, iovecs, 0, 2, control, 0, control.byteSize());
        Io.putIovec(iovecs, 0, echo, 0, IcmpHeader.LENGTH);
    }

    /** The ICMP type of an echo request. */
    static int request(boolean ipv6) {
        return ipv6 ? Icmpv6Header.ECHO_REQUEST : IcmpHeader.ECHO_REQUEST;
    }

    /** The ICMP type of an echo reply. */
    static int reply(boolean ipv6) {
        return ipv6 ? Icmpv6Header.ECHO_REPLY : IcmpHeader.ECHO_REPLY;
    }

    /** Sends the request at {@code at} under another identifier; 0 or the errno. */
    int send(
            LinuxMessageSocket socket,
            long high,
            long low,
            int timeToLive,
            int typeOfService,
            int identifier,
            MemorySegment memory,
            long at,
            int length) {
        if (length < IcmpHeader.LENGTH) {
            return Errno.EINVAL;
        }
        int data = length - IcmpHeader.LENGTH;
        boolean ipv4 = DatagramHost.isIpv4(high, low);
        int result = 0;
        // Twice, as an old error may be what the first call fetches; then those told of it may have sent something
        // themselves.
        for (int i = 0; i < 2; i++) {
            IcmpHeader.write(echo, 0, request(!ipv4), 0, identifier << 16 | IcmpHeader.sequence(memory, at));
            if (ipv4) {
                long sum = Checksum.add(0, echo, 0, IcmpHeader.LENGTH);
                sum = Checksum.add(sum, memory, at + IcmpHeader.LENGTH, data);
                Bytes.put16(echo, 2, Checksum.finish(sum));
            } // else the kernel makes it, as only it knows the source address (RFC 3542 §3.1)
            header.set(ValueLayout.JAVA_INT, Message.NAME_LENGTH, DatagramOutbox.putName(name, 0, high, low, 0));
            Io.putIovec(iovecs, 1, memory, at + IcmpHeader.LENGTH, data);
            int space = DatagramOutbox.putOptions(control, 0, ipv4, timeToLive, typeOfService);
            header.set(ValueLayout.JAVA_LONG, Message.CONTROL_LENGTH, (long) space);
            result = Sockets.sendmsg(socket.fd, header, Sockets.MSG_DONTWAIT);
            if (result >= 0 || socket.drainErrors() == 0 || socket.closed) {
                break;
            }
        }
        return result < 0 ? -result : 0;
    }
}
