package dev.sluice.host;

import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A UDP socket under epoll; sends through the host's outbox. */
final class LinuxDatagramSocket extends LinuxMessageSocket implements DatagramSocket {
    /** From which of our addresses; both 0 leaves that to the system. */
    long fromHigh;

    long fromLow;
    private final DatagramSocket.Events events;
    private final DatagramOutbox outbox;
    private final boolean ipv6;
    /** From which of our addresses the world is spoken to; null leaves that to the system, or to {@link #from}. */
    private final @Nullable IpAddress outbound;
    /** First and last of this socket's entries in the outbox, -1 for none. */
    int queueHead = -1;

    int queueTail = -1;
    /** Whether several datagrams may go as one with UDP_SEGMENT: until the host refuses that once. */
    boolean segments = true;

    LinuxDatagramSocket(
            LinuxDatagramHost host, int fd, boolean ipv6, @Nullable IpAddress outbound, DatagramSocket.Events events) {
        super(host, fd);
        this.events = events;
        this.ipv6 = ipv6;
        this.outbound = outbound;
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
        if (!reaches(high, low, port)
                || length < 0
                || length > (ipv6 ? DatagramHost.MAX_PAYLOAD_IPV6 : DatagramHost.MAX_PAYLOAD)) {
            return false;
        }
        chooseSource(high, low);
        outbox.send(this, high, low, port, timeToLive, typeOfService, memory, at, length, length);
        return true;
    }

    @Override
    public boolean sendDatagrams(
            long high,
            long low,
            int port,
            int timeToLive,
            int typeOfService,
            MemorySegment memory,
            long at,
            int length,
            int size) {
        int most = segments ? DatagramOutbox.mostOf(size) : size;
        boolean all = true;
        for (int from = 0; from < length; from += most) {
            int bytes = Math.min(most, length - from);
            if (bytes <= size) {
                all &= send(high, low, port, timeToLive, typeOfService, memory, at + from, bytes);
            } else if (reaches(high, low, port)) {
                chooseSource(high, low);
                outbox.send(this, high, low, port, timeToLive, typeOfService, memory, at + from, bytes, size);
            } else {
                return false;
            }
        }
        return all;
    }

    @Override
    public long toHigh() {
        return inbox.localHigh();
    }

    @Override
    public long toLow() {
        return inbox.localLow();
    }

    @Override
    public void from(long high, long low) {
        fromHigh = high;
        fromLow = low;
    }

    /** A service on loopback expects its clients there, too, so what goes to one is the system's to choose. */
    private void chooseSource(long high, long low) {
        if (outbound != null) {
            boolean local = IpHeader.isLoopback(high, low);
            from(local ? 0 : outbound.high(), local ? 0 : outbound.low());
        }
    }

    private boolean reaches(long high, long low, int port) {
        return !closed && DatagramHost.isIpv4(high, low) != ipv6 && port >= 1 && port <= 65_535;
    }

    @Override
    int deliver(int slot, int end) {
        int slots = inbox.gather(slot, end);
        long high = inbox.sourceHigh(slot);
        long low = inbox.sourceLow(slot);
        int port = inbox.sourcePort(slot);
        long at = DatagramInbox.at(slot);
        int length = inbox.runLength();
        int size = inbox.runSize();
        if (size == length) {
            events.onDatagram(high, low, port, inbox.typeOfService(), inbox.data, at, length);
        } else {
            events.onDatagrams(high, low, port, inbox.typeOfService(), inbox.data, at, length, size);
        }
        return slots;
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
        events.onError(
                errno,
                icmpType,
                icmpCode,
                mtu,
                offenderHigh,
                offenderLow,
                high,
                low,
                port,
                inbox.errorData,
                DatagramHost.HEADROOM,
                length);
    }

    /** A datagram that the host would not send, for a reason a guest may be told. */
    void refused(int errno, long high, long low, int port, MemorySegment memory, long at, int length) {
        int quoted = inbox.quote(memory, at, length);
        deliverError(errno, LOCAL, 0, 0, 0, 0, high, low, port, quoted);
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
