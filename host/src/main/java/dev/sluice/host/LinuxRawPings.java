package dev.sluice.host;

import dev.sluice.posix.Errno;
import dev.sluice.posix.Sockets;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.Ipv4Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * All pings of a host and a family through one raw ICMP socket (raw(7)), which sees every echo reply that comes to the host: told apart by
 * identifier, of which each ping has its own from a block of {@value #PINGS} at a random place.
 */
final class LinuxRawPings extends LinuxMessageSocket {
    private static final int PINGS = 4096;
    private static final int SOL_RAW = 255;
    private static final int ICMP_FILTER = 1;
    private static final int ICMP6_FILTER = 1;

    private final EchoSender sender;
    private final boolean ipv6;
    private final int base = ThreadLocalRandom.current().nextInt(0x1_0000);
    private final @Nullable Ping[] pings = new @Nullable Ping[PINGS];
    private int open;
    private int nextIndex;

    LinuxRawPings(LinuxDatagramHost host, int fd, boolean ipv6) {
        super(host, fd);
        this.sender = host.echoSender();
        this.ipv6 = ipv6;
        // A set bit keeps that type out: only echo replies come in. Errors come through the error queue all the same.
        if (ipv6) {
            passEchoReplies6(fd);
        } else {
            Sockets.setOption(fd, SOL_RAW, ICMP_FILTER, ~(1 << IcmpHeader.ECHO_REPLY));
        }
    }

    /** RFC 3542 §3.2: 256 bits, one for each type. */
    private static void passEchoReplies6(int fd) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment filter = arena.allocate(32, 8);
            filter.fill((byte) 0xff);
            int word = Icmpv6Header.ECHO_REPLY / 32;
            filter.setAtIndex(ValueLayout.JAVA_INT, word, ~(1 << Icmpv6Header.ECHO_REPLY % 32));
            Sockets.setOption(fd, Sockets.IPPROTO_ICMPV6, ICMP6_FILTER, filter, 0, 32);
        }
    }

    Opening<PingSocket> open(PingSocket.Events events) {
        for (int i = 0; i < PINGS; i++) {
            int index = nextIndex;
            nextIndex = (nextIndex + 1) % PINGS;
            if (pings[index] == null) {
                Ping ping = new Ping(index, events);
                pings[index] = ping;
                open++;
                return new Opening.Open<>(ping);
            }
        }
        return new Opening.Failed<>(
                HostError.NO_RESOURCES, "all " + PINGS + " identifiers for pings through a raw socket are in use");
    }

    private @Nullable Ping of(int identifier) {
        int index = (identifier - base) & 0xffff;
        return index < PINGS ? pings[index] : null;
    }

    @Override
    int deliver(int slot, int end) {
        // Raw IPv4 sockets receive the IP header as well, checked by the kernel.
        long ip = DatagramInbox.at(slot);
        int total = inbox.length(slot);
        if (!ipv6 && total < Ipv4Header.MIN_LENGTH) {
            return 1;
        }
        int header = ipv6 ? 0 : Ipv4Header.headerLength(inbox.data, ip);
        long at = ip + header;
        int length = total - header;
        if (length < IcmpHeader.LENGTH || IcmpHeader.type(inbox.data, at) != EchoSender.reply(ipv6)) {
            return 1;
        }
        Ping ping = of(IcmpHeader.identifier(inbox.data, at));
        if (ping != null) {
            ping.events.onReply(
                    inbox.sourceHigh(slot),
                    inbox.sourceLow(slot),
                    ipv6 ? inbox.typeOfService(slot) : Ipv4Header.typeOfService(inbox.data, ip),
                    inbox.data,
                    at,
                    length);
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
        MemorySegment quoted = inbox.errorData;
        long at = DatagramHost.HEADROOM;
        if (length < IcmpHeader.LENGTH || IcmpHeader.type(quoted, at) != EchoSender.request(ipv6)) {
            return;
        }
        Ping ping = of(IcmpHeader.identifier(quoted, at));
        if (ping != null) {
            ping.events.onError(
                    errno, icmpType, icmpCode, mtu, offenderHigh, offenderLow, high, low, quoted, at, length);
        }
    }

    private void release(int index) {
        pings[index] = null;
        if (--open == 0) {
            host.rawPingsClosed(ipv6);
            closeDescriptor();
        }
    }

    /** One identifier's share of the raw socket. */
    private final class Ping implements PingSocket {
        private final int index;
        final PingSocket.Events events;
        private boolean released;

        Ping(int index, PingSocket.Events events) {
            this.index = index;
            this.events = events;
        }

        @Override
        public int send(
                long high, long low, int timeToLive, int typeOfService, MemorySegment memory, long at, int length) {
            if (released) {
                return Errno.EBADF;
            }
            if (DatagramHost.isIpv4(high, low) == ipv6) {
                return Errno.EAFNOSUPPORT;
            }
            return sender.send(
                    LinuxRawPings.this,
                    high,
                    low,
                    timeToLive,
                    typeOfService,
                    (base + index) & 0xffff,
                    memory,
                    at,
                    length);
        }

        @Override
        public void close() {
            if (!released) {
                released = true;
                release(index);
            }
        }
    }
}
