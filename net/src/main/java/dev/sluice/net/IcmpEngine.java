package dev.sluice.net;

import dev.sluice.net.ip.IpCounters;
import dev.sluice.net.ip.IpInterface;
import dev.sluice.net.ip.LocalAddress;
import dev.sluice.net.ip.Neighbour;
import dev.sluice.stack.ip.IcmpError;
import dev.sluice.stack.ip.IcmpErrorWriter;
import dev.sluice.stack.ip.Icmpv6ErrorWriter;
import dev.sluice.stack.ip.RateLimiter;
import dev.sluice.wire.Bytes;
import dev.sluice.wire.Checksum;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.Icmpv6Header;
import dev.sluice.wire.IpAddress;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** ICMP of both families on the loop: answers to pings, and errors both ways (RFC 1122 §3.2.2, RFC 4443 §2.4). Confined to the loop. */
final class IcmpEngine {
    private static final int ERRORS_PER_SECOND = 10;
    private static final int ERROR_BURST = 10;
    /** Receivers of errors whose rate is remembered; the one that got none for longest is forgotten. */
    private static final int RECEIVERS = 256;

    private final IpInterface ip;
    private final IpCounters counters;
    private final TcpEngine tcp;
    private final UdpEngine udp;
    private final Icmp pings;
    private final IcmpError error = new IcmpError();
    private final Icmpv6ErrorWriter writer6 = new Icmpv6ErrorWriter();
    private final MemorySegment memory = Arena.ofAuto().allocate(IpInterface.HEADROOM + 65_536L, 8);
    private final Map<IpAddress, RateLimiter> limiters = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<IpAddress, RateLimiter> eldest) {
            return size() > RECEIVERS;
        }
    };

    IcmpEngine(IpInterface ip, NetCounters counters, TcpEngine tcp, UdpEngine udp, Icmp pings) {
        this.ip = ip;
        this.counters = counters.ip;
        this.tcp = tcp;
        this.udp = udp;
        this.pings = pings;
    }

    /**
     * A message to this host, to a group or to everybody.
     *
     * @param trusted whether the checksum needs no check, or is not there yet, as from a peer that leaves it to the link
     * @param unicast whether it was to this host only
     */
    void onMessage(MemorySegment s, long ipAt, long at, int length, boolean trusted, boolean unicast) {
        boolean ipv4 = IpHeader.isIpv4(s, ipAt);
        boolean fine = ipv4
                ? IcmpHeader.check(s, at, length) == Flaw.NONE
                : trusted && length >= Icmpv6Header.LENGTH || Icmpv6Header.check(s, ipAt, at, length) == Flaw.NONE;
        if (!fine) {
            counters.malformed++;
            return;
        }
        counters.icmpIn++;
        int type = IcmpHeader.type(s, at);
        if (type == (ipv4 ? IcmpHeader.ECHO_REQUEST : Icmpv6Header.ECHO_REQUEST)) {
            if (unicast || !ipv4) {
                // To a broadcast nobody answers (RFC 1122 §3.2.2.6 allows it); to a group of the link everybody may.
                answer(s, ipAt, at, length, unicast);
            } else {
                counters.echoesIgnored++;
            }
        } else if (type == (ipv4 ? IcmpHeader.ECHO_REPLY : Icmpv6Header.ECHO_REPLY)) {
            pings.onReply(IpHeader.sourceHigh(s, ipAt), IpHeader.sourceLow(s, ipAt), s, at);
        } else if (unicast && error.read(ipv4, s, at, length) == Flaw.NONE) {
            onError(s);
        } else if (unicast && (ipv4 ? IcmpErrorWriter.isError(type) : Icmpv6Header.isError(type))) {
            counters.malformed++;
        }
    }

    private void answer(MemorySegment s, long ipAt, long at, int length, boolean unicast) {
        boolean ipv4 = IpHeader.isIpv4(s, ipAt);
        long high = IpHeader.sourceHigh(s, ipAt);
        long low = IpHeader.sourceLow(s, ipAt);
        Neighbour to = ip.route(high, low);
        LocalAddress own = unicast ? null : ip.source(high, low);
        if (to == null || (!unicast && own == null)) {
            counters.noRoute++;
            return;
        }
        counters.echoesAnswered++;
        MemorySegment.copy(s, at, memory, IpInterface.HEADROOM, length);
        Bytes.put8(memory, IpInterface.HEADROOM, ipv4 ? IcmpHeader.ECHO_REPLY : Icmpv6Header.ECHO_REPLY);
        send(
                to,
                own == null ? IpHeader.destinationHigh(s, ipAt) : own.high,
                own == null ? IpHeader.destinationLow(s, ipAt) : own.low,
                high,
                low,
                memory,
                length);
    }

    /** Sends the message of {@code length} bytes that lies in {@code from} behind the headroom, its checksum made here. */
    void send(Neighbour to, long sourceHigh, long sourceLow, long high, long low, MemorySegment from, int length) {
        boolean ipv4 = IpHeader.isIpv4(high, low);
        if (ipv4) {
            IcmpHeader.updateChecksum(from, IpInterface.HEADROOM, length);
        } else {
            // Here, not by the link: not every receiver expects unfinished ones but of TCP and UDP.
            long at = IpInterface.HEADROOM;
            Bytes.put16(from, at + Icmpv6Header.CHECKSUM, 0);
            long sum = IpHeader.pseudoHeader(sourceHigh, sourceLow, high, low, Ipv6Header.ICMPV6, length);
            Bytes.put16(from, at + Icmpv6Header.CHECKSUM, Checksum.finish(Checksum.add(sum, from, at, length)));
        }
        ip.send(
                to,
                sourceHigh,
                sourceLow,
                high,
                low,
                ipv4 ? Ipv4Header.PROTOCOL_ICMP : Ipv6Header.ICMPV6,
                from,
                IpInterface.HEADROOM,
                length,
                IpInterface.COMPLETE);
    }

    private void onError(MemorySegment s) {
        long high = IpHeader.destinationHigh(s, error.packetAt);
        long low = IpHeader.destinationLow(s, error.packetAt);
        if (!ip.isOurs(IpHeader.sourceHigh(s, error.packetAt), IpHeader.sourceLow(s, error.packetAt))) {
            counters.malformed++;
            return;
        }
        switch (error.protocol) {
            case Ipv4Header.PROTOCOL_TCP -> tcp.onError(error, s);
            case Ipv4Header.PROTOCOL_UDP -> udp.onError(error, s);
            case Ipv4Header.PROTOCOL_ICMP, Ipv6Header.ICMPV6 -> pings.onError(error, s, high, low);
            default -> {}
        }
    }

    /**
     * Tells the sender of a packet that it went nowhere, unless that is forbidden or it heard enough.
     *
     * @param type with {@code code}, in ICMPv4's words
     * @param forAll whether the packet went to a group or to everybody
     */
    void sendError(
            int type, int code, int rest, MemorySegment packet, long ipAt, int length, boolean forAll, long now) {
        if (IpHeader.isIpv4(packet, ipAt)) {
            if (IcmpErrorWriter.mayAnswer(packet, ipAt, length, -1, forAll)) {
                Neighbour to = receiver(packet, ipAt, now);
                if (to != null) {
                    int n = IcmpErrorWriter.write(memory, IpInterface.HEADROOM, type, code, rest, packet, ipAt, length);
                    sendAbout(to, packet, ipAt, n);
                }
            }
            return;
        }
        int six = Icmpv6Header.ofIcmpv4(type, code);
        if (six >= 0) {
            boolean parameter = six >>> 8 == Icmpv6Header.PARAMETER_PROBLEM;
            int field = parameter ? writer6.protocolField(packet, ipAt, length) : rest;
            sendError6(six >>> 8, six & 0xff, field, packet, ipAt, length, forAll, now);
        }
    }

    /** The same with an error that only ICMPv6 has. */
    void sendError6(
            int type, int code, int rest, MemorySegment packet, long ipAt, int length, boolean forAll, long now) {
        if (forAll || !writer6.mayAnswer(packet, ipAt, length)) {
            return;
        }
        Neighbour to = receiver(packet, ipAt, now);
        if (to != null) {
            int n = Icmpv6ErrorWriter.write(memory, IpInterface.HEADROOM, type, code, rest, packet, ipAt, length);
            sendAbout(to, packet, ipAt, n);
        }
    }

    /** The way to the sender of a packet, if it may hear of an error now. */
    private @Nullable Neighbour receiver(MemorySegment packet, long ipAt, long now) {
        long high = IpHeader.sourceHigh(packet, ipAt);
        long low = IpHeader.sourceLow(packet, ipAt);
        RateLimiter limiter = limiters.computeIfAbsent(
                IpHeader.address(high, low), _ -> new RateLimiter(ERRORS_PER_SECOND, ERROR_BURST, now));
        Neighbour to = limiter.allow(now) ? ip.route(high, low) : null;
        if (to == null) {
            counters.icmpErrorsSuppressed++;
        } else {
            counters.icmpErrorsOut++;
        }
        return to;
    }

    private void sendAbout(Neighbour to, MemorySegment packet, long ipAt, int length) {
        send(
                to,
                IpHeader.destinationHigh(packet, ipAt),
                IpHeader.destinationLow(packet, ipAt),
                IpHeader.sourceHigh(packet, ipAt),
                IpHeader.sourceLow(packet, ipAt),
                memory,
                length);
    }
}
