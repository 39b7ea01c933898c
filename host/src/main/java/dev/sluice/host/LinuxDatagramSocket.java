package dev.sluice.host;

import java.lang.foreign.MemorySegment;

/** A UDP socket under epoll; sends through the host's outbox. */
final class LinuxDatagramSocket extends LinuxMessageSocket implements DatagramSocket {
    private final DatagramSocket.Events events;
    private final DatagramOutbox outbox;
    /** First and last of this socket's entries in the outbox, -1 for none. */
    int queueHead = -1;

    int queueTail = -1;

    LinuxDatagramSocket(LinuxDatagramHost host, int fd, DatagramSocket.Events events) {
        super(host, fd);
        this.events = events;
        this.outbox = host.outbox();
    }

    @Override
    public boolean send(
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length) {
        if (closed
                || !DatagramHost.isIpv4(high, low)
                || port < 1
                || port > 65_535
                || length < 0
                || length > DatagramHost.MAX_PAYLOAD) {
            return false;
        }
        outbox.send(this, (int) low, port, timeToLive, typeOfService, memory, at, length);
        return true;
    }

    @Override
    void deliver(int slot) {
        events.onDatagram(
                DatagramHost.MAPPED_HIGH,
                DatagramHost.mapped(inbox.source(slot)),
                inbox.sourcePort(slot),
                inbox.typeOfService(slot),
                inbox.data,
                DatagramInbox.at(slot),
                inbox.length(slot));
    }

    @Override
    void deliverError(
            int errno, int icmpType, int icmpCode, int mtu, long offenderLow, long low, int port, int length) {
        events.onError(
                errno,
                icmpType,
                icmpCode,
                mtu,
                DatagramHost.MAPPED_HIGH,
                offenderLow,
                DatagramHost.MAPPED_HIGH,
                low,
                port,
                inbox.errorData,
                DatagramHost.HEADROOM,
                length);
    }

    /** A datagram that the host would not send, for a reason a guest may be told. */
    void refused(int errno, int address, int port, MemorySegment memory, long at, int length) {
        int quoted = inbox.quote(memory, at, length);
        deliverError(errno, LOCAL, 0, 0, 0, DatagramHost.mapped(address), port, quoted);
    }

    void dropped(int datagrams) {
        events.onDropped(datagrams);
    }

    @Override
    public int localPort() {
        return closed ? 0 : host.localPort(fd);
    }

    @Override
    public void close() {
        if (!closed) {
            outbox.flush(this);
            if (!closed) {
                closeDescriptor();
            }
        }
    }
}
