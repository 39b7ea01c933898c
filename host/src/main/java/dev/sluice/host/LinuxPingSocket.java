package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.wire.IcmpHeader;
import java.lang.foreign.MemorySegment;

/** A ping socket (SOCK_DGRAM with IPPROTO_ICMP or IPPROTO_ICMPV6): the kernel chooses the identifier and makes the checksum. */
final class LinuxPingSocket extends LinuxMessageSocket implements PingSocket {
    private final PingSocket.Events events;
    private final EchoSender sender;
    private final boolean ipv6;

    LinuxPingSocket(LinuxDatagramHost host, int fd, boolean ipv6, PingSocket.Events events) {
        super(host, fd);
        this.events = events;
        this.sender = host.echoSender();
        this.ipv6 = ipv6;
    }

    @Override
    public int send(long high, long low, int timeToLive, int typeOfService, MemorySegment memory, long at, int length) {
        if (closed) {
            return Errno.EBADF;
        }
        if (DatagramHost.isIpv4(high, low) == ipv6) {
            return Errno.EAFNOSUPPORT;
        }
        return sender.send(
                this, high, low, timeToLive, typeOfService, IcmpHeader.identifier(memory, at), memory, at, length);
    }

    @Override
    int deliver(int slot, int end) {
        int length = inbox.length(slot);
        long at = DatagramInbox.at(slot);
        if (length >= IcmpHeader.LENGTH && IcmpHeader.type(inbox.data, at) == EchoSender.reply(ipv6)) {
            events.onReply(
                    inbox.sourceHigh(slot), inbox.sourceLow(slot), inbox.typeOfService(slot), inbox.data, at, length);
        }
        return 1;
    }

    @Override
    void deliverError(
            int errno,
            int icmpType,
            int icmpCode,
            int mtu,
            long offenderHigh,
            long offenderLow,
            long high,
            long low,
            int port,
            int length) {
        if (length >= IcmpHeader.LENGTH) {
            events.onError(
                    errno,
                    icmpType,
                    icmpCode,
                    mtu,
                    offenderHigh,
                    offenderLow,
                    high,
                    low,
                    inbox.errorData,
                    DatagramHost.HEADROOM,
                    length);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closeDescriptor();
        }
    }
}
