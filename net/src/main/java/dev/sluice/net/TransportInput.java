package dev.sluice.net;

import dev.sluice.net.ip.IpCounters;
import dev.sluice.wire.Flaw;
import dev.sluice.wire.IcmpHeader;
import dev.sluice.wire.IpHeader;
import dev.sluice.wire.Ipv4Header;
import dev.sluice.wire.Ipv6Header;
import dev.sluice.wire.TcpHeader;
import dev.sluice.wire.UdpHeader;
import java.lang.foreign.MemorySegment;

/** What both families' packets have in common above their headers: checks the transport and hands it to its protocol. Confined to the loop. */
final class TransportInput {
    private final NetCounters counters;
    private final IpCounters ipCounters;
    private final TcpEngine tcp;
    private final UdpEngine udp;
    private final IcmpEngine icmp;

    TransportInput(NetCounters counters, TcpEngine tcp, UdpEngine udp, IcmpEngine icmp) {
        this.counters = counters;
        this.ipCounters = counters.ip;
        this.tcp = tcp;
        this.udp = udp;
        this.icmp = icmp;
    }

    /**
     * A whole packet whose header has been checked, to this host.
     *
     * @param ip where its IP header starts, which gives the addresses
     * @param protocol of the {@code length} bytes from {@code at}
     * @param trusted whether the transport checksum needs no check
     * @param forAll whether it went to a group or to everybody
     */
    void onPacket(
            MemorySegment s, long ip, int protocol, long at, int length, boolean trusted, boolean forAll, long now) {
        switch (protocol) {
            case Ipv4Header.PROTOCOL_TCP -> {
                if (TcpHeader.check(s, at, length) != Flaw.NONE
                        || (!trusted && !IpHeader.checksumOk(s, ip, protocol, at, length))) {
                    counters.badSegments++;
                } else if (forAll) {
                    ipCounters.notForUs++; // a connection has one peer (RFC 9293 §3.9.2.3)
                } else {
                    tcp.onSegment(s, ip, at, length, now);
                }
            }
            case Ipv4Header.PROTOCOL_UDP -> {
                if (UdpHeader.check(s, at, length) != Flaw.NONE || (!trusted && !IpHeader.udpChecksumOk(s, ip, at))) {
                    counters.badDatagrams++;
                } else {
                    onDatagram(s, ip, at, UdpHeader.length(s, at), forAll, now);
                }
            }
            default -> {
                if (protocol == (IpHeader.isIpv4(s, ip) ? Ipv4Header.PROTOCOL_ICMP : Ipv6Header.ICMPV6)) {
                    icmp.onMessage(s, ip, at, length, trusted, !forAll);
                } else if (protocol != Ipv6Header.NO_NEXT_HEADER) {
                    ipCounters.unknownProtocol++;
                    refuse(IcmpHeader.PROTOCOL_UNREACHABLE, s, ip, forAll, now);
                }
            }
        }
    }

    /** Each {@code size} bytes of payload are a datagram; its header goes over the end of the one before, which is done with. */
    void onSuperDatagram(
            MemorySegment s, long ip, int protocol, long at, int length, int size, boolean forAll, long now) {
        if (protocol != Ipv4Header.PROTOCOL_UDP || length < UdpHeader.LENGTH) {
            counters.badDatagrams++;
            return;
        }
        int sourcePort = UdpHeader.sourcePort(s, at);
        int destinationPort = UdpHeader.destinationPort(s, at);
        for (int from = UdpHeader.LENGTH; from < length; from += size) {
            int piece = UdpHeader.LENGTH + Math.min(size, length - from);
            long datagram = at + from - UdpHeader.LENGTH;
            UdpHeader.write(s, datagram, sourcePort, destinationPort, piece);
            onDatagram(s, ip, datagram, piece, forAll, now);
        }
    }

    private void onDatagram(MemorySegment s, long ip, long at, int length, boolean forAll, long now) {
        if (!udp.onDatagram(s, ip, at, length)) {
            counters.datagramsRefused++;
            refuse(IcmpHeader.PORT_UNREACHABLE, s, ip, forAll, now);
        }
    }

    private void refuse(int code, MemorySegment s, long ip, boolean forAll, long now) {
        icmp.sendError(IcmpHeader.DESTINATION_UNREACHABLE, code, 0, s, ip, IpHeader.totalLength(s, ip), forAll, now);
    }
}
