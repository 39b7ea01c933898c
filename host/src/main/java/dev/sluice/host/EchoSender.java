package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Io;
import dev.sluice.posix.Message;
import dev.sluice.posix.SocketAddress;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.IcmpHeader;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Sends echo requests with a header of ours and the guest's data from where it lies; one per host, as it holds only scratch memory. */
final class EchoSender {
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment name = arena.allocate(SocketAddress.V4_LENGTH, 8);
    private final MemorySegment control = arena.allocate(2 * (Message.CONTROL_HEADER + 8), 8);
    private final MemorySegment iovecs = arena.allocate(2L * Io.IOVEC, 8);
    private final MemorySegment echo = arena.allocate(IcmpHeader.LENGTH, 8);
    private final MemorySegment header = arena.allocate(Message.HEADER, 8);

    EchoSender() {
        Message.putHeader(header, 0, name, 0, SocketAddress.V4_LENGTH, iovecs, 0, 2, control, 0, control.byteSize());
        Io.putIovec(iovecs, 0, echo, 0, IcmpHeader.LENGTH);
    }

    /** Sends the request at {@code at} under another identifier; 0 or the errno. */
    int send(
            LinuxMessageSocket socket,
            int address,
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
        int result = 0;
        // Twice, as an old error may be what the first call fetches; then those told of it may have sent something
        // themselves.
        for (int i = 0; i < 2; i++) {
            IcmpHeader.write(echo, 0, IcmpHeader.ECHO_REQUEST, 0, identifier << 16 | IcmpHeader.sequence(memory, at));
            long sum = Checksum.add(0, echo, 0, IcmpHeader.LENGTH);
            sum = Checksum.add(sum, memory, at + IcmpHeader.LENGTH, data);
            Bytes.put16(echo, 2, Checksum.finish(sum));
            SocketAddress.writeV4(name, 0, address, 0);
            Io.putIovec(iovecs, 1, memory, at + IcmpHeader.LENGTH, data);
            int space = DatagramOutbox.putOptions(control, 0, timeToLive, typeOfService);
            header.set(ValueLayout.JAVA_LONG, Message.CONTROL_LENGTH, (long) space);
            result = Sockets.sendmsg(socket.fd, header, Sockets.MSG_DONTWAIT);
            if (result >= 0 || socket.drainErrors() == 0 || socket.closed) {
                break;
            }
        }
        return result < 0 ? -result : 0;
    }
}
